"""The command line every service has: `python -m services.<name> [serve|migrate|dead|…]`."""

import argparse
import os
import sys
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from fastapi import FastAPI

from libs.common.bus.factory import open_bus
from libs.common.bus.protocol import Bus
from libs.common.crypto.keyring import Keyring, KeyringError
from libs.common.db.engine import Database
from libs.common.db.migrations import BehindHead, migrate
from libs.common.errors import AppError
from libs.common.logging import start_logging
from libs.common.messaging.consumer import Consumer
from libs.common.settings import ProgramSettings, ServiceSettings, SharedSettings
from libs.common.telemetry import start_tracing
from libs.common.tokens import Signer
from libs.common.web.serving import Site, admin, bind, run, serve

S = TypeVar("S", bound=ProgramSettings)
CreateApp = Callable[..., Any]
"""`create_app(settings, *, bus)`: a FastAPI app, or one that knows its own `site(socket)`."""

STOPPED = 130
"""The exit code of what Ctrl-C ended."""
EMBEDDED_ALONE = (
    "The embedded bus belongs to one process: `python -m services` runs all services in it. "
    "To run {name} alone, name a broker in REDRESS_BUS_URL (amqp://…)."
)


class Refused(Exception):
    """The command cannot be done; the text says why and what to do."""


def told(refusal: BaseException) -> str:
    """A refusal in one line, with what the system or the database had to say: for operators."""
    cause: object = refusal.__cause__
    driver = getattr(cause, "orig", None)
    why = getattr(driver, "__cause__", None) or driver or cause
    [line, *_] = f"{refusal} {why or ''}".strip().splitlines()
    return line


def must_be_there(file: Path | None) -> None:
    """Refuse a command whose database is a file nobody made yet; it would begin an empty one."""
    if file and not file.exists():
        raise Refused(f"There is no database at {file}: is REDRESS_DATA_DIR right?")


def keep_to_owner(settings: SharedSettings) -> None:
    """What an embedded installation writes from now on, and all it has, are its owner's alone.

    Where services run apart, whoever installs them says who may read what.
    """
    if settings.is_embedded:
        os.umask(0o077)
        folder = settings.data_dir
        for place, mode in [(folder, 0o700), *((file, 0o600) for file in folder.glob("*.db*"))]:
            with suppress(OSError):  # it is not there
                if place.stat().st_uid == os.geteuid():
                    place.chmod(mode)


def observe(settings: SharedSettings) -> None:
    """Begin to log and to trace, and to write for nobody else."""
    keep_to_owner(settings)
    start_logging(level=settings.log_level, form=settings.log_format)
    start_tracing(ratio=settings.trace_ratio, otlp_endpoint=settings.otlp_endpoint)


def main(
    name: str,
    create_app: CreateApp,
    settings_type: type[S],
    *,
    topics: Callable[[], Consumer] | None = None,
    commands: Mapping[str, tuple[str, Callable[[S, argparse.Namespace], Coroutine[Any, Any, None]]]]
    | None = None,
    options: Mapping[str, Callable[[argparse.ArgumentParser], None]] | None = None,
) -> None:
    """Run one command of the service `name`; `options` adds a command's own arguments."""
    parser = argparse.ArgumentParser(prog=f"python -m services.{name}")
    sub = parser.add_subparsers(dest="command", metavar="COMMAND")
    sub.add_parser("serve", help="answer requests and hear events (the default)")
    sub.add_parser("migrate", help="bring the schema to head and declare the queue")
    sub.add_parser("keys", help="make the keyring and this service's signing key, if missing")
    dead = sub.add_parser("dead", help="list or redrive parked messages")
    dead.add_argument("action", choices=["list", "redrive"])
    dead.add_argument("ids", nargs="*", help="message ids to redrive; all without any")
    dead.add_argument("--queue", default=name)
    for command, (text, _) in (commands or {}).items():
        own_parser = sub.add_parser(command, help=text)
        if options and command in options:
            options[command](own_parser)
    arguments = parser.parse_args()
    settings = settings_type()
    observe(settings.shared)
    own = (commands or {}).get(arguments.command or "")
    try:
        if own:
            run(own[1](settings, arguments))
        else:
            run(_do(name, create_app, settings, topics, arguments))
    except (Refused, KeyringError, BehindHead, AppError, OSError) as refusal:
        sys.stderr.write(f"redress {name}: {told(refusal)}\n")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.stderr.write(f"redress {name}: stopped\n")
        sys.exit(STOPPED)


async def _do(
    name: str,
    create_app: CreateApp,
    settings: ProgramSettings,
    topics: Callable[[], Consumer] | None,
    arguments: argparse.Namespace,
) -> None:
    match arguments.command:
        case "migrate":
            await _migrate(name, settings, topics)
        case "keys":
            make_keys(settings.shared, name)
        case "dead":
            await _dead(settings, arguments)
        case _:
            await _serve(name, create_app, settings)


async def _serve(name: str, create_app: CreateApp, settings: ProgramSettings) -> None:
    shared = settings.shared
    if shared.is_embedded:
        raise Refused(EMBEDDED_ALONE.format(name=name))
    bus = open_bus(shared.bus, name=name, prefix=shared.bus_prefix)
    app = create_app(settings, bus=bus)
    door = bind(shared.host, shared.port)
    site = Site.of(app, door) if isinstance(app, FastAPI) else app.site(door)
    inner = Site(admin, bind(shared.host, shared.admin_port))
    try:
        await serve([site, inner], shared)
    finally:
        await bus.close()


async def _migrate(
    name: str, settings: ProgramSettings, topics: Callable[[], Consumer] | None
) -> None:
    if not isinstance(settings, ServiceSettings):
        raise Refused("it has no schema and no queue; there is nothing to migrate")
    database = Database(settings.database(name), schema=name)
    try:
        await migrate(database, name)
    finally:
        await database.close()
    if topics and not settings.shared.is_embedded:
        async with _bus(settings) as bus:
            await topics().declare(bus)
    sys.stdout.write(f"{name}: at head\n")


async def _dead(settings: ProgramSettings, arguments: argparse.Namespace) -> None:
    if settings.shared.is_embedded:
        must_be_there(settings.shared.bus_file)
    async with _bus(settings) as bus:
        if arguments.action == "redrive":
            count = await bus.redrive(arguments.queue, arguments.ids or None)
            sys.stdout.write(f"{count} put back\n")
            return
        for letter in await bus.dead(arguments.queue):
            sys.stdout.write(
                f"{letter.message.id}  {letter.parked_at:%Y-%m-%dT%H:%M:%SZ}  "
                f"{letter.message.topic}  attempts={letter.attempts}  {letter.reason}\n"
            )


class _bus:  # noqa: N801 - reads as a statement
    """A bus for one command."""

    def __init__(self, settings: ProgramSettings) -> None:
        shared = settings.shared
        self._bus: Bus = open_bus(shared.bus, name="cli", prefix=shared.bus_prefix)

    async def __aenter__(self) -> Bus:
        await self._bus.start()
        return self._bus

    async def __aexit__(self, *_: object) -> None:
        await self._bus.close()


def make_keys(shared: SharedSettings, *names: str) -> None:
    """Make what is missing of the keyring and the signing keys of `names`."""
    path = shared.keys / "keyring.json"
    if not path.exists():
        Keyring.create(path)
    for name in names:
        Signer.at(name, shared.keys)
