"""Request smuggling: the gateway and a service never differ on where a request ends."""

import asyncio

import pytest

from tests.contract.proxy.door import Door
from tests.contract.proxy.messages import Message, read_answer
from tests.contract.proxy.smuggling_cases import (
    LEGAL,
    OLD_AND_CHUNKED,
    REFUSED,
    WELL_FORMED,
)
from tests.contract.proxy.upstream import Upstream
from tests.contract.proxy.wire import Ended

MINE = "/things/mine"
OTHERS = "/things/others"
MEANT = "/things/meant"


async def _attack(door: Door, said: bytes) -> list[Message]:
    """Everything that comes back when `said` and a request of the same client are sent at once."""
    wire = await door.connect()
    mine = door.head("GET", MINE, "Connection: close")
    await wire.send(said.replace(b"%AUTH%", door.auth.encode()) + mine)
    answers: list[Message] = []
    while wire.ended is None or wire.held:
        try:
            async with asyncio.timeout(3):
                answers.append(await read_answer(wire))
        except Ended:
            break
    return answers


async def _others_are_well(door: Door, upstream: Upstream) -> None:
    """Whoever comes next, over whatever connection was kept, gets what they asked for."""
    for _ in range(2):
        got = await door.ask("GET", OTHERS)
        assert (got.status, got.body) == (200, f"GET {OTHERS}".encode())
    assert upstream.faults == []


@pytest.mark.parametrize("case", REFUSED)
async def test_what_two_readers_could_read_differently_is_refused(
    door: Door, upstream: Upstream, case: str
) -> None:
    """reliability row 22, http-01…14: 400 and close; nothing of it reaches a service whole."""
    answers = await _attack(door, REFUSED[case])
    await _others_are_well(door, upstream)

    assert set(upstream.targets) == {OTHERS}
    assert len(answers) <= 1 or case in WELL_FORMED
    assert all(400 <= answer.status <= 505 for answer in answers)


@pytest.mark.parametrize("case", LEGAL)
async def test_what_is_odd_and_allowed_is_heard_for_what_it_is(
    door: Door, upstream: Upstream, case: str
) -> None:
    """One request with the body `hello`, or none; then the client's next one, or none."""
    answers = await _attack(door, LEGAL[case])
    await _others_are_well(door, upstream)

    heard = [request for request in upstream.requests if request.target != OTHERS]
    statuses = [answer.status for answer in answers]
    if statuses[0] == 200:
        assert [request.target for request in heard] == [MEANT, MINE]
        assert [answer.body for answer in answers] == [
            f"POST {MEANT}".encode(),
            b"GET " + MINE.encode(),
        ]
        assert heard[0].body == b"hello"
    else:
        assert statuses == [400]
        assert heard == []


async def test_chunks_of_an_old_client_end_its_connection(door: Door, upstream: Upstream) -> None:
    """RFC 9112 6.1: HTTP/1.0 knows no chunks; whatever is made of them, nothing follows."""
    answers = await _attack(door, OLD_AND_CHUNKED)
    await _others_are_well(door, upstream)

    assert len(answers) <= 1
    assert set(upstream.targets) <= {MEANT, OTHERS}
    assert all(request.body == b"" for request in upstream.requests)


async def test_a_smuggled_request_is_no_ones_even_in_pieces(door: Door, upstream: Upstream) -> None:
    """The same byte by byte: nothing depends on how the bytes were cut."""
    said = REFUSED["a length and chunks, ended"].replace(b"%AUTH%", door.auth.encode())
    wire = await door.connect()
    try:
        for at in range(0, len(said), 7):
            await wire.send(said[at : at + 7])
            await asyncio.sleep(0)
    except OSError:
        pass
    await wire.gone()
    await _others_are_well(door, upstream)

    assert set(upstream.targets) == {OTHERS}


@pytest.mark.parametrize("cut", [1, 3, 10])
async def test_a_good_request_in_pieces_is_a_good_request(
    door: Door, upstream: Upstream, cut: int
) -> None:
    said = LEGAL["zeros before a size"].replace(b"%AUTH%", door.auth.encode())
    wire = await door.connect()
    for at in range(0, len(said), cut):
        await wire.send(said[at : at + cut])
        await asyncio.sleep(0)
    got = await read_answer(wire)

    assert (got.status, got.body) == (200, f"POST {MEANT}".encode())
    assert upstream.requests[0].body == b"hello"
