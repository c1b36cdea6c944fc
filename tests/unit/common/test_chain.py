"""The hash chain: every way to tamper with it is found, and the first bad row is named."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from libs.common.chain import GENESIS, Broken, Fault, Link, Mark, canonical, link, verify

ROWS = 6
PLACES = (1, 3, ROWS)


def a_row(number: int) -> dict[str, Any]:
    return {"act": "case_acted", "target": f"case:{number}", "details": {"n": number}}


def chained(rows: list[dict[str, Any]], *, after: tuple[Link, ...] = ()) -> list[Link]:
    """Rows in a chain, as they are written."""
    links = list(after)
    for row in rows:
        previous = links[-1].hash if links else GENESIS
        position = len(links) + 1
        links.append(Link(position, previous, link(previous, position, row), row))
    return links


def head_of(links: list[Link]) -> Mark:
    return Mark(links[-1].position, links[-1].hash)


@pytest.fixture
def chain() -> list[Link]:
    return chained([a_row(number) for number in range(1, ROWS + 1)])


def test_a_chain_holds_as_it_was_written(chain: list[Link]) -> None:
    """Reliability 3 row 39."""
    seal = Mark(3, chain[2].hash, "the seal of a day")

    assert verify(chain, head=head_of(chain), seals=[seal]) is None
    assert verify([], head=None) is None


@pytest.mark.parametrize("place", PLACES)
def test_a_changed_row_is_named(chain: list[Link], place: int) -> None:
    """Reliability 3 row 39: update."""
    row = {**chain[place - 1].row, "act": "nothing"}
    tampered = [replace(each, row=row) if each.position == place else each for each in chain]

    assert verify(tampered, head=head_of(chain)) == Broken(place, Fault.CHANGED)


@pytest.mark.parametrize("place", PLACES)
def test_a_changed_row_with_its_hash_made_again_is_named(chain: list[Link], place: int) -> None:
    """Reliability 3 row 39: update, by somebody who knows how the chain is made."""
    old = chain[place - 1]
    row = {**old.row, "act": "nothing"}
    new = replace(old, row=row, hash=link(old.previous, place, row))
    tampered = [new if each.position == place else each for each in chain]

    broken = verify(tampered, head=head_of(chain))

    assert broken is not None
    assert (broken.position, broken.fault) == (place, Fault.REPLACED)


@pytest.mark.parametrize("place", PLACES[:-1])
def test_a_deleted_row_is_named(chain: list[Link], place: int) -> None:
    """Reliability 3 row 39: delete."""
    tampered = [each for each in chain if each.position != place]

    assert verify(tampered, head=head_of(chain)) == Broken(place, Fault.MISSING)


@pytest.mark.parametrize("place", PLACES[:-1])
def test_a_deleted_row_is_named_when_the_rest_is_numbered_anew(
    chain: list[Link], place: int
) -> None:
    """Reliability 3 row 39: delete, and close the gap."""
    left = [each for each in chain if each.position != place]
    tampered = [replace(each, position=number) for number, each in enumerate(left, 1)]

    assert verify(tampered, head=head_of(chain)) == Broken(place, Fault.MOVED)


@pytest.mark.parametrize("place", PLACES)
def test_a_row_put_in_is_named(chain: list[Link], place: int) -> None:
    """Reliability 3 row 39: insert, a number twice."""
    forged = chained([a_row(99)], after=tuple(chain[: place - 1]))[-1]
    for second in ([forged, chain[place - 1]], [chain[place - 1], forged]):
        tampered = [*chain[: place - 1], *second, *chain[place:]]

        assert verify(tampered, head=head_of(chain)) == Broken(place, Fault.INSERTED)


@pytest.mark.parametrize("place", PLACES)
def test_a_row_put_in_is_named_when_the_rest_is_numbered_anew(
    chain: list[Link], place: int
) -> None:
    """Reliability 3 row 39: insert, and make room for it."""
    before = chain[: place - 1]
    forged = chained([a_row(99)], after=tuple(before))[-1]
    moved = [replace(each, position=each.position + 1) for each in chain[place - 1 :]]

    broken = verify([*before, forged, *moved], head=Mark(ROWS + 1, chain[-1].hash))

    assert broken == Broken(place, Fault.INSERTED)


@pytest.mark.parametrize(("one", "other"), [(1, 2), (1, ROWS), (3, 5), (ROWS - 1, ROWS)])
def test_rows_that_changed_places_are_named(chain: list[Link], one: int, other: int) -> None:
    """Reliability 3 row 39: reorder."""
    tampered = list(chain)
    tampered[one - 1] = replace(chain[other - 1], position=one)
    tampered[other - 1] = replace(chain[one - 1], position=other)
    contents = list(chain)
    contents[one - 1] = replace(chain[one - 1], row=chain[other - 1].row)
    contents[other - 1] = replace(chain[other - 1], row=chain[one - 1].row)

    assert verify(tampered, head=head_of(chain)) == Broken(one, Fault.MOVED)
    assert verify(contents, head=head_of(chain)) == Broken(one, Fault.CHANGED)


@pytest.mark.parametrize("left", [0, 1, ROWS - 1])
def test_a_cut_tail_is_named_by_the_head(chain: list[Link], left: int) -> None:
    """Reliability 3 row 39: truncate tail."""
    assert verify(chain[:left], head=head_of(chain)) == Broken(left + 1, Fault.CUT, "the head")


@pytest.mark.parametrize("left", [0, 1, ROWS - 1])
def test_a_cut_tail_is_named_by_a_seal_when_the_head_was_set_back(
    chain: list[Link], left: int
) -> None:
    """Reliability 3 row 39: truncate tail, and the head with it."""
    seal = Mark(ROWS, chain[-1].hash, "the seal of 2026-11-21")
    kept = chain[:left]

    broken = verify(kept, head=head_of(kept) if kept else None, seals=[seal])

    assert broken == Broken(left + 1, Fault.CUT, "the seal of 2026-11-21")


@pytest.mark.parametrize("place", PLACES)
def test_a_tail_written_anew_is_named_by_a_seal(chain: list[Link], place: int) -> None:
    """Reliability 3 row 39: whoever can write everything still cannot write the seal."""
    rows = [a_row(99), *(dict(each.row) for each in chain[place:])]
    forged = chained(rows, after=tuple(chain[: place - 1]))
    seals = [Mark(each.position, each.hash, f"seal {each.position}") for each in chain]

    assert verify(forged, head=head_of(forged)) is None
    assert verify(forged, head=head_of(forged), seals=seals) == Broken(
        place, Fault.RESEALED, f"seal {place}"
    )


def test_a_row_added_behind_the_head_is_named(chain: list[Link]) -> None:
    broken = verify(chain, head=head_of(chain[:-1]))

    assert broken == Broken(ROWS, Fault.UNKNOWN, "the head")
    assert verify(chain, head=None) == Broken(1, Fault.UNKNOWN, "the head")


def test_a_row_has_one_spelling() -> None:
    """What a database gives back for what was written: other keys' order, other zones, 1e22."""
    at = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
    nepal = at.astimezone(timezone(timedelta(hours=5, minutes=45)))
    written = {"b": "पानी", "a": (1e22, 0.5, None), "at": at}
    read = {"at": nepal, "a": [10**22, 0.5, None], "b": "पानी"}

    assert canonical(written) == canonical(read)
    assert canonical({"at": at}) == b'{"at":"2026-03-02T04:00:00.000000+00:00"}'


def test_a_link_is_bound_to_its_place_and_to_what_it_follows() -> None:
    row = a_row(1)

    assert len({link(GENESIS, 1, row), link(GENESIS, 2, row), link(b"\1" * 32, 1, row)}) == 3
