"""One place has one path, however it is written (S4: both scripts; domain.md: Nepal facts)."""

import pytest

from libs.language.locating import path_of
from libs.language.resources import load

DHARAN = "Koshi/Sunsari/Dharan"


@pytest.mark.parametrize(
    "words",
    [
        "Dharan", "dharan", " DHARAN ", "धरान",
        "Dharan Sub-Metropolitan City", "धरान उपमहानगरपालिका",
        "Sunsari/Dharan", "Koshi/Dharan", "Koshi/Sunsari/Dharan", "कोशी/सुनसरी/धरान",
        "P1_SUN/Dharan", "p1/p1_sun/धरान",
    ],
)  # fmt: skip
def test_a_place_has_one_path(words: str) -> None:
    assert path_of(words) == DHARAN
    assert path_of(words, widest=True) == DHARAN


@pytest.mark.parametrize(
    ("words", "smallest", "widest"),
    [
        ("Kathmandu", "Bagmati/Kathmandu/Kathmandu", "Bagmati/Kathmandu"),
        ("Koshi", "Koshi", "Koshi"),
        ("Sunsari/Koshi", "Koshi/Sunsari/Koshi", "Koshi/Sunsari/Koshi"),
        ("Jhapa", "Koshi/Jhapa/Jhapa", "Koshi/Jhapa"),
        ("P3_KAT", "Bagmati/Kathmandu", "Bagmati/Kathmandu"),
        ("काभ्रे", "Bagmati/Kavrepalanchok", "Bagmati/Kavrepalanchok"),
        ("बागमती", "Bagmati", "Bagmati"),
    ],
)
def test_a_shared_name_is_the_towns_or_the_districts_or_the_provinces(
    words: str, smallest: str, widest: str
) -> None:
    assert (path_of(words), path_of(words, widest=True)) == (smallest, widest)


@pytest.mark.parametrize(
    ("words", "path"),
    [
        ("Koshi/Sunsari/Dharan/7", "Koshi/Sunsari/Dharan/7"),
        ("धरान/Panbari tole", "Koshi/Sunsari/Dharan/Panbari tole"),
        ("Lalitpur/Mahalaxmi", "Bagmati/Lalitpur/Mahalaxmi"),
    ],
)
def test_what_lies_below_a_known_place_stays_as_written(words: str, path: str) -> None:
    assert path_of(words) == path


@pytest.mark.parametrize(
    "words",
    [
        "Mahalaxmi",
        "Springfield",
        "Springfield/Dharan",
        "",
        "/",
        "//",
        "P1_",
        "%",
        "Sunsari//Dharan/",
    ],
)
def test_what_names_no_one_place_stays_as_it_is(words: str) -> None:
    assert path_of(words) in {words, "Koshi/Sunsari//Dharan/"}


def test_every_path_of_the_country_is_its_own() -> None:
    for province in load("places")["provinces"]:
        for district in province["districts"]:
            for name, *_ in district["units"]:
                path = f"{province['en']}/{district['en']}/{name}"
                assert path_of(path) == path_of(path, widest=True) == path
