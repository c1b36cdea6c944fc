"""More than one call under way: what a turn of the loop has to say is said together, in order."""

import asyncio
from functools import partial

import pytest

from libs.common.testing.stage import until
from services.gateway.proxy.connection import Connection as Asking
from services.gateway.proxy.turn import Turn
from tests.contract.proxy.beside import BY_HAND, KEPT, another_call, asked_by_hand
from tests.contract.proxy.door import KIB, Door
from tests.contract.proxy.messages import answer, read_answer
from tests.contract.proxy.upstream import Upstream

BYTES = "Content-Type: application/octet-stream"


def _behind(door: Door) -> dict[str, tuple[bytes, int]]:
    """What is answered at once, or is no request, and the status it gets."""
    return {
        "nothing there": (door.head("GET", "/nothing"), 404),
        "a stranger": (door.head("GET", "/things", stranger=True), 401),
        "two lengths": (door.head("GET", "/things", "Content-Length: 1, 2"), 400),
        "a bad target": (door.head("GET", "/things/%zz"), 400),
        "garbage": (b"\x00\x01 no HTTP\r\n\r\n", 400),
        "own": (door.head("GET", "/healthz"), 200),
        "own, for the known": (door.head("GET", "/version"), 200),
        "an endless head": (door.head("GET", "/things")[:-2] + b"A: " + b"a" * 200 * KIB, 431),
        "a body refused": (door.head("POST", "/small", "Content-Length: 9999", BYTES), 413),
        "another": (door.head("GET", "/things/2"), 200),
        "another with a body": (
            door.head("POST", "/things/2", "Content-Length: 2", BYTES) + b"{}",
            200,
        ),
    }


BEHIND = [
    "nothing there", "a stranger", "two lengths", "a bad target", "garbage", "own",
    "own, for the known", "an endless head", "a body refused", "another", "another with a body",
]  # fmt: skip
NO_HTTP = {"two lengths", "garbage", "an endless head"}
"""With these in sight the answer under way is the last."""


@pytest.mark.parametrize("kind", BEHIND)
async def test_what_is_refused_at_once_does_not_overtake(
    door: Door, upstream: Upstream, kind: str
) -> None:
    """Issue 3, data path: pipelined, right behind a request that is answered later."""
    behind, status = _behind(door)[kind]
    async with another_call(door, upstream):
        wire = await door.connect()
        await wire.send(door.head("GET", "/things/1") + behind)
        first = await read_answer(wire)
        assert (first.status, first.body) == (200, b"GET /things/1")
        if kind in NO_HTTP:
            assert await wire.rest() == b""
        else:
            assert (await read_answer(wire)).status == status


@pytest.mark.parametrize("kind", BEHIND)
async def test_what_comes_with_the_answer_is_answered_behind_it(
    door: Door, upstream: Upstream, kind: str
) -> None:
    """The service's answer and the next request are read in one turn."""
    behind, status = _behind(door)[kind]
    async with another_call(door, upstream):
        wire = await door.connect()
        await wire.send(door.head("GET", BY_HAND))
        service = await asked_by_hand(upstream)
        await service.send(answer(b"by hand"))
        await wire.send(behind)
        first, second = await read_answer(wire), await read_answer(wire)

    assert (first.status, first.body, second.status) == (200, b"by hand", status)


@pytest.mark.parametrize("size", [0, 10, 60_000])
async def test_who_says_no_more_with_the_answer_still_gets_it(
    door: Door, upstream: Upstream, size: int
) -> None:
    """A half-close in the turn in which the service answers."""
    async with another_call(door, upstream):
        wire = await door.connect()
        await wire.send(door.head("GET", BY_HAND))
        service = await asked_by_hand(upstream)
        await service.send(answer(b"x" * size))
        wire.finish()
        got = await read_answer(wire)

        assert (got.status, len(got.body), got.is_whole) == (200, size, True)
        assert await wire.gone() == "end"


