"""Which bytes a Range header asks for."""

import pytest

from libs.common.web.ranges import Part, RangeNotSatisfiable


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (None, (0, 100)),
        ("", (0, 100)),
        ("bytes=0-", (0, 100)),
        ("bytes=0-0", (0, 1)),
        ("bytes=99-99", (99, 100)),
        ("bytes=10-1000000000000000", (10, 100)),
        ("bytes=-1000", (0, 100)),
        ("bytes=-1", (99, 100)),
        ("bytes=1-2,3-4", (0, 100)),
        ("bytes=²-", (0, 100)),
        ("bytes=" + "9" * 30 + "-", (0, 100)),
        ("Bytes", (0, 100)),
    ],
)
def test_a_range_is_read_or_ignored(asked: str | None, found: tuple[int, int]) -> None:
    headers = {"range": asked} if asked is not None else {}
    assert Part.of(headers, 100) == Part(*found, 100)


@pytest.mark.parametrize("asked", ["bytes=100-", "bytes=5-4", "bytes=-0"])
def test_a_range_of_nothing_is_refused_with_how_much_there_is(asked: str) -> None:
    """RFC 9110, 14.2 and 15.5.17."""
    with pytest.raises(RangeNotSatisfiable) as refused:
        Part.of({"range": asked}, 100)

    assert refused.value.headers == {"Content-Range": "bytes */100"}


@pytest.mark.parametrize("known", ['"another"', 'W/"x"', "Sat, 21 Nov 2026 10:00:00 GMT"])
def test_a_part_of_another_state_is_the_whole(known: str) -> None:
    """RFC 9110, 13.1.5: nothing sent in parts has a validator, so none can be the same."""
    assert Part.of({"range": "bytes=5-6", "if-range": known}, 100) == Part(0, 100, 100)


def test_an_empty_file_is_sent_whole() -> None:
    assert (Part.of({}, 0), Part.of({}, 0).status) == (Part(0, 0, 0), 200)
