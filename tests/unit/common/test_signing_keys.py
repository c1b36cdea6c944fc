"""Signing keys are rotated while tokens are signed and verified (issue 4, tokens)."""

import json
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from libs.common.principal import Role
from libs.common.tokens import (
    AFTER_SECONDS,
    RELOAD_SECONDS,
    InvalidToken,
    PublicKeys,
    Signer,
    UnderWay,
    Verifier,
    public_keys,
    rotate,
    rotating,
    signing,
    verifying,
)

DAY = 24 * 3600


class Clock:
    """Both clocks, moved by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seconds = 1000.0
        for module in (signing, public_keys, verifying):
            monkeypatch.setattr(module, "monotonic", lambda: self.seconds)
        for module in (signing, rotating, verifying):
            monkeypatch.setattr(module, "utc_now", self.utc_now)

    def utc_now(self) -> datetime:
        return datetime(2026, 3, 2, tzinfo=UTC) + timedelta(seconds=self.seconds)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def users(tmp_path: Path) -> Signer:
    return Signer.at("users", tmp_path)


def verifier_at(keys: Path) -> Verifier:
    return Verifier(PublicKeys(keys), "grievance")


def kids(keys: Path, which: str = "keys") -> list[str]:
    document = json.loads((keys / "public" / "users.json").read_text())
    return [each["kid"] for each in document.get(which, [])]


def test_no_good_token_is_refused_while_the_key_is_rotated(
    clock: Clock, users: Signer, tmp_path: Path
) -> None:
    """Issue 4: two rotations, a verifier that looked just before each, a token every second."""
    verifiers = [verifier_at(tmp_path) for _ in range(5)]
    signed_with, refused, alive = set(), 0, list[str]()
    for second in range(240):
        clock.seconds += 1
        if second in {30, 130}:
            rotate("users", tmp_path)
        token = users.sign(f"user:{second}", Role.CITIZEN)
        alive = [*alive, token][-100:]
        signed_with.add(users.public_jwk["kid"])
        for at, verifier in enumerate(verifiers):
            if (second + at * 6) % 5:
                continue
            for each in (alive[0], alive[-1]):
                try:
                    verifier.verify(each)
                except InvalidToken:
                    refused += 1

    assert refused == 0
    assert len(signed_with) == 3


def test_signing_and_verifying_side_by_side_outlive_a_rotation(
    users: Signer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The files are changed under a running signer and running verifiers: nothing is torn."""
    monkeypatch.setattr(signing, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(public_keys, "RELOAD_SECONDS", 0.0)
    verifier, over = verifier_at(tmp_path), threading.Event()
    faults: list[BaseException] = []
    done = 0

    def work() -> None:
        nonlocal done
        try:
            while not over.is_set():
                verifier.verify(users.sign("user:1", Role.CITIZEN))
                done += 1
        except BaseException as error:  # noqa: BLE001 - whatever it was
            faults.append(error)

    worker = threading.Thread(target=work)
    worker.start()
    rotations = 0
    while rotations < 20 and not faults:
        with suppress(UnderWay):
            rotate("users", tmp_path, after=0.02)
            rotations += 1
        over.wait(0.01)
    over.set()
    worker.join()

    assert faults == []
    assert done >= 100


def test_a_new_key_signs_from_its_time_on_and_not_before(
    clock: Clock, users: Signer, tmp_path: Path
) -> None:
    old = users.public_jwk["kid"]
    done = rotate("users", tmp_path)

    clock.seconds += AFTER_SECONDS - 1
    assert users.public_jwk["kid"] == old
    clock.seconds += 2
    assert users.public_jwk["kid"] == done.kid
    assert Signer.at("users", tmp_path).public_jwk["kid"] == done.kid
    assert kids(tmp_path) == [old, done.kid]


def test_the_old_half_stays_until_none_of_its_tokens_can_be_alive(
    clock: Clock, users: Signer, tmp_path: Path
) -> None:
    first = users.public_jwk["kid"]
    second = rotate("users", tmp_path).kid
    clock.seconds += DAY
    third = rotate("users", tmp_path)
    assert (third.dropped, kids(tmp_path)) == ((), [first, second, third.kid])
    clock.seconds += 3600
    fourth = rotate("users", tmp_path)

    assert fourth.dropped == (first,)
    assert kids(tmp_path) == [second, third.kid, fourth.kid]
    assert kids(tmp_path, "retired") == [first]


def test_a_rotation_that_was_cut_short_does_not_drop_the_key_that_signs(
    clock: Clock, users: Signer, tmp_path: Path
) -> None:
    """Published, and then the power went: the next rotation takes nothing for granted."""
    signs = users.public_jwk["kid"]
    rotate("users", tmp_path)
    (tmp_path / "sign" / "users.next.pem").unlink()
    clock.seconds += 3 * DAY
    token = users.sign("user:1", Role.CITIZEN)

    rotate("users", tmp_path)

    assert signs in kids(tmp_path)
    assert verifier_at(tmp_path).verify(token).id == "user:1"


def test_one_rotation_waits_for_the_one_before(clock: Clock, users: Signer, tmp_path: Path) -> None:
    rotate("users", tmp_path)

    with pytest.raises(UnderWay):
        rotate("users", tmp_path)


def test_a_withdrawn_key_is_refused_within_half_a_minute_also_where_it_is_known(
    clock: Clock, users: Signer, tmp_path: Path
) -> None:
    verifier = verifier_at(tmp_path)
    token = users.sign("user:1", Role.CITIZEN)
    verifier.verify(token)

    rotate("users", tmp_path, withdraw=True)
    clock.seconds += RELOAD_SECONDS + 1

    with pytest.raises(InvalidToken):
        verifier.verify(token)
    assert verifier.verify(users.sign("user:1", Role.CITIZEN)).id == "user:1"
    assert len(kids(tmp_path)) == 1


def test_a_thousand_unknown_kids_cost_two_reads(
    clock: Clock, users: Signer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Issue 4: at most one look at the keys every 30 seconds, whatever is shown."""
    keys = PublicKeys(tmp_path)
    verifier = Verifier(keys, "grievance")
    reads, glob = 0, Path.glob

    def counted(self: Path, pattern: str) -> object:
        nonlocal reads
        reads += 1
        return glob(self, pattern)

    monkeypatch.setattr(Path, "glob", counted)
    for n in range(1000):
        clock.seconds += 0.02
        token = users._signed({}, {"kid": f"users-{n}"})
        with pytest.raises(InvalidToken):
            verifier.verify(token)

    assert reads <= 2


def test_what_is_published_says_nothing_of_when_it_signs(
    clock: Clock, users: Signer, tmp_path: Path
) -> None:
    rotate("users", tmp_path)

    shown = PublicKeys(tmp_path).documents("users")
    assert len(shown) == 2
    assert {name for key in shown for name in key} == {
        "kty", "crv", "alg", "use", "kid", "x", "y",
    }  # fmt: skip


def test_a_private_key_is_for_its_owner_alone(users: Signer, tmp_path: Path) -> None:
    rotate("users", tmp_path)

    for path in (tmp_path / "sign").iterdir():
        assert path.stat().st_mode & 0o777 == 0o600


def test_what_a_retired_key_attested_still_holds(
    clock: Clock, users: Signer, tmp_path: Path
) -> None:
    """The seals of the audit log outlive the key they were made with; tokens do not."""
    signature = users.attest(b"the head of a chain")
    for _ in range(3):
        rotate("users", tmp_path)
        clock.seconds += 2 * DAY
    keys = PublicKeys(tmp_path)

    assert keys.attested(signature) == ("users", b"the head of a chain")
    with pytest.raises(InvalidToken):
        Verifier(keys, "grievance").verify(signature)
