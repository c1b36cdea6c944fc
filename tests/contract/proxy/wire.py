"""A bare socket: what is sent is what goes out, what is read is what came."""

import asyncio
import fcntl
import re
import socket
import struct
import sys
import termios
from pathlib import Path
from typing import Self

PATIENCE = 5.0
PIECE = 64 * 1024
STUCK_SECONDS = 0.2
_AT_ONCE = struct.pack("ii", 1, 0)


class Ended(Exception):
    """The other side ended the connection in the middle of something."""


class Wire:
    """One connection, seen from one end.

    `seen` is all that came (the first megabytes of it), `ended` how it ended: "end" for a clean
    goodbye, "reset" for a cut, None while it is open.
    """

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self._socket = sock
        self._loop = asyncio.get_running_loop()
        self._buffer = bytearray()
        self.seen = bytearray()
        self.ended: str | None = None
        self.is_refused = False
        """The other side would not even hear any more of what was pushed at it."""

    @classmethod
    async def to(cls, port: int, *, buffers: int | None = None) -> Self:
        """A connection to `port`; with `buffers`, the kernel holds little for us."""
        sock = socket.socket()
        if buffers:
            for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
                sock.setsockopt(socket.SOL_SOCKET, option, buffers)
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return cls(sock)

    async def send(self, data: bytes, *, seconds: float = PATIENCE) -> None:
        async with asyncio.timeout(seconds):
            await self._loop.sock_sendall(self._socket, data)

    async def push(self, piece: bytes, *, at_most: int, patience: float = STUCK_SECONDS) -> int:
        """Send `piece` over and over until nobody takes it any more; how many bytes went out."""
        sent, stuck_at = 0, self._loop.time() + patience
        while sent < at_most and self._loop.time() < stuck_at:
            try:
                went = self._socket.send(piece)
            except BlockingIOError:
                await asyncio.sleep(0.01)
            except OSError:
                self.is_refused = True
                return sent
            else:
                sent, stuck_at = sent + went, self._loop.time() + patience
                await asyncio.sleep(0)
        return sent

    async def fill(self, *, seconds: float = PATIENCE) -> bytes:
        """What comes next; nothing at the end."""
        if self.ended:
            return b""
        try:
            async with asyncio.timeout(seconds):
                found = await self._loop.sock_recv(self._socket, PIECE)
        except (ConnectionResetError, BrokenPipeError):
            self.ended = "reset"
            return b""
        if not found:
            self.ended = "end"
        self._buffer += found
        if len(self.seen) < 2 * 1024 * 1024:
            self.seen += found
        return found

    async def until(self, mark: bytes, *, seconds: float = PATIENCE) -> bytes:
        """Everything up to `mark` and with it. Raises Ended."""
        async with asyncio.timeout(seconds):
            while mark not in self._buffer:
                if not await self.fill():
                    raise Ended(bytes(self._buffer))
        return self._taken(self._buffer.index(mark) + len(mark))

    async def exactly(self, size: int, *, seconds: float = PATIENCE) -> bytes:
        """So many bytes. Raises Ended."""
        async with asyncio.timeout(seconds):
            while len(self._buffer) < size:
                if not await self.fill():
                    raise Ended(bytes(self._buffer))
        return self._taken(size)

    async def rest(self, *, seconds: float = PATIENCE) -> bytes:
        """Everything until the connection ends, however it ends."""
        async with asyncio.timeout(seconds):
            while await self.fill():
                continue
        return self._taken(len(self._buffer))

    async def skip(self, size: int, *, seconds: float = PATIENCE) -> None:
        """Read so many bytes and keep none. Raises Ended."""
        async with asyncio.timeout(seconds):
            while size > 0:
                if not self._buffer and not await self.fill():
                    raise Ended
                size -= len(self._taken(min(size, len(self._buffer))))

    async def gone(self, *, seconds: float = 2.0) -> str:
        """Wait until the other side goes, and say how."""
        async with asyncio.timeout(seconds):
            while await self.fill():
                continue
        assert self.ended
        return self.ended

    def unheard(self) -> int:
        """How many of the bytes we sent no program has read: they lie in the kernel's queues.

        Reads Linux's own account; OSError elsewhere.
        """
        ours = fcntl.ioctl(self._socket, termios.TIOCOUTQ, bytes(4))
        here, there = self._socket.getsockname()[1], self._socket.getpeername()[1]
        return int.from_bytes(ours, sys.byteorder) + _unread(there, here)

    @property
    def held(self) -> bytes:
        """What came and was not asked for yet."""
        return bytes(self._buffer)

    def _taken(self, size: int) -> bytes:
        found = bytes(self._buffer[:size])
        del self._buffer[:size]
        return found

    def finish(self) -> None:
        """Say no more, and go on listening."""
        self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self._socket.close()

    def reset(self) -> None:
        """Go without a goodbye."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        self._socket.close()


def _unread(port: int, peer: int) -> int:
    """What lies unread in the socket of this machine that is connected from `port` to `peer`."""
    here, there = f":{port:04X}", f":{peer:04X}"
    line = rf"\S+{here} \S+{there} \S+ [0-9A-F]+:([0-9A-F]+)"
    found = re.search(line, Path("/proc/self/net/tcp").read_text())
    return int(found[1], 16) if found else 0
