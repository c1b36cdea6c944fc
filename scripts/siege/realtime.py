"""Real-time connections at a door that leaves: each is to be told to come again.

A stream by an event `reconnect` and a proper end, a websocket by code 1012, a poll by an answer.
"""

import asyncio
import base64
import json
import os
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from scripts.siege.answers import Answer, Cut
from scripts.siege.lines import CONNECT_SECONDS, HOST, Line, NotSent, request

STREAM = "/api/v1/events/stream?subscribe=grievance:siege"
SOCKET = "/socket.io/?EIO=4&transport=websocket"
POLL = "/socket.io/?EIO=4&transport=polling"
TOLD = "reconnect"
SERVICE_RESTART = 1012
CLOSE, TEXT = 0x8, 0x1
EXTENDED = 126
LAST_CHUNK = b"0\r\n\r\n"
END_SECONDS = 35.0
TAIL = 400
OK, SWITCHING, NOT_FOUND = 200, 101, 404

Told = Callable[[], Coroutine[Any, Any, str]]
"""Waits for the end; `reconnect` when it was said, else what happened instead."""


class NotThere(Exception):
    """The door does not speak real time."""


class NotTaken(Exception):
    """It does, and did not take this connection."""


def _refused(what: str, status: int) -> Exception:
    return (NotThere if status == NOT_FOUND else NotTaken)(f"{what} answers {status}")


async def stream(port: int, token: str) -> Told:
    """Open an SSE stream. Raises NotThere, NotTaken."""
    wire = request("GET", STREAM, token=token, accept="text/event-stream")
    reader, writer, status = await _opened(port, wire)
    if status != OK:
        writer.close()
        raise _refused("the event stream", status)

    async def told() -> str:
        text = await _to_the_end(reader)
        writer.close()
        if not text.endswith(LAST_CHUNK):
            return "stream: cut"
        return TOLD if b"event: reconnect" in text else "stream: ended without a word"

    return told


async def websocket(port: int, token: str) -> Told:
    """Connect a Socket.IO client over a websocket. Raises NotThere, NotTaken."""
    wire = request(
        "GET",
        SOCKET,
        connection="Upgrade",
        upgrade="websocket",
        sec_websocket_version=13,
        sec_websocket_key=base64.b64encode(os.urandom(16)).decode(),
    )
    reader, writer, status = await _opened(port, wire)
    if status != SWITCHING:
        writer.close()
        raise _refused("/socket.io", status)
    writer.write(_masked(_connect(token)))
    async with asyncio.timeout(CONNECT_SECONDS):
        text = b""
        while not text.startswith(b"4"):
            _, text = await _frame(reader)
    if not text.startswith(b"40"):
        writer.close()
        raise NotTaken(f"/socket.io says {text[:100].decode()}")

    async def told() -> str:
        code = await _close_code(reader)
        writer.close()
        return TOLD if code == SERVICE_RESTART else f"websocket: closed with {code or 'no word'}"

    return told


async def polling(port: int, token: str) -> Told:
    """Connect a Socket.IO client that polls. Raises NotThere, NotTaken."""
    line = await Line.to(port)
    try:
        opened = await _asked(line, request("GET", POLL))
        target = f"{POLL}&sid={json.loads(opened.body[1:])['sid']}"
        sent = request("POST", target, body=_connect(token)).replace(
            b"application/json", b"text/plain"
        )
        await _asked(line, sent)
        first = await _asked(line, request("GET", target))
    except (Cut, NotSent, ValueError) as error:
        raise NotTaken(f"/socket.io does not take polls: {error}") from None
    if not first.body.startswith(b"40"):
        raise NotTaken(f"/socket.io says {first.body[:100].decode()}")
    line.send(request("GET", target))

    async def told() -> str:
        try:
            async with asyncio.timeout(END_SECONDS):
                await line.answer()
        except (Cut, TimeoutError) as error:
            return f"poll: {str(error) or 'held for ever'}"
        finally:
            line.close()
        return TOLD

    return told


async def _asked(line: Line, wire: bytes) -> Answer:
    async with asyncio.timeout(CONNECT_SECONDS):
        answer = await line.ask(wire)
    if answer.status != OK:
        raise _refused("/socket.io", answer.status)
    return answer


async def _opened(port: int, wire: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, int]:
    async with asyncio.timeout(CONNECT_SECONDS):
        reader, writer = await asyncio.open_connection(HOST, port)
        writer.write(wire)
        head = await reader.readuntil(b"\r\n\r\n")
    return reader, writer, int(head.split(b" ", 2)[1])


async def _to_the_end(reader: asyncio.StreamReader) -> bytes:
    text = b""
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(END_SECONDS):
            while data := await reader.read(65536):
                text = (text + data)[-TAIL:]
                if text.endswith(LAST_CHUNK):
                    break
    return text


async def _close_code(reader: asyncio.StreamReader) -> int:
    """The code of the close frame; 0 when the connection ended without one."""
    with suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
        async with asyncio.timeout(END_SECONDS):
            kind, payload = await _frame(reader)
            while kind != CLOSE:
                kind, payload = await _frame(reader)
            return int.from_bytes(payload[:2], "big")
    return 0


async def _frame(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    first, length = await reader.readexactly(2)
    if length >= EXTENDED:
        length = int.from_bytes(await reader.readexactly(2 if length == EXTENDED else 8), "big")
    return first & 0xF, await reader.readexactly(length)


def _connect(token: str) -> bytes:
    return b"40" + json.dumps({"token": token}).encode()


def _masked(text: bytes) -> bytes:
    """A text frame of a client."""
    mask, size = os.urandom(4), len(text)
    length = bytes([0x80 | size]) if size < EXTENDED else b"\xfe" + size.to_bytes(2, "big")
    masked = bytes(byte ^ mask[place % 4] for place, byte in enumerate(text))
    return bytes([0x80 | TEXT]) + length + mask + masked
