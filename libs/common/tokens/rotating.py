"""A new signing key, so that no good token is refused: published first, used later."""

from pathlib import Path
from typing import NamedTuple

from libs.common.clock import utc_now
from libs.common.crypto.rotating import alone
from libs.common.tokens.claims import LEEWAY, MAX_LIFE
from libs.common.tokens.keyfiles import (
    OURS,
    SIGNS_FROM,
    SIGNS_UNTIL,
    Jwk,
    KeyFiles,
    new_private_pem,
    public_jwk,
    write,
)

AFTER_SECONDS = 40.0
"""Longer than whoever verifies goes without looking at the keys (RELOAD_SECONDS)."""
TOKENS_LIVE = MAX_LIFE + 2 * LEEWAY


class Rotated(NamedTuple):
    """The new key, when it begins to sign, and which ones verify no token any more."""

    kid: str
    signs_from: float
    dropped: tuple[str, ...]


class UnderWay(Exception):
    """The key of the last rotation does not sign yet."""


def rotate(
    service: str, keys: Path, *, after: float = AFTER_SECONDS, withdraw: bool = False
) -> Rotated:
    """Give `service` a new key, which signs in `after` seconds. Raises UnderWay.

    The old public half stays until a later rotation finds that no token of it can be alive.
    `withdraw` is for a key that somebody else has: it is dropped at once, and its tokens with it.
    """
    with alone(keys):
        return _rotate(KeyFiles(service, keys), after=after, withdraw=withdraw)


def _rotate(files: KeyFiles, *, after: float, withdraw: bool) -> Rotated:
    service, now = files.service, utc_now().timestamp()
    document = files.document()
    if not withdraw and any(each.get(SIGNS_FROM, 0.0) > now for each in document["keys"]):
        raise UnderWay(f"{service}: the key of the last rotation does not sign yet.")
    if files.coming.exists():
        files.coming.replace(files.current)
    signs_from = now if withdraw else now + after
    pem = new_private_pem()
    new = {**public_jwk(service, pem), SIGNS_FROM: signs_from}
    kept, dropped = _sorted(files, document["keys"], now=now, until=signs_from)
    if withdraw:
        kept, dropped = [], [*kept, *dropped]
    files.publish({"keys": [*kept, new], "retired": [*document["retired"], *map(_bare, dropped)]})
    write(files.current if withdraw else files.coming, pem, mode=0o600)
    return Rotated(new["kid"], signs_from, tuple(each["kid"] for each in dropped))


def _sorted(
    files: KeyFiles, keys: list[Jwk], *, now: float, until: float
) -> tuple[list[Jwk], list[Jwk]]:
    """Which keys stay, with the time they sign until; and which have no token alive.

    What signs just now is looked up, not remembered: a rotation may have been cut short.
    """
    signing = (
        public_jwk(files.service, files.current.read_bytes())["kid"]
        if files.current.exists()
        else None
    )
    noted = [
        {**each, SIGNS_UNTIL: until if each["kid"] == signing else each.get(SIGNS_UNTIL, until)}
        for each in keys
    ]
    kept = [each for each in noted if each[SIGNS_UNTIL] + TOKENS_LIVE > now]
    return kept, [each for each in noted if each not in kept]


def _bare(key: Jwk) -> Jwk:
    return {name: value for name, value in key.items() if name not in OURS}
