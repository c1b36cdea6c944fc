"""What is owed to whom: an answer to who asked, a go-ahead to who waits for one."""

import pytest

from tests.contract.proxy.door import KIB, Door
from tests.contract.proxy.messages import read_answer
from tests.contract.proxy.upstream import Upstream

BYTES = "Content-Type: application/octet-stream"
NO_HTTP = b"\x00 no\r\n\r\n"


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
