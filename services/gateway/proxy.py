"""The data path: a request streams to its service, the answer streams back. The only aiohttp here.

Small bodies are read before the service is asked, so that a slow client holds no connection of
ours. Large ones, and those of unknown length, stream and are counted as they pass.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
from starlette.types import Send
from yarl import URL

from libs.common.clock import monotonic
from libs.common.errors import DeadlineExceeded
from libs.common.logging import get_logger
from libs.common.telemetry import traceparent
from services.gateway.domain.bodies import SMALL, Body, Leaving
from services.gateway.domain.headers import returned
from services.gateway.domain.refusals import RequestTimeout, UpstreamUnavailable
from services.gateway.settings import GatewaySettings

log = get_logger(__name__)

CONNECT_SECONDS = 2.0
KEEP_ALIVE_SECONDS = 15.0
"""Half of what services keep a quiet connection for: we let go first."""
GRACE_SECONDS = 0.25
"""A service refuses at its deadline itself, and says more than we can."""
BODILESS = frozenset({204, 304})


@dataclass(slots=True)
class Call:
    """What is passed on to a service."""

    method: str
    service: str
    target: str
    headers: list[tuple[str, str]]
    seconds: float
    length: int | None
    """Bytes of body promised; None when only the end will tell."""
    body: Body
    request_id: str
    token: str | None
    is_head: bool = False
    """The client asked for the head of the answer only; the service is asked with GET."""
    is_answered: bool = False
    """The beginning of an answer was sent."""


Content = bytes | AsyncIterator[bytes] | None


class AnswerBroke(Exception):
    """A service stopped in the middle of an answer, of which the client has the beginning."""


class Proxy:
    """Passes calls on over kept connections."""

    def __init__(self, settings: GatewaySettings, services: tuple[str, ...]) -> None:
        self._bases = {name: settings.peer(name) for name in services}
        self._idle_seconds = settings.idle_seconds
        self._connections = settings.connections_per_peer
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Be ready to call."""
        connector = aiohttp.TCPConnector(
            limit=0, limit_per_host=self._connections, keepalive_timeout=KEEP_ALIVE_SECONDS
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
            auto_decompress=False,
            skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
            trust_env=False,
        )
        # It would send a PUT again on its own; whether that is safe is for the caller to say.
        self._session._retry_connection = False  # noqa: SLF001

    async def close(self) -> None:
        """Let go of every connection."""
        if self._session:
            await self._session.close()

    async def forward(self, call: Call, leaving: Leaving, send: Send) -> None:
        """Ask the service, and hand its answer on as it comes.

        Raises RequestTimeout, TooLarge, ClientGone, UpstreamUnavailable, DeadlineExceeded while
        nothing was sent yet; AnswerBroke after.
        """
        until = monotonic() + call.seconds
        content = await self._content(call, leaving)
        answer = await self._asked(call, content, until)
        try:
            await self._relay(call, answer, until, leaving, send)
        finally:
            # What was not read to the end cannot be used again; the rest goes back by itself.
            answer.release()

    async def _content(self, call: Call, leaving: Leaving) -> Content:
        if call.length == 0:
            call.body.is_complete = True
            leaving.watch()
            return None
        if call.length is not None and call.length <= SMALL:
            content = await call.body.whole()
            leaving.watch()
            return content
        return _streamed(call.body, leaving)

    async def _asked(self, call: Call, content: Content, until: float) -> aiohttp.ClientResponse:
        tries = 2 if call.method == "GET" and content is None else 1
        try:
            async with _ending(until):
                while True:
                    tries -= 1
                    try:
                        return await self._ask(call, content, until)
                    except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as error:
                        if not tries or isinstance(error, aiohttp.ClientConnectorError):
                            raise
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise self._reason(call, error) from error

    async def _ask(self, call: Call, content: Content, until: float) -> aiohttp.ClientResponse:
        assert self._session is not None  # noqa: S101 - nothing is answered before it is open
        headers = [
            *call.headers,
            ("X-Request-ID", call.request_id),
            ("X-Deadline", f"{max(0.0, until - monotonic()):.3f}"),
        ]
        if call.token is not None:
            headers.append(("Authorization", f"Bearer {call.token}"))
        if call.length:
            headers.append(("Content-Length", str(call.length)))
        parent = traceparent()
        if parent:
            headers.append(("traceparent", parent))
        return await self._session.request(
            call.method,
            URL(self._bases[call.service] + call.target, encoded=True),
            headers=headers,
            data=content,
            allow_redirects=False,
        )

    def _reason(self, call: Call, error: BaseException) -> Exception:
        if call.body.refused:
            return call.body.refused
        if isinstance(error, TimeoutError) and not isinstance(error, aiohttp.ServerTimeoutError):
            if call.body.is_awaited:
                return RequestTimeout("The body that was promised did not come in time.")
            return DeadlineExceeded("This took longer than it may.")
        log.warning("upstream.away", peer=call.service, error_type=type(error).__name__)
        return UpstreamUnavailable("This part of the system is away for the moment.")

    async def _relay(
        self,
        call: Call,
        answer: aiohttp.ClientResponse,
        until: float,
        leaving: Leaving,
        send: Send,
    ) -> None:
        has_body = not call.is_head and answer.status not in BODILESS
        length = answer.headers.get("Content-Length")
        first = b""
        is_short = has_body and length is not None and length.isdecimal() and int(length) <= SMALL
        if is_short:
            first = await self._short(call, answer, until)
        headers = returned(answer.raw_headers, with_length=answer.status not in BODILESS)
        if not call.body.is_complete:
            headers.append((b"connection", b"close"))
        call.is_answered = True
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        if has_body and not is_short:
            await self._stream(call, answer, send)
        leaving.stop()
        await send({"type": "http.response.body", "body": first})

    async def _short(self, call: Call, answer: aiohttp.ClientResponse, until: float) -> bytes:
        try:
            async with _ending(until):
                return await answer.read()
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise self._reason(call, error) from error

    async def _stream(self, call: Call, answer: aiohttp.ClientResponse, send: Send) -> None:
        chunks = answer.content.iter_any()
        try:
            while True:
                async with asyncio.timeout(self._idle_seconds):
                    chunk = await anext(chunks, b"")
                    if not chunk:
                        return
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            log.warning("upstream.broke", peer=call.service, error_type=type(error).__name__)
            raise AnswerBroke from error


def _ending(until: float) -> asyncio.Timeout:
    """A wait that ends when the caller stops waiting, and a moment after the service does."""
    return asyncio.timeout(max(0.0, until - monotonic()) + GRACE_SECONDS)


async def _streamed(body: Body, leaving: Leaving) -> AsyncIterator[bytes]:
    async for chunk in body.chunks():
        yield chunk
    leaving.watch()
