"""`python -m services.chat`: this service alone."""

from libs.common.cli import main
from services.chat.app import create_app, rebuild_links
from services.chat.events import hears
from services.chat.settings import ChatSettings

if __name__ == "__main__":
    main(
        "chat",
        create_app,
        ChatSettings,
        topics=hears,
        commands={
            "rebuild-links": ("make case_links again from what grievance has said", rebuild_links)
        },
    )
