"""`python -m services`: the whole system in one process, for a machine with nothing installed.

Six servers on loopback, the gateway on PORT (8000); SQLite files and the embedded bus under `var/`.
`python -m services rebuild-links` makes chat's links again, whether the system runs or not.
"""

import argparse
import sys
from collections.abc import Callable

import httpx2
from fastapi import FastAPI

from libs.common.bus.factory import open_bus
from libs.common.bus.protocol import Bus
from libs.common.cli import Refused, make_keys, must_be_there, observe, told
from libs.common.clock import monotonic
from libs.common.crypto.keyring import KeyringError
from libs.common.db.engine import Database
from libs.common.db.migrations import BehindHead, check_head
from libs.common.errors import AppError
from libs.common.settings import SERVICES, ServiceSettings, SharedSettings
from libs.common.web.service import Service
from libs.common.web.serving import Site, admin, bind, run, serve
from services.chat.app import create_app as chat, rebuild_links as make_links_again
from services.chat.settings import ChatSettings
from services.files.app import create_app as files
from services.files.settings import FilesSettings
from services.gateway.app import create_app as gateway
from services.gateway.settings import GatewaySettings
from services.grievance.app import create_app as grievance
from services.grievance.settings import GrievanceSettings
from services.tasks.app import create_app as tasks
from services.tasks.settings import TasksSettings
from services.users.app import create_app as users
from services.users.settings import UsersSettings

PROGRAMS: dict[str, tuple[Callable[..., FastAPI], type[ServiceSettings]]] = {
    "users": (users, UsersSettings),
    "grievance": (grievance, GrievanceSettings),
    "files": (files, FilesSettings),
    "tasks": (tasks, TasksSettings),
    "chat": (chat, ChatSettings),
}


def arrange(shared: SharedSettings, bus: Bus) -> list[Site]:
    """Bind every socket, tell everybody where the others are, and build the apps."""
    door = bind(shared.host, shared.port)
    inner = bind("127.0.0.1", shared.admin_port)
    sockets = {name: bind("127.0.0.1", 0) for name in SERVICES}
    peers = {name: f"http://127.0.0.1:{each.getsockname()[1]}" for name, each in sockets.items()}
    shared = shared.model_copy(update={"peers": peers})
    sites = [
        Site.of(create_app(settings(shared=shared), bus=bus), sockets[name])
        for name, (create_app, settings) in PROGRAMS.items()
    ]
    front = gateway(GatewaySettings(shared=shared), bus=bus)
    return [front.site(door), Site(admin, inner), *sites]


async def main(shared: SharedSettings, started: float) -> None:
    """Serve until told to stop."""
    bus = open_bus(shared.bus, name="redress")
    try:
        sites = arrange(shared, bus)
        make_keys(shared, "gateway", *SERVICES)
        await serve(sites, shared, ready=lambda: _greet(shared, sites, monotonic() - started))
    finally:
        await bus.close()


async def rebuild_links(shared: SharedSettings) -> None:
    """Chat's command of this name, with grievance's log read by its app in this very process.

    The app is asked and not started: it hears nothing and publishes nothing, so that a system that
    runs meanwhile goes on undisturbed.
    """
    settings = GrievanceSettings(shared=shared)
    must_be_there(Database(settings.database("grievance"), schema="grievance").file)
    app = grievance(settings, bus=open_bus(shared.bus, name="redress"))
    service: Service = app.state.service
    try:
        await check_head(service.database, "grievance")
        await service.check_keyring(note=False)
        asked_here = httpx2.ASGITransport(app)
        await make_links_again(
            ChatSettings(shared=shared), argparse.Namespace(), transport=asked_here
        )
    finally:
        await service.http.aclose()
        await service.cache.close()
        await service.database.close()


def _greet(shared: SharedSettings, sites: list[Site], seconds: float) -> None:
    """Say where everything is, and once who may sign in."""
    door = f"http://{shared.host}:{sites[0].port}"
    lines = [
        f"Redress is ready after {seconds:.1f} s.",
        f"  API       {door}/api/v1   (health: {door}/health)",
        f"  metrics   http://127.0.0.1:{sites[1].port}/metrics",
        f"  data      {shared.data_dir.absolute()}",
    ]
    password = shared.data_dir / "admin-password"
    if password.exists():
        lines.append(f"  sign in   admin / {password.read_text().strip()}   (kept in {password})")
    secret = shared.data_dir / "admin-totp"
    if secret.exists():
        lines.append(f"            and a code from {secret}: an authenticator's, or `make token`")
    sys.stdout.write("\n".join(["", *lines, "  Ctrl-C ends everything.", "", ""]))
    sys.stdout.flush()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m services", description=__doc__)
    parser.add_argument("--port", type=int, help="the gateway's port (PORT, default 8000)")
    parser.add_argument(
        "command",
        nargs="?",
        choices=["serve", "rebuild-links"],
        default="serve",
        help="serve (the default), or make chat's links again from what grievance has said",
    )
    return parser.parse_args()


if __name__ == "__main__":
    began = monotonic()
    given = _arguments()
    chosen = SharedSettings() if given.port is None else SharedSettings(port=given.port)
    observe(chosen)
    try:
        run(rebuild_links(chosen) if given.command == "rebuild-links" else main(chosen, began))
    except (Refused, KeyringError, BehindHead, AppError, OSError) as refusal:
        sys.stderr.write(f"redress: {told(refusal)}\n")
        if isinstance(refusal, OSError) and "address already in use" in str(refusal).lower():
            sys.stderr.write(f"Port {chosen.port} is taken: `make run PORT=8001` uses another.\n")
        sys.exit(1)
