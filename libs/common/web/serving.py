"""Serve apps until told to stop, then finish what was begun.

One signal handler for every server of the process. On SIGTERM or SIGINT: the readiness probe says
no, for `linger_seconds` every answer is the last of its connection, listening ends, requests in
flight get their answers (up to `drain_seconds`), then the apps close what they hold. A second
signal does not wait.
"""

import asyncio
import contextlib
import gc
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

import uvicorn
from fastapi import FastAPI
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.types import ASGIApp, Receive, Scope, Send

from libs.common.logging import get_logger
from libs.common.settings import SharedSettings

log = get_logger(__name__)

BACKLOG = 2048
KEEP_ALIVE_SECONDS = 30
MAX_HEAD_BYTES = 64 * 1024
MAX_FRAME_BYTES = 128 * 1024
UNACKNOWLEDGED_MS = 30_000
"""A peer that takes nothing for so long is gone, whatever its silence means."""
LAST_CALL_SECONDS = 0.05
"""Who was let through by the system before its queue closed is let in within this."""


@dataclass(frozen=True)
class Site:
    """An app, the socket it answers on, and what it holds open meanwhile."""

    app: ASGIApp
    bound: socket.socket
    lifespan: Callable[[], AbstractAsyncContextManager[object]] = contextlib.nullcontext
    protocol: type[asyncio.Protocol] | str = "httptools"
    leave: Callable[[], Awaitable[None]] | None = None
    """Told first when the site is to close: it answers a while longer, and says so."""

    @classmethod
    def of(cls, app: FastAPI, bound: socket.socket) -> "Site":
        """The site of a service's app."""
        return cls(app, bound, lambda: app.router.lifespan_context(app))

    @property
    def port(self) -> int:
        """The port, also when the system chose it."""
        found: int = self.bound.getsockname()[1]
        return found


def bind(host: str, port: int) -> socket.socket:
    """A listening socket at `host:port`; port 0 lets the system choose. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind((host, port))
    bound.set_inheritable(False)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_MS)
    return bound


class Server(uvicorn.Server):
    """A uvicorn server that leaves signals to `serve`, and leaves without shutting out anybody."""

    def __init__(self, site: Site, settings: SharedSettings) -> None:
        super().__init__(_config(site, settings))
        self._site = site
        self._linger = settings.linger_seconds

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Say goodbye, take in who is already at the door, then close it."""
        if self._site.leave and not self.force_exit:
            await self._site.leave()
            await asyncio.sleep(self._linger)
            for bound in sockets or []:
                bound.listen(0)
            await asyncio.sleep(LAST_CALL_SECONDS)
        await super().shutdown(sockets)


async def serve(
    sites: Sequence[Site], settings: SharedSettings, *, ready: Callable[[], None] | None = None
) -> None:
    """Serve `sites`, the first one opening last: by then the others can answer it.

    `ready` is called once all of them answer. What an app raises while it opens ends it all.
    """
    servers = [Server(site, settings) for site in sites]
    loop = asyncio.get_running_loop()
    asked = 0

    def stop() -> None:
        nonlocal asked
        asked += 1
        servers[0].should_exit = True
        for server in servers:
            server.force_exit = asked > 1

    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, stop)
    async with contextlib.AsyncExitStack() as stack:
        for site in reversed(sites):
            await stack.enter_async_context(site.lifespan())
        async with asyncio.TaskGroup() as group:
            for server, site in reversed(list(zip(servers, sites, strict=True))):
                running = group.create_task(server.serve([site.bound]))
                while not server.started and not asked:  # noqa: ASYNC110 - uvicorn's
                    await asyncio.sleep(0.005)
            settle()
            if ready and not asked:
                ready()
            # The first one answers with the help of the others: they close when it has.
            running.add_done_callback(lambda _: close_all(servers))


def settle() -> None:
    """Take what is here to stay out of the collector's rounds: a full one stops everybody."""
    gc.collect()
    gc.freeze()


def close_all(servers: Sequence[Server]) -> None:
    """Let every server end."""
    for server in servers:
        server.should_exit = True


def _config(site: Site, settings: SharedSettings) -> uvicorn.Config:
    return uvicorn.Config(
        site.app,
        http=site.protocol,
        loop="uvloop",
        ws="websockets-sansio",
        ws_max_size=MAX_FRAME_BYTES,
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=True,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=int(settings.drain_seconds),
        h11_max_incomplete_event_size=MAX_HEAD_BYTES,
    )


def run(main: object) -> None:
    """Run the coroutine `main` on uvloop.

    What a request leaves behind is free when the last one lets go of it; cycles are rare, and are
    looked for as rarely.
    """
    import uvloop  # noqa: PLC0415 - not on every platform; only servers need it

    gc.set_threshold(20_000, 20, 50)
    uvloop.run(main)  # type: ignore[arg-type]


async def admin(scope: Scope, _: Receive, send: Send) -> None:
    """The process's own port: `/metrics` for Prometheus, and a sign of life. Never public."""
    found = {"/metrics": generate_latest, "/healthz": lambda: b"alive\n"}.get(scope["path"])
    body = found() if found else b"not found\n"
    kind = CONTENT_TYPE_LATEST if scope["path"] == "/metrics" else "text/plain"
    head = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200 if found else 404, "headers": head})
    await send({"type": "http.response.body", "body": body})
