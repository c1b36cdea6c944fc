"""Issue 4: another key for the keyring, in steps that may each be repeated."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from libs.common.crypto.keyring import Keyring
from libs.common.crypto.rotating import SETTLE, begin, is_settled, retire
from libs.common.crypto.sealing import CannotOpen

NOW = datetime(2026, 11, 21, tzinfo=UTC)
LATER = NOW + timedelta(seconds=10)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    Keyring.create(tmp_path / "keyring.json")
    return tmp_path / "keyring.json"


def test_a_new_key_is_in_the_file_before_anybody_writes_with_it(path: Path) -> None:
    ring = begin(path, now=NOW, grace=10)

    assert set(ring.keys) == {"k1", "k2"}
    assert ring.writes_with(NOW) == "k1"
    assert ring.writes_with(LATER) == "k2"
    assert path.stat().st_mode & 0o077 == 0


def test_a_rotation_that_was_begun_is_gone_on_with(path: Path) -> None:
    assert begin(path, now=NOW) == begin(path, now=LATER)


def test_two_who_begin_at_once_begin_the_same_rotation(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key that was overwritten before it was used would be lost to whoever had read it."""
    met, save = threading.Barrier(2), Keyring.save

    def save_when_both_are_here(ring: Keyring, at: Path) -> None:
        with suppress(threading.BrokenBarrierError):
            met.wait(0.5)
        save(ring, at)

    monkeypatch.setattr(Keyring, "save", save_when_both_are_here)
    with ThreadPoolExecutor(2) as pool:
        rings = [pool.submit(begin, path, now=NOW) for _ in range(2)]

    assert rings[0].result() == rings[1].result() == Keyring.load(path)


def test_older_keys_go_once_nobody_can_be_writing_with_them(path: Path) -> None:
    ring = begin(path, now=NOW, grace=10)
    assert not is_settled(ring, now=LATER)
    assert is_settled(ring, now=LATER + SETTLE)

    assert retire(path, now=LATER) == ("k1",)
    assert retire(path, now=LATER) == ()
    assert set(Keyring.load(path).keys) == {"k2"}
    assert set(begin(path, now=LATER).keys) == {"k2", "k3"}


def test_who_meets_a_new_key_reads_the_file_again(path: Path) -> None:
    serving = Keyring.load(path).of("users")
    begin(path, now=NOW, grace=0)
    wrapped = Keyring.load(path).of("users").wrap(b"secret", aad="place")

    assert wrapped[1:3] == b"k2"
    assert serving.unwrap(wrapped, aad="place") == b"secret"


def test_who_was_idle_through_a_whole_rotation_reads_on(path: Path) -> None:
    serving = Keyring.load(path).of("users")
    begin(path, now=NOW, grace=0)
    wrapped = Keyring.load(path).of("users").wrap(b"secret", aad="place")
    retire(path, now=LATER)

    assert serving.unwrap(wrapped, aad="place") == b"secret"


def test_a_foreign_keyring_is_not_taken_over(path: Path) -> None:
    serving = Keyring.load(path).of("users")
    own = serving.wrap(b"secret", aad="place")
    path.unlink()
    Keyring.create(path)
    begin(path, now=NOW, grace=0)
    foreign = Keyring.load(path).of("users").wrap(b"secret", aad="place")

    with pytest.raises(CannotOpen):
        serving.unwrap(foreign, aad="place")
    assert serving.unwrap(own, aad="place") == b"secret"
