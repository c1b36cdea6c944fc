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
    assert Part.of(asked, 100) == Part(*found, 100)


@pytest.mark.parametrize("asked", ["bytes=100-", "bytes=5-4", "bytes=-0"])
def test_a_range_of_nothing_is_refused(asked: str) -> None:
    with pytest.raises(RangeNotSatisfiable):
        Part.of(asked, 100)


def test_an_empty_file_is_sent_whole() -> None:
    assert (Part.of(None, 0), Part.of(None, 0).status) == (Part(0, 0, 0), 200)
