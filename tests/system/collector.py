"""Whoever gathers the spans of a system, on loopback."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)
_TAKEN = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"


@dataclass
class Gathered:
    """What was exported, as it came."""

    url: str = ""
    bodies: list[bytes] = field(default_factory=list)

    @property
    def raw(self) -> bytes:
        """Every byte of every body."""
        return b"\n".join(self.bodies)

    def spans(self) -> list[dict[str, Any]]:
        """The spans, read as OTLP has them."""
        told = [json.loads(body) for body in self.bodies]
        scopes = [scope for each in told for scope in each["resourceSpans"][0]["scopeSpans"]]
        return [span for scope in scopes for span in scope["spans"]]

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection until it ends."""
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                match = _LENGTH.search(head)
                assert match, head
                self.bodies.append(await reader.readexactly(int(match[1])))
                writer.write(_TAKEN)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def gathering() -> AsyncIterator[Gathered]:
    """Gather what is exported meanwhile."""
    found = Gathered()
    server = await asyncio.start_server(found.take, "127.0.0.1", 0)
    found.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1/traces"
    try:
        yield found
    finally:
        server.close()
        await server.wait_closed()
