"""`python -m services.tasks.worker --lane llm`: workers in a process of their own."""

import argparse
import sys

from libs.common.bus.factory import open_bus
from libs.common.cli import EMBEDDED_ALONE, Refused, observe, told
from libs.common.crypto.keyring import KeyringError
from libs.common.db.migrations import BehindHead
from libs.common.errors import AppError
from libs.common.web.service import Service
from libs.common.web.serving import Site, admin, bind, run, serve
from services.tasks.models import GROUND, Lane
from services.tasks.settings import TasksSettings
from services.tasks.worker import open_works


async def work(settings: TasksSettings) -> None:
    """Work the lanes the settings name, until told to stop; `/healthz` and `/readyz` answer."""
    shared = settings.shared
    if shared.is_embedded:
        raise Refused(EMBEDDED_ALONE.format(name="a worker of tasks"))
    bus = open_bus(shared.bus, name="tasks-worker", prefix=shared.bus_prefix)
    service = Service.open("tasks", settings, ground=GROUND, bus=bus)
    app = service.app(routers=[], background=open_works(service, settings))
    site = Site.of(app, bind(shared.host, shared.port))
    inner = Site(admin, bind(shared.host, shared.admin_port))
    try:
        await serve([site, inner], shared)
    finally:
        await bus.close()


def main() -> None:
    """Read the command line and work."""
    parser = argparse.ArgumentParser(prog="python -m services.tasks.worker")
    parser.add_argument("--lane", choices=list(Lane), action="append", help="all without any")
    given = parser.parse_args()
    settings = TasksSettings(lanes=tuple(given.lane or Lane))
    observe(settings.shared)
    try:
        run(work(settings))
    except (Refused, KeyringError, BehindHead, AppError, OSError) as refusal:
        sys.stderr.write(f"redress tasks worker: {told(refusal)}\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
