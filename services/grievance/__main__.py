"""`python -m services.grievance`: this service alone."""

from libs.common.cli import main
from services.grievance.app import create_app
from services.grievance.events import hears
from services.grievance.settings import GrievanceSettings

if __name__ == "__main__":
    main("grievance", create_app, GrievanceSettings, topics=hears)
