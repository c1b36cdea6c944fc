"""A service behind the gateway, played over bare sockets: it says scripted bytes, byte for byte."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Literal

from libs.common.testing.stage import until
from tests.contract.proxy.messages import (
    Malformed,
    Message,
    answer,
    read_body,
    read_head,
)
from tests.contract.proxy.wire import PATIENCE, Ended, Wire

BACKLOG = 64


class Connection(Wire):
    """A connection the gateway opened, and the requests that came over it."""

    def __init__(self, sock: socket.socket, everybody: list[Message]) -> None:
        super().__init__(sock)
        self._everybody = everybody
        self.heads: list[Message] = []
        self.requests: list[Message] = []

    async def head(self) -> Message | None:
        """The head of the next request; its body is for the script to read."""
        found = await read_head(self)
        if found:
            self.heads.append(found)
        return found

    async def body(self, request: Message) -> None:
        """The body of a request whose head was read; now it is a whole one."""
        await read_body(self, request)
        self._note(request)

    async def request(self) -> Message | None:
        """The next request with its body; None when no more come."""
        found = await self.head()
        if found:
            await self.body(found)
        return found

    def _note(self, request: Message) -> None:
        self.requests.append(request)
        self._everybody.append(request)


Script = Callable[[Connection], Awaitable[None]]


async def echo(connection: Connection) -> None:
    """Answer every request with its own first line, so that answers cannot be confused."""
    while request := await connection.request():
        said = f"{request.method} {request.target}".encode()
        if request.method == "HEAD":
            await connection.send(answer(said).removesuffix(said))
        else:
            await connection.send(answer(said))
    connection.close()


def saying(said: bytes, *, then: Literal["stay", "close", "reset"] = "stay") -> Script:
    """Answer every request with the same bytes, and then do what `then` says."""

    async def script(connection: Connection) -> None:
        while await connection.request():
            await connection.send(said)
            if then == "close":
                connection.close()
                return
            if then == "reset":
                connection.reset()
                return

    return script


async def silent(connection: Connection) -> None:
    """Hear the request, and say nothing at all."""
    await connection.request()


class Upstream:
    """The server. What its scripts do not expect fails the test at its end."""

    def __init__(self) -> None:
        self.script: Script = echo
        self.scripts: list[Script] = []
        """What the first connections do, one each; the others follow `script`."""
        self.connections: list[Connection] = []
        self.requests: list[Message] = []
        """The requests that came whole, in the order in which they did."""
        self.faults: list[BaseException] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._listening = socket.socket()
        self._listening.setblocking(False)
        self._listening.bind(("127.0.0.1", 0))
        self._listening.listen(BACKLOG)
        self.backlog = BACKLOG
        self.port: int = self._listening.getsockname()[1]
        self._accepting = asyncio.create_task(self._accept())

    @property
    def heads(self) -> list[Message]:
        """Every request that began."""
        return [head for connection in self.connections for head in connection.heads]

    @property
    def targets(self) -> list[str]:
        return [request.target for request in self.requests]

    @property
    def seen(self) -> bytes:
        """All that came, over all connections."""
        return b"".join(bytes(connection.seen) for connection in self.connections)

    async def begun(self, number: int = 1, *, seconds: float = PATIENCE) -> Message:
        """Wait for the head of the `number`th request."""
        await until(lambda: len(self.heads) >= number, seconds=seconds, every=0.002)
        return self.heads[number - 1]

    async def asked(self, number: int = 1, *, seconds: float = PATIENCE) -> Message:
        """Wait for the `number`th request, whole."""
        await until(lambda: len(self.requests) >= number, seconds=seconds, every=0.002)
        return self.requests[number - 1]

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            sock, _ = await loop.sock_accept(self._listening)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = Connection(sock, self.requests)
            self.connections.append(connection)
            script = self.scripts.pop(0) if self.scripts else self.script
            task = asyncio.create_task(self._play(script, connection))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _play(self, script: Script, connection: Connection) -> None:
        try:
            await script(connection)
        except (Ended, OSError):
            connection.ended = connection.ended or "reset"
        except TimeoutError:
            return
        except (Malformed, AssertionError) as fault:
            self.faults.append(fault)

    def stop_accepting(self) -> None:
        """Let nobody in any more; who connects waits before the door."""
        self._accepting.cancel()

    async def close(self) -> None:
        tasks = [self._accepting, *self._tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._listening.close()
        for connection in self.connections:
            connection.close()
