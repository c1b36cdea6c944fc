"""A call beside the one a test is about, so that more than one is under way."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from libs.common.testing.stage import until
from tests.contract.proxy.door import Door
from tests.contract.proxy.messages import answer
from tests.contract.proxy.upstream import Connection, Upstream

HELD = "/things/held"
BY_HAND = "/things/hand"
KEPT = 4


@asynccontextmanager
async def another_call(door: Door, upstream: Upstream) -> AsyncIterator[None]:
    """Somebody waits for the service, which has connections to spare, while the block runs.

    What asks for `BY_HAND` is answered by the test.
    """
    gate = asyncio.Event()

    async def script(connection: Connection) -> None:
        while request := await connection.request():
            if request.target == HELD:
                await gate.wait()
            if request.target != BY_HAND:
                await connection.send(answer(f"{request.method} {request.target}".encode()))

    upstream.script = script
    warming = [asyncio.create_task(door.ask("GET", HELD)) for _ in range(KEPT)]
    await upstream.asked(KEPT)
    gate.set()
    await asyncio.gather(*warming)
    gate.clear()
    other = asyncio.create_task(door.ask("GET", HELD))
    await upstream.asked(KEPT + 1)
    yield
    gate.set()
    assert (await other).body == f"GET {HELD}".encode()
    assert all(connection.held == b"" for connection in upstream.connections)


async def asked_by_hand(upstream: Upstream) -> Connection:
    """The connection on which the service was asked what the test answers."""

    def asked() -> list[Connection]:
        every = upstream.connections
        return [each for each in every if each.requests and each.requests[-1].target == BY_HAND]

    await until(lambda: bool(asked()), every=0.002)
    return asked()[0]
