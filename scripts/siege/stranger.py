"""10 GB declared by somebody without a token: refused unread (reliability row 34, goal 8).

Bytes are counted where the gateway reads them, not where the kernel buffers them; a megabyte sent
by a known caller first shows that the count counts.
"""

import asyncio
import socket
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from scripts.siege.answers import Answer, AnswerReader, Cut
from scripts.siege.doors import Door, Street, street
from scripts.siege.lines import HOST, Line, request
from scripts.siege.processes import bytes_read, forget_peak, peak_kib, resident_kib
from scripts.siege.reporting import Check, at_most, none_of

DECLARED = 10 * 1024**3
PIECE = bytes(64 * 1024)
MOST_READ_KIB = 64
MOST_GROWTH_MIB = 20
MOST_SECONDS = 2.0
GIVE_UP_SECONDS = 15.0
GIVE_UP_BYTES = 256 * 1024 * 1024
PARALLEL = 50
TIMES_ALONE = 10
KNOWN_BYTES = 1024 * 1024
REFUSED = frozenset({401, 413})
TARGETS = ("/api/v1/files", "/api/v1/auth/guest")
"""A route for known callers, and one that is open to strangers (with a body of 16 KiB at most)."""


@dataclass(frozen=True)
class Kind:
    """What a stranger tries."""

    target: str
    many: int
    is_chunked: bool

    def __str__(self) -> str:
        how = "chunked" if self.is_chunked else "declared"
        return f"{self.target} {how}, {self.many} at once"


@dataclass(frozen=True)
class Attempt:
    """What came of one try."""

    status: int
    seconds: float

    @property
    def is_refused(self) -> bool:
        """Whether it was told so."""
        return self.status in REFUSED


async def prove(folder: Path, *, is_quick: bool) -> list[Check]:
    """Alone and in parallel, with a length and in chunks."""
    async with street(folder) as found:
        door = found.doors[0]
        checks = [await _counts(found, door)]
        for target in TARGETS:
            for is_chunked in (False, True):
                for many in (1, PARALLEL):
                    kind = Kind(target, many, is_chunked)
                    checks += await _tried(door, kind, times=1 if is_quick else 3)
    return checks


async def _counts(found: Street, door: Door) -> Check:
    """Whether what the gateway reads is seen: it is measured on a body that it must read."""
    body = b'{"text":"%s"}' % (b"x" * KNOWN_BYTES)
    before = bytes_read(door.pid)
    line = await Line.to(door.port)
    answer = await line.ask(
        request("POST", "/api/v1/grievances", token=found.asks.token(), body=body)
    )
    line.close()
    seen = bytes_read(door.pid) - before
    shown = f"{seen // 1024} KiB read of {len(body) // 1024} KiB, answered {answer.status}"
    return Check("a known caller's body is counted", shown, "all of it", seen >= len(body))


async def _tried(door: Door, kind: Kind, *, times: int) -> list[Check]:
    await asyncio.gather(*(_attempt(door.port, kind) for _ in range(2)))
    forget_peak(door.pid)
    resident = resident_kib(door.pid)
    attempts: list[Attempt] = []
    read_kib = []
    for _ in range(times if kind.many > 1 else TIMES_ALONE):
        before = bytes_read(door.pid)
        attempts += await asyncio.gather(*(_attempt(door.port, kind) for _ in range(kind.many)))
        read_kib.append((bytes_read(door.pid) - before) / kind.many / 1024)
    growth = (peak_kib(door.pid) - resident) / 1024
    let_in = [str(attempt.status) for attempt in attempts if not attempt.is_refused]
    slowest = max(attempt.seconds for attempt in attempts)
    return [
        none_of(f"{kind}: not refused", len(let_in), len(attempts), let_in),
        at_most(f"{kind}: most read for one", max(read_kib), MOST_READ_KIB, " KiB", 0),
        at_most(f"{kind}: memory", growth, MOST_GROWTH_MIB, " MiB", 1),
        at_most(f"{kind}: slowest refusal", slowest, MOST_SECONDS, " s"),
    ]


async def _attempt(port: int, kind: Kind) -> Attempt:
    """Send without a pause until somebody says something, as a client with much to send does."""
    given = {"transfer_encoding": "chunked"} if kind.is_chunked else {"content_length": DECLARED}
    head = request("POST", kind.target, content_type="application/json", **given)
    loop, began = asyncio.get_running_loop(), time.monotonic()
    with closing(socket.socket()) as line:
        line.setblocking(False)
        status = 0
        with suppress(OSError, TimeoutError, Cut):
            async with asyncio.timeout(GIVE_UP_SECONDS):
                await loop.sock_connect(line, (HOST, port))
                sending = asyncio.create_task(_pour(line, head, _pieces(kind.is_chunked)))
                try:
                    status = (await _heard(line)).status
                finally:
                    sending.cancel()
                    await asyncio.gather(sending, return_exceptions=True)
    return Attempt(status, time.monotonic() - began)


def _pieces(is_chunked: bool) -> Iterator[bytes]:
    chunk = b"%x\r\n%s\r\n" % (len(PIECE), PIECE)
    for _ in range(GIVE_UP_BYTES // len(PIECE)):
        yield chunk if is_chunked else PIECE


async def _pour(line: socket.socket, head: bytes, pieces: Iterator[bytes]) -> None:
    loop = asyncio.get_running_loop()
    with suppress(OSError):
        await loop.sock_sendall(line, head)
        for piece in pieces:
            await loop.sock_sendall(line, piece)


async def _heard(line: socket.socket) -> Answer:
    """The answer, also when the connection was reset behind it."""
    loop, reader = asyncio.get_running_loop(), AnswerReader()
    while True:
        data = await loop.sock_recv(line, 65536)
        answer = reader.feed(data) if data else reader.ended()
        if answer is not None:
            return answer
