import pytest

from libs.common.ids import new_id
from services.users.domain.api_keys import SYMBOLS, InvalidApiKey, check_form, new_key


def test_a_key_says_what_it_is_and_holds() -> None:
    key_id = new_id()
    key = new_key(key_id)

    assert key.startswith(f"rdr_live_{key_id[-8:]}_")
    assert check_form(key) == key
    assert len({new_key(key_id) for _ in range(1000)}) == 1000


def test_a_mistyped_key_is_told_from_an_unknown_one_without_asking() -> None:
    key = new_key(new_id())
    for place in range(9, len(key)):
        for other in ("0", "z"):
            mistyped = key[:place] + other + key[place + 1 :]
            if mistyped != key:
                with pytest.raises(InvalidApiKey):
                    check_form(mistyped)


@pytest.mark.parametrize("text", ["", "rdr_live_", "x" * 70, "rdr_live_0123abcd_" + "é" * 49])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(InvalidApiKey):
        check_form(text)


def test_a_swap_of_two_symbols_is_seen() -> None:
    key = new_key(new_id())
    place = next(n for n in range(18, 60) if key[n] != key[n + 1])
    with pytest.raises(InvalidApiKey):
        check_form(key[:place] + key[place + 1] + key[place] + key[place + 2 :])


def test_the_symbols_survive_a_double_click() -> None:
    assert SYMBOLS.isalnum()
