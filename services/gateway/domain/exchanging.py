"""API keys become short tokens, asked of users once a minute and not once a call."""

import asyncio
import hashlib
import re
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass

from libs.common.clock import monotonic
from libs.common.logging import get_logger
from libs.common.web.client import PeerFailed
from services.gateway.clients import UsersClient
from services.gateway.domain.addresses import Networks
from services.gateway.domain.refusals import (
    AddressNotAllowed,
    InvalidApiKey,
    UpstreamUnavailable,
)
from services.gateway.domain.remembering import keep_newest

log = get_logger(__name__)

FRESH_SECONDS = 60.0
DEAF_SECONDS = 4.0
"""How long an answer is fresh while nobody tells us of revocations."""
STALE_SECONDS = 300.0
"""How much longer it is believed while users is away."""
REFUSED_SECONDS = 5.0
SPARE_SECONDS = 5.0
"""A token is not passed on in its last moments: it has to live as long as the call."""
MAX_KEPT = 10_000
PREFIX = "rdr_"
_KEY = re.compile(r"rdr_live_[0-9a-f]{8}_[0-9A-Za-z]{20,100}")
ANYWHERE = Networks()


@dataclass(frozen=True, slots=True)
class Kept:
    """What users said of a key; no token means it is none."""

    token: str
    key_id: str | None
    asked_at: float
    good_until: float
    """While users is away it is believed until then."""
    networks: Networks = ANYWHERE
    """Where the key may be used from."""


class KeyExchange:
    """The tokens of API keys, kept by the keys' hashes."""

    def __init__(self, users: UsersClient) -> None:
        self._users = users
        self._kept: OrderedDict[bytes, Kept] = OrderedDict()
        self._asking: dict[bytes, asyncio.Task[Kept]] = {}
        self._hears_since = float("inf")

    async def exchange(self, api_key: str, *, address: str) -> str:
        """A token for the holder of `api_key`, who asks from `address`.

        While users is away, what it said before holds until the token ends. Raises InvalidApiKey,
        AddressNotAllowed, UpstreamUnavailable.
        """
        if not _KEY.fullmatch(api_key):
            raise InvalidApiKey("The API key does not hold.")
        digest = hashlib.sha256(api_key.encode()).digest()
        kept = self._kept.get(digest)
        if kept is None or not self._is_fresh(kept):
            kept = await self._asked(digest, api_key, kept)
        if not kept.token:
            raise InvalidApiKey("The API key does not hold.")
        if not kept.networks.admits(address):
            raise AddressNotAllowed("This key is not for use from your network.")
        return kept.token

    def hears(self, *, is_hearing: bool) -> None:
        """Whether revocations reach us: what was said while they did not is soon asked again."""
        if not is_hearing:
            self._hears_since = float("inf")
        elif self._hears_since > monotonic():
            self._hears_since = monotonic()

    def _is_fresh(self, kept: Kept) -> bool:
        if not kept.token:
            return monotonic() < kept.asked_at + REFUSED_SECONDS
        is_heard = kept.asked_at >= self._hears_since
        fresh_until = kept.asked_at + (FRESH_SECONDS if is_heard else DEAF_SECONDS)
        return monotonic() < min(fresh_until, kept.good_until)

    def forget(self, key_id: str) -> None:
        """What was kept of a key is not true any more."""
        self.forget_all({key_id})

    def forget_all(self, key_ids: Collection[str]) -> None:
        """The same for many at once."""
        for digest in [d for d, kept in self._kept.items() if kept.key_id in key_ids]:
            del self._kept[digest]

    async def _asked(self, digest: bytes, api_key: str, before: Kept | None) -> Kept:
        """Ask users, once for all who wait for the same key."""
        task = self._asking.get(digest)
        if task is None:
            task = self._asking[digest] = asyncio.create_task(self._ask(api_key))
            task.add_done_callback(lambda done: self._answered(digest, done))
        try:
            return await asyncio.shield(task)
        except PeerFailed:
            if before and before.token and before.good_until > monotonic():
                log.warning("api_key.stale", key_id=before.key_id)
                return before
            raise UpstreamUnavailable("The key cannot be checked just now.") from None

    async def _ask(self, api_key: str) -> Kept:
        now = monotonic()
        found = await self._users.exchange(api_key)
        if found is None:
            return Kept("", None, now, now)
        lives = min(found.expires_in - SPARE_SECONDS, FRESH_SECONDS + STALE_SECONDS)
        networks = Networks(found.allowed_addresses) if found.allowed_addresses else ANYWHERE
        return Kept(found.access_token, found.key_id, now, now + lives, networks)

    def _answered(self, digest: bytes, done: asyncio.Task[Kept]) -> None:
        self._asking.pop(digest, None)
        if not done.cancelled() and not done.exception():
            keep_newest(self._kept, digest, done.result(), MAX_KEPT)
