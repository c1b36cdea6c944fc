"""A service that costs nothing: answers everything at once, and on some paths late or at length.

`python -m scripts.siege.upstream PORT`. All five services are played by one of these where a proof
is about the gateway alone.
"""

import asyncio
import signal
import sys
from typing import Any, cast

import httptools

from libs.common.web.serving import run

HOST = "127.0.0.1"
READY = b'{"status":"ready","checks":{"database":true,"bus":true,"cache":true}}'
SHORT = b'{"status":"success","data":{"text":"%s"},"message":null}' % (b"x" * 148)
TAKEN = b'{"status":"success","data":{"grievance_id":"siege","bytes":%d},"message":null}'
LATE = {b"/api/v1/chat/faqs": 0.5}
WATCH_PATH = b"/internal/watch/"
WATCHED = b'{"status":"success","data":{"id":"%s"},"message":null}'
LONG_PATH = b"/api/v1/files/"
LONG_BYTES = 8 * 1024 * 1024
PIECE = bytes(256 * 1024)
OK, CREATED = 200, 201


class Upstream(asyncio.Protocol):
    """One connection of the gateway."""

    def __init__(self) -> None:
        self._parser = httptools.HttpRequestParser(self)
        self._path = b""
        self._bytes = 0
        self._can_write = asyncio.Event()
        self._can_write.set()
        self._tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's
        for task in self._tasks:
            task.cancel()

    def pause_writing(self) -> None:
        self._can_write.clear()

    def resume_writing(self) -> None:
        self._can_write.set()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._transport.close()

    def on_message_begin(self) -> None:
        self._path, self._bytes = b"", 0

    def on_url(self, url: bytes) -> None:
        self._path += url

    def on_body(self, body: bytes) -> None:
        self._bytes += len(body)

    def on_message_complete(self) -> None:
        path = self._path.partition(b"?")[0]
        is_read = self._parser.get_method() == b"GET"
        if path == b"/readyz":
            self._say(READY)
        elif path.startswith(WATCH_PATH):
            self._say(WATCHED % path.removeprefix(WATCH_PATH))
        elif is_read and path.startswith(LONG_PATH):
            self._do(self._at_length())
        elif path in LATE:
            self._do(self._late(LATE[path]))
        elif is_read:
            self._say(SHORT)
        else:
            self._say(TAKEN % self._bytes, CREATED)

    def _say(self, body: bytes, status: int = OK) -> None:
        head = b"HTTP/1.1 %d OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        self._transport.write(head % (status, len(body)) + body)

    async def _late(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self._say(SHORT)

    async def _at_length(self) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: %d\r\n\r\n"
        self._transport.write(head % LONG_BYTES)
        for _ in range(LONG_BYTES // len(PIECE)):
            await self._can_write.wait()
            self._transport.write(PIECE)
            await asyncio.sleep(0)  # others are answered in between

    def _do(self, coroutine: Any) -> None:
        task = asyncio.ensure_future(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def serve(port: int) -> None:
    """Answer until told to stop."""
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    server = await loop.create_server(Upstream, HOST, port, backlog=2048)
    await stopped.wait()
    server.close()


if __name__ == "__main__":
    run(serve(int(sys.argv[1])))
