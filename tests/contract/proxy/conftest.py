"""The gateway between a client and a service that are both nothing but sockets."""

import asyncio
import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpcore2
import pytest
import uvloop

from tests.contract.proxy.door import Door, open_gateway
from tests.contract.proxy.upstream import Upstream

CLOSING_SECONDS = 5.0

OpenDoor = Callable[..., Awaitable[Door]]


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loop that serves in production: its transports end connections in their own way."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture(autouse=True, scope="session")
def _certificates_are_read_once() -> Iterator[None]:
    """Reading the system's costs more than the rest of opening a gateway, hundreds of times."""
    with pytest.MonkeyPatch.context() as patch:
        read_once = functools.cache(httpcore2.default_ssl_context)
        patch.setattr(httpcore2, "default_ssl_context", read_once)
        yield


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    """The service behind every path of the table. It must never read what is no HTTP."""
    server = Upstream()
    yield server
    await server.close()
    assert server.faults == []


@pytest.fixture
async def open_door(tmp_path: Path, upstream: Upstream) -> AsyncIterator[OpenDoor]:
    """Open the gateway with the settings a test is about."""
    stack = AsyncExitStack()

    async def opened(**settings: Any) -> Door:
        port = await stack.enter_async_context(open_gateway(tmp_path, upstream.port, **settings))
        door = Door.at(port, tmp_path)
        stack.callback(door.close)
        return door

    yield opened
    await upstream.close()
    async with asyncio.timeout(CLOSING_SECONDS):
        await stack.aclose()


@pytest.fixture
async def door(open_door: OpenDoor) -> Door:
    return await open_door()
