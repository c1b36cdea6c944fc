"""Every kind of work this service knows."""

from services.tasks.domain.classifying import classify_and_summarize_grievance
from services.tasks.domain.exporting import export_person
from services.tasks.domain.processing import process_file
from services.tasks.domain.registry import registry_of
from services.tasks.domain.sending import send_otp

KINDS = registry_of(classify_and_summarize_grievance, process_file, send_otp, export_person)
