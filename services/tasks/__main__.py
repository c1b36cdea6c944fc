"""`python -m services.tasks`: this service alone; `python -m services.tasks.worker`: a lane."""

from libs.common.cli import main
from services.tasks.app import create_app
from services.tasks.events import hears
from services.tasks.settings import TasksSettings

if __name__ == "__main__":
    main("tasks", create_app, TasksSettings, topics=hears)
