from pathlib import Path

import pytest

from libs.common.crypto.keyring import Keyring, KeyringError
from libs.common.crypto.sealing import CannotOpen, SubjectKey


@pytest.fixture
def ring(tmp_path: Path) -> Keyring:
    return Keyring.create(tmp_path / "keyring.json")


def test_a_new_keyring_is_for_its_owner_only(tmp_path: Path, ring: Keyring) -> None:
    path = tmp_path / "keyring.json"

    assert path.stat().st_mode & 0o077 == 0
    assert Keyring.load(path) == ring
    with pytest.raises(FileExistsError):
        Keyring.create(path)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"active":"k1","keys":{},"index_key":"AAAA"}'])
def test_a_malformed_keyring_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "keyring.json"
    path.write_text(text)

    with pytest.raises(KeyringError, match="malformed"):
        Keyring.load(path)


def test_what_one_service_wrapped_another_cannot_open(ring: Keyring) -> None:
    wrapped = ring.of("users").wrap(b"secret", aad="data_keys.wrapped.user:1")

    assert ring.of("users").unwrap(wrapped, aad="data_keys.wrapped.user:1") == b"secret"
    with pytest.raises(CannotOpen):
        ring.of("chat").unwrap(wrapped, aad="data_keys.wrapped.user:1")
    with pytest.raises(CannotOpen):
        ring.of("users").unwrap(wrapped, aad="data_keys.wrapped.user:2")


def test_another_keyring_opens_nothing(tmp_path: Path, ring: Keyring) -> None:
    other = Keyring.create(tmp_path / "other.json")
    wrapped = ring.of("users").wrap(b"secret", aad="place")

    for broken in (wrapped, b"", wrapped[:10], b"\x02zz" + wrapped):
        with pytest.raises(CannotOpen):
            other.of("users").unwrap(broken, aad="place")


def test_a_rotated_keyring_still_opens_what_the_old_key_sealed(ring: Keyring) -> None:
    wrapped = ring.of("users").wrap(b"secret", aad="place")
    rotated = Keyring("k2", {**ring.keys, "k2": b"2" * 32}, ring.index_key).of("users")

    assert rotated.unwrap(wrapped, aad="place") == b"secret"
    assert rotated.wrap(b"secret", aad="place")[1:3] == b"k2"


def test_a_sealed_value_opens_only_in_its_own_place() -> None:
    key = SubjectKey(b"k" * 32)
    sealed = key.seal("users.name", "1", "सीता")

    assert key.open("users.name", "1", sealed) == "सीता"
    assert "सीता".encode() not in sealed
    for place, row in (("users.name", "2"), ("users.email", "1")):
        with pytest.raises(CannotOpen):
            key.open(place, row, sealed)


def test_blind_indexes_are_equal_for_equal_values_of_one_purpose(ring: Keyring) -> None:
    keys = ring.of("users")

    assert keys.blind("phone", "+977981") == keys.blind("phone", "+977981")
    assert keys.blind("phone", "+977981") != keys.blind("email", "+977981")
    assert keys.blind("phone", "+977981") != ring.of("chat").blind("phone", "+977981")
