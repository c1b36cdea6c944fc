"""The public keys of the installation: read again soon, so that a withdrawn one is soon refused."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jose import jwk, jws
from jose.exceptions import JOSEError

from libs.common.clock import monotonic
from libs.common.tokens.claims import ALGORITHM, ATTESTATION, InvalidToken, key_of
from libs.common.tokens.keyfiles import OURS

RELOAD_SECONDS = 30.0


class PublicKeys:
    """The public keys of the installation's services: a folder of JWK sets, by key id."""

    def __init__(self, keys: Path) -> None:
        self._folder = keys / "public"
        self._by_kid: dict[str, tuple[str, Any]] = {}
        self._read_at = float("-inf")
        self._stamp: object = None
        self.generation = 0
        """Counts what was read: who remembers what a key said forgets it when this changes."""

    def find(self, kid: str) -> tuple[str, Any] | None:
        """The owner and key of `kid`. Known or not, the folder is looked at every 30 s at most."""
        self.keep_up(monotonic())
        return self._by_kid.get(kid)

    def keep_up(self, now: float) -> None:
        """Read the folder again if it is time, and if it was changed."""
        if now - self._read_at <= RELOAD_SECONDS:
            return
        self._read_at = now
        stamp = tuple(
            (path.name, found.st_mtime_ns, found.st_ino)
            for path in sorted(self._folder.glob("*.json"))
            for found in [path.stat()]
        )
        if stamp != self._stamp:
            self._by_kid = dict(self._halves("keys"))
            self._stamp = stamp
            self.generation += 1

    def attested(self, signature: str) -> tuple[str, bytes]:
        """Who signed which statement, be it with a key that signs no more. Raises InvalidToken."""
        kid = key_of(signature, [ATTESTATION])
        found = self.find(kid) or dict(self._halves("retired")).get(kid)
        if found is None:
            raise InvalidToken("The statement is not signed with a key of ours.")
        owner, key = found
        try:
            return owner, jws.verify(signature, key, algorithms=[ALGORITHM])
        except (JOSEError, ValueError, TypeError):
            raise InvalidToken("The statement's signature does not hold.") from None

    def documents(self, service: str) -> list[dict[str, Any]]:
        """The JWKs of one service, as published at `/.well-known/jwks.json`."""
        document = json.loads((self._folder / f"{service}.json").read_text())
        return [
            {name: value for name, value in key.items() if name not in OURS}
            for key in document["keys"]
        ]

    def _halves(self, which: str) -> Iterator[tuple[str, tuple[str, Any]]]:
        for path in sorted(self._folder.glob("*.json")):
            for key in json.loads(path.read_text()).get(which, []):
                yield key["kid"], (path.stem, jwk.construct(key, ALGORITHM))
