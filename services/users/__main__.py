"""`python -m services.users`: this service alone."""

import argparse

from libs.common.cli import main
from services.users.app import create_admin, create_app
from services.users.events import hears
from services.users.settings import UsersSettings


def name_them(parser: argparse.ArgumentParser) -> None:
    """What `create-admin` has to be told."""
    parser.add_argument("--username", required=True)


if __name__ == "__main__":
    main(
        "users",
        create_app,
        UsersSettings,
        topics=lambda: hears(None),
        commands={"create-admin": ("appoint a super_admin; password from stdin", create_admin)},
        options={"create-admin": name_them},
    )
