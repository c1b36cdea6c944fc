"""Every kind of work this service knows."""

from services.tasks.domain.classifying import classify_and_summarize_grievance
from services.tasks.domain.processing import process_file
from services.tasks.domain.registry import registry_of

KINDS = registry_of(classify_and_summarize_grievance, process_file)
