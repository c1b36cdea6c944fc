"""`python -m services.users`: this service alone, and what an operator does with it."""

from libs.common.cli import main
from services.users.app import create_app
from services.users.app.arguments import COMMANDS, OPTIONS
from services.users.events import hears
from services.users.settings import UsersSettings

if __name__ == "__main__":
    main(
        "users",
        create_app,
        UsersSettings,
        topics=hears,
        commands=COMMANDS,
        options=OPTIONS,
    )
