"""What is owed to whom: an answer to who asked, a go-ahead to who waits for one, a place to nobody
who left."""

import pytest

from libs.common.testing.stage import until
from tests.contract.proxy.beside import BY_HAND, another_call, asked_by_hand
from tests.contract.proxy.door import KIB, Door
from tests.contract.proxy.messages import read_answer
from tests.contract.proxy.upstream import Upstream

BYTES = "Content-Type: application/octet-stream"
NO_HTTP = b"\x00 no\r\n\r\n"


@pytest.mark.parametrize("how", ["close", "reset"])
async def test_who_leaves_after_a_short_body_is_seen_to_leave(
    door: Door, upstream: Upstream, how: str
) -> None:
    """Reliability row 40: the question is cancelled, and the place is free."""
    async with another_call(door, upstream):
        wire = await door.connect()
        await wire.send(door.head("POST", BY_HAND, "Content-Length: 2", BYTES) + b"{}")
        service = await asked_by_hand(upstream)
        getattr(wire, how)()
        await until(lambda: service.ended is not None, seconds=2)

    assert service.ended is not None


async def test_the_go_ahead_is_for_who_waits_for_it(door: Door, upstream: Upstream) -> None:
    """A pipelined request that asks whether it may send is told so after the answer before it."""
    wire = await door.connect()
    first = door.head("POST", "/things/1", "Content-Length: 2", BYTES) + b"{}"
    waits = ("Content-Length: 3", BYTES, "Expect: 100-continue")
    await wire.send(first + door.head("POST", "/things/2", *waits))

    assert (await read_answer(wire)).interim == []
    assert await wire.until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    await wire.send(b"abc")
    assert (await read_answer(wire)).body == b"POST /things/2"


@pytest.mark.parametrize("path", ["/healthz", "/version", "/health"])
@pytest.mark.parametrize("is_endless", [True, False])
async def test_no_http_behind_a_question_of_ours_leaves_its_answer(
    door: Door, path: str, *, is_endless: bool
) -> None:
    endless = door.head("GET", "/x")[:-2] + b"A: " + b"a" * 200 * KIB
    wire = await door.connect()
    await wire.send(door.head("GET", path) + (endless if is_endless else NO_HTTP))

    assert (await read_answer(wire)).status == 200


async def test_who_closes_one_side_gets_our_own_answers_too(door: Door) -> None:
    wire = await door.connect()
    await wire.send(door.head("GET", "/things/1") + door.head("GET", "/health"))
    wire.finish()

    assert [(await read_answer(wire)).status for _ in range(2)] == [200, 200]