@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize("body", [b"", b"{}"])
async def test_who_leaves_with_the_answer_takes_nothing_along(
    door: Door, upstream: Upstream, how: str, body: bytes
) -> None:
    """Nobody gets what is left of it: the next ones are answered with their own."""
    lines = [f"Content-Length: {len(body)}", BYTES] if body else []
    async with another_call(door, upstream):
        wire = await door.connect()
        await wire.send(door.head("POST" if body else "GET", BY_HAND, *lines) + body)
        service = await asked_by_hand(upstream)
        await service.send(answer(b"by hand"))
        getattr(wire, how)()
        for number in range(KEPT + 1):
            got = await door.ask("GET", f"/things/{number}")
            assert got.body == f"GET /things/{number}".encode()


async def test_two_rows_at_once_are_answered_each_in_its_order(
    door: Door, upstream: Upstream
) -> None:
    """Issue 3, data path: passed on, refused, our own and with bodies, in two orders."""
    post = partial(door.head, "POST")

    def row(name: str) -> list[tuple[bytes, int, bytes]]:
        body = b"x" * 3000
        length = f"Content-Length: {len(body)}"
        return [
            (door.head("GET", f"/things/{name}0"), 200, f"GET /things/{name}0".encode()),
            (door.head("GET", "/nothing"), 404, b""),
            (door.head("GET", "/healthz"), 200, b""),
            (post(f"/things/{name}1", length, BYTES) + body, 200, f"POST /things/{name}1".encode()),
            (door.head("GET", "/things", stranger=True), 401, b""),
            (door.head("PATCH", "/events"), 405, b""),
            (door.head("GET", f"/things/{name}2"), 200, f"GET /things/{name}2".encode()),
            (post("/small", length, BYTES, "Expect: 100-continue") + body, 413, b""),
        ]

    async def asks(asked: list[tuple[bytes, int, bytes]]) -> None:
        wire = await door.connect()
        await wire.send(b"".join(each for each, _, _ in asked))
        for _, status, body in asked:
            got = await read_answer(wire)
            assert (got.status, got.is_whole) == (status, True)
            assert not body or got.body == body

    async with another_call(door, upstream):
        first, second = row("a"), row("b")
        await asyncio.gather(asks(first), asks([*reversed(second[:-1]), second[-1]]))
        await asyncio.gather(asks(first[:-1] * 3), asks(second[:-1] * 3))


@pytest.mark.parametrize("how", ["close", "reset", "finish"])
@pytest.mark.parametrize("body", [b"", b"x" * 3000])
async def test_who_leaves_right_after_asking_leaves_no_half_of_it(
    door: Door, upstream: Upstream, how: str, body: bytes
) -> None:
    """The question waits for the end of the turn: the service gets all of it, or none."""
    lines = [f"Content-Length: {len(body)}", BYTES] if body else []
    async with another_call(door, upstream):
        for number in range(2 * KEPT):
            wire = await door.connect()
            await wire.send(door.head("POST" if body else "GET", "/things/left", *lines) + body)
            getattr(wire, how)()
            got = await door.ask("PUT", f"/things/{number}", BYTES, body=b"x" * number)
            assert got.body == f"PUT /things/{number}".encode()

    left = [request for request in upstream.requests if request.target == "/things/left"]
    assert {request.body for request in left} <= {body}
    put = [request.body for request in upstream.requests if request.method == "PUT"]
    assert put == [b"x" * number for number in range(2 * KEPT)]


async def test_a_question_given_up_before_the_turn_ends_is_not_asked(upstream: Upstream) -> None:
    """What is asked beside it in the same turn is."""
    loop = asyncio.get_running_loop()
    turn = Turn()
    answered = asyncio.Event()
    both = []
    for _ in range(2):
        new = partial(Asking, left=lambda _: None)
        both.append((await loop.create_connection(new, "127.0.0.1", upstream.port))[1])
    heads = [f"GET /things/{n} HTTP/1.1\r\nHost: test\r\n\r\n".encode() for n in range(2)]
    for asking, head in zip(both, heads, strict=True):
        asking.ask(head, answered.set, turn)
    both[0].abort()
    await answered.wait()
    await until(lambda: both[1].is_complete)

    assert both[1].content == b"GET /things/1"
    assert upstream.seen == heads[1]
    both[1].abort()
