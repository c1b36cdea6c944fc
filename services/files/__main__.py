"""`python -m services.files`: this service alone."""

from libs.common.cli import main
from services.files.app import create_app
from services.files.events import hears
from services.files.settings import FilesSettings

if __name__ == "__main__":
    main("files", create_app, FilesSettings, topics=hears)
