"""Facts lifted from a message."""

import pytest

from libs.language.entities import extract

MOBILE = "9851098765"
SPELLINGS = [
    MOBILE,
    "९८५१०९८७६५",
    "+9779851098765",
    "+977-9851098765",
    "+977 985 109 8765",
    "009779851098765",
    "977-9851-098765",
    "(+977) 98510-98765",
    "985.109.8765",
    "9851 098765",
    "98-51-09-87-65",
    "09851098765",
    "9 8 5 1 0 9 8 7 6 5",
    "+९७७ ९८५१ ०९८७६५",
    "01-4278901",
    "+977-1-4278901",
    "(021) 523-456",
]


@pytest.mark.parametrize("phone", SPELLINGS)
def test_a_phone_is_found_in_every_spelling(phone: str) -> None:
    """S3-03c."""
    digits = str.maketrans("०१२३४५६७८९", "0123456789")
    found = extract(f"mero number {phone} ho, hajur")
    assert found.phones == [phone.translate(digits)]
    assert not found.references
    assert not found.wards


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("GRV-2026-7K3MQX-4 ko awastha k cha", "GRV-2026-7K3MQX-4"),
        ("grv 2026 7k3mqx 4", "GRV-2026-7K3MQX-4"),
        ("मेरो GRV0017को जवाफ", "GRV0017"),
        ("GR-2026-KO-JH-9851098765", "GR-2026-KO-JH"),
        ("claim cl-4410 please", "CL-4410"),
    ],
)
def test_a_reference_is_found_and_capitalised(text: str, reference: str) -> None:
    assert extract(text).references == [reference]


@pytest.mark.parametrize("text", ["GR 5", "agrv-2026", "clean-2231", "3-4-5", "12345678901234"])
def test_what_only_looks_like_a_number_of_ours_is_left_alone(text: str) -> None:
    found = extract(text)
    assert (found.references, found.phones) == ([], [])


@pytest.mark.parametrize(
    ("text", "wards"),
    [
        ("ward no. 9", [9]),
        ("वडा नं. ४ र ५", [4, 5]),
        ("७ नम्बर वडा", [7]),
        ("wada 3 ma", [3]),
        ("Pokhara-17", [17]),
        ("our 12 wards", []),
        ("ward 77", []),
    ],
)
def test_wards_are_found_before_and_after_their_number(text: str, wards: list[int]) -> None:
    assert extract(text).wards == wards


@pytest.mark.parametrize(
    ("text", "name", "kind", "code"),
    [
        ("इटहरीमा ढल थुनियो", "Itahari", "sub_metropolitan_city", "P1_SUN"),
        ("itahari ma dhal thuniyo", "Itahari", "sub_metropolitan_city", "P1_SUN"),
        ("from Ghorahi to the river", "Ghorahi", "sub_metropolitan_city", "P5_DAN"),
        ("मोरङको गाउँ", "Morang", "district", "P1_MOR"),
        ("Lalitpur metropolitan office", "Lalitpur", "metropolitan_city", "P3_LAL"),
        ("कोशी प्रदेश", "Koshi", "province", "P1"),
    ],
)
def test_a_place_is_found_in_either_script(text: str, name: str, kind: str, code: str) -> None:
    (place,) = extract(text).places
    assert (place.name_en, place.kind, place.code) == (name, kind, code)


@pytest.mark.parametrize("text", ["Bagmati river", "बागमती नदी", "it is dang cold", "pani chaina"])
def test_rivers_and_everyday_words_are_not_places(text: str) -> None:
    assert extract(text).places == []


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("on 2081-07-03 at noon", "2081-07-03"),
        ("२०८१/०७/०३ मा", "2081/07/03"),
        ("१२ मंसिर २०८१ मा", "12 मंसिर 2081"),
        ("mangsir 12 gate", "mangsir 12 gate"),
        ("14 March 2026", "14 March 2026"),
        ("दुई हप्तादेखि", "दुई हप्ता"),
        ("since Tuesday", "since Tuesday"),
    ],
)
def test_dates_and_spans_are_found_as_written(text: str, date: str) -> None:
    assert extract(text).dates == [date]
