"""HTTP/1.1 messages read by the letter: what a careful peer would understand, or Malformed."""

import json
import re
from dataclasses import dataclass, field
from typing import Any

from tests.contract.proxy.wire import Ended, Wire

Lines = list[tuple[str, str]]

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})(;[^\r\n\x00]*)?\r\n")
_START = re.compile(r"(?:[A-Z]+ \S+ HTTP/1\.[01]|HTTP/1\.[01] [1-5]\d\d(?: .*)?)")
BODILESS = frozenset({204, 304})


class Malformed(AssertionError):
    """What was read is no HTTP/1.1."""


@dataclass
class Message:
    """A request or an answer."""

    start: str
    headers: Lines
    body: bytes = b""
    trailers: Lines = field(default_factory=list)
    framing: str = "none"
    """How its end was told: "length", "chunked", "end" of the connection, or "none" needed."""
    is_whole: bool = True
    interim: "list[Message]" = field(default_factory=list)
    """The 1xx answers that came before."""

    @property
    def status(self) -> int:
        return int(self.start.split(" ")[1])

    @property
    def method(self) -> str:
        return self.start.split(" ")[0]

    @property
    def target(self) -> str:
        return self.start.split(" ")[1]

    @property
    def code(self) -> str:
        """The code of a refusal in our one shape, which carries the request's id."""
        error: dict[str, Any] = json.loads(self.body)["error"]
        assert error["request_id"] == self.value("x-request-id")
        return str(error["code"])

    @property
    def names(self) -> set[str]:
        return {name.lower() for name, _ in self.headers}

    def values(self, name: str) -> list[str]:
        return [value for given, value in self.headers if given.lower() == name]

    def value(self, name: str) -> str | None:
        """The one value of a header. Fails when there are two."""
        found = self.values(name)
        assert len(found) <= 1, (name, found)
        return found[0] if found else None


async def read_request(wire: Wire) -> Message | None:
    """The next request; None when there is none any more. Raises Malformed, Ended."""
    message = await read_head(wire)
    if message is None:
        return None
    await read_body(wire, message)
    return message


async def read_head(wire: Wire) -> Message | None:
    """The head of the next message. Raises Malformed, Ended."""
    try:
        raw = await wire.until(b"\r\n\r\n")
    except Ended:
        if wire.held:
            raise
        return None
    start, *lines = raw.removesuffix(b"\r\n\r\n").decode("latin-1").split("\r\n")
    if not _START.fullmatch(start):
        raise Malformed(start)
    return Message(start, [_line(line) for line in lines])


def _line(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon or not _TOKEN.fullmatch(name) or re.search(r"[\r\n\0]", value):
        raise Malformed(line)
    return name, value.strip(" \t")


async def read_body(wire: Wire, message: Message, *, open_end: bool = False) -> None:
    """The body that `message` promises. Raises Malformed, Ended."""
    length, coding = message.value("content-length"), message.value("transfer-encoding")
    if length is not None and coding is not None:
        raise Malformed("two ways to tell the end")
    if coding is not None:
        if coding != "chunked":
            raise Malformed(coding)
        message.framing = "chunked"
        await _read_chunks(wire, message)
    elif length is not None:
        if not re.fullmatch(r"[0-9]+", length):
            raise Malformed(length)
        message.framing = "length"
        await _read_length(wire, message, int(length))
    elif open_end:
        message.framing = "end"
        message.body = await wire.rest()
        message.is_whole = wire.ended == "end"


async def _read_length(wire: Wire, message: Message, size: int) -> None:
    try:
        message.body = await wire.exactly(size)
    except Ended:
        message.body = wire.held
        raise


async def _read_chunks(wire: Wire, message: Message) -> None:
    while True:
        size_line = await wire.until(b"\r\n")
        found = _SIZE.fullmatch(size_line)
        if not found:
            raise Malformed(size_line)
        size = int(found[1], 16)
        if not size:
            break
        message.body += await wire.exactly(size)
        if await wire.exactly(2) != b"\r\n":
            raise Malformed("a chunk does not end where it said")
    while (line := await wire.until(b"\r\n")) != b"\r\n":
        message.trailers.append(_line(line[:-2].decode("latin-1")))


async def read_answer(wire: Wire, method: str = "GET") -> Message:
    """The next answer, to a request with `method`; not whole when it was cut.

    Raises Malformed; Ended when not even its head came.
    """
    interim: list[Message] = []
    while True:
        message = await read_head(wire)
        if message is None:
            raise Ended
        if message.status == 101 or message.status >= 200:
            break
        interim.append(message)
    message.interim = interim
    if method == "HEAD" or message.status in BODILESS or message.status == 101:
        return message
    try:
        await read_body(wire, message, open_end=True)
    except Ended:
        message.is_whole = False
    return message


def answer(body: bytes = b"", *lines: str, status: int = 200, length: bool = True) -> bytes:
    """An answer, spelled out."""
    given = [f"Content-Length: {len(body)}"] if length else []
    head = [f"HTTP/1.1 {status} So", *given, *lines, "", ""]
    return "\r\n".join(head).encode("latin-1") + body


def chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


LAST = b"0\r\n\r\n"
