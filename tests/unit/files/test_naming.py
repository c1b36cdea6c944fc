"""Names as people give them."""

import pytest

from services.files.domain import naming


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("फोटो.jpg", "फोटो.jpg"),
        ("क\u200dष.jpg", "क\u200dष.jpg"),
        ("a\0b.png", "ab.png"),
        ("x\u202egnp.exe", "xgnp.exe"),
        ("a\r\nb.jpg", "ab.jpg"),
        ("../../a.png", "a.png"),
        ("C:\\x\\a.png", "a.png"),
        ("  a.png ", "a.png"),
        ("..", ".."),
        ("\ud800.png", ".png"),
    ],
)
def test_a_name_is_its_last_part_without_what_cannot_be_seen(given: str, shown: str) -> None:
    assert naming.plain(given) == shown


@pytest.mark.parametrize("name", ["फ" * 200 + ".jpg", "a" * 999, "a." + "b" * 999, "😀" * 100])
def test_no_name_is_longer_than_a_file_system_bears(name: str) -> None:
    found = naming.plain(name)
    assert 0 < len(found.encode()) <= naming.MAX_BYTES
    assert name.startswith(found[:20])


@pytest.mark.parametrize(
    ("grievance_id", "folder"),
    [
        (None, "unattached"),
        ("GRV-2026-7K3MQX-4", "GRV-2026-7K3MQX-4"),
        ("..", "unattached"),
        (".hidden", "unattached"),
        ("a/b", "unattached"),
        ("", "unattached"),
    ],
)
def test_a_place_is_always_below_its_folder(grievance_id: str | None, folder: str) -> None:
    assert naming.place("images", grievance_id, "f1", "jpg") == f"images/{folder}/f1.jpg"


@pytest.mark.parametrize("text", ["", "a b", "a/b", "a" * 51, "फ", "a\0", "a\n"])
def test_what_cannot_be_an_id_is_none(text: str) -> None:
    assert not naming.is_file_id(text)
