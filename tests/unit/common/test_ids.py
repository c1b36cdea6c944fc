import re

from libs.common.ids import ALPHABET, check_symbol, new_id, reference, uuid7


def test_uuid7_sorts_by_the_time_it_was_made() -> None:
    made = [uuid7() for _ in range(100)]

    assert {each.version for each in made} == {7}
    assert [each.int >> 80 for each in made] == sorted(each.int >> 80 for each in made)
    assert len(new_id()) == 36


def test_a_reference_can_be_read_aloud() -> None:
    """Design 8: GRV-2026-7K3MQX-4."""
    assert re.fullmatch(rf"GRV-2026-[{ALPHABET}]{{6}}-[{ALPHABET}]", reference("GRV", 2026))


def test_a_wrong_symbol_changes_the_check_symbol() -> None:
    right = check_symbol("20267K3MQX")

    for place in range(4, 10):
        for symbol in ALPHABET[1:31]:
            wrong = "20267K3MQX"[:place] + symbol + "20267K3MQX"[place + 1 :]
            assert wrong == "20267K3MQX" or check_symbol(wrong) != right
