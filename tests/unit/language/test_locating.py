"""One place has one path, however it is written (domain.md: Nepal facts)."""

import pytest

from libs.language.entities import extract
from libs.language.locating import nearest, path_of
from libs.language.resources import load

DHARAN = "Koshi/Sunsari/Dharan"


@pytest.mark.parametrize(
    "words",
    [
        "Dharan", "dharan", " DHARAN ", "धरान", "Ｄharan", "Dharan Sub-Metropolitan City",
        "धरान उपमहानगरपालिका", "Dharan-5", "Dharan 5", "धरान वडा ५", "Sunsari/Dharan",
        "Koshi/Dharan", "Koshi/Sunsari/Dharan", "/Koshi//Sunsari/Dharan/", "कोशी/सुनसरी/धरान",
        "P1_SUN/Dharan", "p1/p1_sun/धरान", "Dharan, Sunsari", "Dharan, ward 5, Sunsari District",
        "Koshi Province/Sunsari District/Dharan Municipality",
    ],
)  # fmt: skip
def test_a_place_has_one_path(words: str) -> None:
    assert path_of(words) == DHARAN
    assert path_of(words, widest=True) == DHARAN


@pytest.mark.parametrize(
    ("words", "smallest", "widest"),
    [
        ("Kathmandu", "Bagmati/Kathmandu/Kathmandu", "Bagmati/Kathmandu"),
        ("काठमाडौं", "Bagmati/Kathmandu/Kathmandu", "Bagmati/Kathmandu"),
        ("काठमाण्डौं", "Bagmati/Kathmandu/Kathmandu", "Bagmati/Kathmandu"),
        ("Kathmandu District", "Bagmati/Kathmandu", "Bagmati/Kathmandu"),
        ("Kathmandu Metropolitan City", *["Bagmati/Kathmandu/Kathmandu"] * 2),
        ("काठमाडौं महानगरपालिका", *["Bagmati/Kathmandu/Kathmandu"] * 2),
        ("Koshi", "Koshi", "Koshi"),
        ("कोशी प्रदेश", "Koshi", "Koshi"),
        ("Sunsari/Koshi", "Koshi/Sunsari/Koshi", "Koshi/Sunsari/Koshi"),
        ("Jhapa", "Koshi/Jhapa/Jhapa", "Koshi/Jhapa"),
        # A town of that name lies in another district, and does not take the district's cases.
        ("Parsa", "Madhesh/Parsa", "Madhesh/Parsa"),
        ("Madhesh/पर्सा", "Madhesh/Parsa", "Madhesh/Parsa"),
        ("Sarlahi/Parsa", "Madhesh/Sarlahi/Parsa", "Madhesh/Sarlahi/Parsa"),
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
        ("Mahalaxmi, Lalitpur", "Bagmati/Lalitpur/Mahalaxmi"),
    ],
)
def test_what_lies_below_a_known_place_stays_as_written(words: str, path: str) -> None:
    assert path_of(words) == path


@pytest.mark.parametrize(
    "words",
    [
        "Mahalaxmi", "महाकाली", "Springfield", "Springfield/Dharan", "", "/", "//", ",", "P1_", "%",
        "5", "district", "Dharan District", "Dharan, Springfield", "Ram, Dharan, Sunsari, Koshi",
    ],
)  # fmt: skip
def test_what_names_no_one_place_stays_as_it_is(words: str) -> None:
    assert path_of(words) == words


def test_no_name_of_a_place_leads_anywhere_else() -> None:
    """But for a town that is called like a wider place: the name is that place's."""
    for province in load("places")["provinces"]:
        for district in province["districts"]:
            above = f"{province['en']}/{district['en']}"
            places = [(above, district["en"], district["ne"])]
            places += [(f"{above}/{en}", en, ne) for en, ne, *_ in district["units"]]
            for path, *names in places:
                assert path_of(path) == path_of(path, widest=True) == path
                for name in names:
                    for found in (path_of(name), path_of(name, widest=True)):
                        is_near = path.startswith(found) or found.startswith(path)
                        is_wider = len(found) < len(path) and found.split("/")[-1] == names[0]
                        assert is_near or found == name or is_wider, (name, path, found)


@pytest.mark.parametrize(
    ("message", "filed_under"),
    [
        ("Dharan ward 5", "Dharan"),
        ("धरान, वडा ५", "Dharan"),
        ("Mahalaxmi municipality, Lalitpur", "Lalitpur/Mahalaxmi"),
        ("Parsa district", "Parsa"),
        ("Koshi province", None),
        ("behind the school", None),
    ],
)
def test_a_message_is_filed_under_its_nearest_place(message: str, filed_under: str | None) -> None:
    assert nearest(extract(message).places) == filed_under
