"""Who is let in, where to, and how often: decided before a byte of body is read."""

from collections.abc import Mapping, Sequence

from libs.common.clock import monotonic
from libs.common.errors import Forbidden, NotFound, Unauthenticated
from libs.common.principal import Principal
from libs.common.tokens import InvalidToken, Verifier
from libs.common.web.errors import MethodNotAllowed
from libs.common.web.guard import bearer, check_body_headers, check_query
from services.gateway.domain.addresses import Addresses, Networks
from services.gateway.domain.allowances import Charge, Limits
from services.gateway.domain.asking import Asked
from services.gateway.domain.exchanging import PREFIX, KeyExchange
from services.gateway.domain.headers import Hosts
from services.gateway.domain.limiting import Limiter
from services.gateway.domain.origins import Origins
from services.gateway.domain.refusals import AddressNotAllowed, HttpsRequired, OriginNotAllowed
from services.gateway.domain.table import AccessTable, Entry
from services.gateway.domain.verdicts import RateLimited, Verdict, limit_headers

KNOWN_SECONDS = 1.0
MAX_KNOWN = 10_000
PROBES = frozenset({"/healthz", "/readyz"})
"""Asked by who runs us, from beside us: by address, in the open, and as often as they like."""
HSTS = (b"strict-transport-security", b"max-age=31536000")


class Preflight(Exception):
    """A browser asks before it asks: what is told is the answer."""


class Entrance:
    """Lets requests in, or says why not. What it finds out is written into what was asked."""

    def __init__(
        self,
        *,
        table: AccessTable,
        verifier: Verifier,
        keys: KeyExchange,
        hosts: Hosts,
        addresses: Addresses,
        origins: Origins,
        limits: Limits,
        limiter: Limiter,
        networks: Mapping[str, Networks],
        https_only: bool,
    ) -> None:
        self._table = table
        self._verifier = verifier
        self._keys = keys
        self._hosts = hosts
        self._addresses = addresses
        self._origins = origins
        self._limits = limits
        self._limiter = limiter
        self._networks = networks
        self._https_only = https_only
        self._known: dict[bytes, tuple[float, str, Principal]] = {}

    async def admit(self, asked: Asked) -> Entry:
        """The route that was asked for, by who may. Raises AppError; Preflight."""
        entry = self.look(asked)
        if not entry.is_open and not self._knows(asked):
            await self._identify(asked, entry)
        await self._count(asked, self._charges(asked, entry))
        self._check(asked, entry)
        return entry

    def look(self, asked: Asked) -> Entry:
        """The route that was asked for. Raises AppError; Preflight."""
        asked.told = self._origins.headers(asked.heads.said.get(b"origin"))
        self._check_way(asked)
        entry = asked.entry = self._entry(asked)
        if self._networks:
            self._check_address(asked, entry.level, entry.access.limit)
        return entry

    def settle(self, asked: Asked, entry: Entry) -> bool:
        """Let in who asks for what was found, if that can be told at once. Raises AppError."""
        if not entry.is_open and not self._knows(asked):
            return False
        charges = self._charges(asked, entry)
        if charges:
            verdict = self._limiter.take_all(charges)
            if verdict is None:
                return False
            self._note(asked, verdict)
        self._check(asked, entry)
        return True

    async def admit_listener(self, asked: Asked) -> None:
        """Let in who will show later who it is. Raises AppError."""
        self._check_way(asked)
        self._check_address(asked, "guest", "held")
        charges = self._limits.charges("held", None, asked.address, "/socket.io")
        await self._count(asked, charges)

    def _check_way(self, asked: Asked) -> None:
        """Raises InvalidHost, HttpsRequired."""
        heads = asked.heads
        if asked.path not in PROBES:
            self._hosts.check(heads.said.get(b"host", b""))
        if asked.authority is not None:
            self._hosts.check(asked.authority)
        if heads.forwarded:
            forwarded = [value.decode("latin-1") for value in heads.forwarded]
            asked.address = self._addresses.of(asked.peer, forwarded)
        if self._https_only and asked.path not in PROBES:
            is_behind_ours = self._addresses.is_trusted(asked.peer)
            if not is_behind_ours or heads.said.get(b"x-forwarded-proto") != b"https":
                raise HttpsRequired("Ask over https.")
            asked.told = [*asked.told, HSTS]

    def _entry(self, asked: Asked) -> Entry:
        found = self._table.find(asked.method, asked.path)
        if found.entry:
            return found.entry
        if not found.methods:
            raise NotFound("There is nothing here.")
        said = asked.heads.said
        if asked.method == "OPTIONS" and b"access-control-request-method" in said:
            origin = said.get(b"origin", b"")
            if not self._origins.is_allowed(origin):
                raise OriginNotAllowed("Pages of that origin may not ask here.")
            asked.told = self._origins.preflight(origin, found.methods)
            raise Preflight
        raise NotAllowed(found.methods)

    def _check_address(self, asked: Asked, *names: str) -> None:
        for name in names:
            networks = self._networks.get(name)
            if networks is not None and not networks.admits(asked.address):
                raise AddressNotAllowed("This is not open to your network.")

    async def _identify(self, asked: Asked, entry: Entry) -> None:
        """Who asks. Strangers are counted by where they come from. Raises AppError."""
        try:
            await self._verify(asked)
        except Unauthenticated:
            await self._count(asked, self._charges(asked, entry)[1:])
            raise

    def _knows(self, asked: Asked) -> bool:
        """Whether the credential is one of the last moments."""
        said = asked.heads.said
        known = self._known.get(said.get(b"authorization", b""))
        if known is None or known[0] <= monotonic() or b"x-api-key" in said:
            return False
        _, asked.token, asked.principal = known
        return True

    async def _verify(self, asked: Asked) -> None:
        said = asked.heads.said
        given = said.get(b"authorization", b"")
        api_key = said.get(b"x-api-key")
        if api_key is None:
            token = bearer(said)
        elif b"authorization" in said:
            raise InvalidToken("Send a token or a key, not both.")
        else:
            token = api_key.decode("latin-1").strip()
        if api_key is not None or token.startswith(PREFIX):
            kept = await self._keys.exchange(token)
            if not kept.networks.admits(asked.address):
                raise AddressNotAllowed("This key is not for use from your network.")
            asked.token = kept.token
            asked.principal = self._verifier.verify(kept.token)
            return
        asked.token, asked.principal = token, self._verifier.verify(token)
        if len(self._known) >= MAX_KNOWN:
            self._known.clear()
        self._known[given] = (monotonic() + KNOWN_SECONDS, token, asked.principal)

    def _charges(self, asked: Asked, entry: Entry) -> tuple[Charge, ...]:
        if asked.path in PROBES:
            return ()
        return self._limits.charges(
            entry.access.limit, asked.principal, asked.address, entry.template
        )

    async def _count(self, asked: Asked, charges: Sequence[Charge]) -> None:
        """Raises RateLimited."""
        if charges:
            verdict = self._limiter.take_all(charges) or await self._limiter.ask_all(charges)
            self._note(asked, verdict)

    def _note(self, asked: Asked, verdict: Verdict) -> None:
        if not verdict.is_allowed:
            raise RateLimited(verdict)
        asked.told = [*asked.told, *limit_headers(verdict)]

    def _check(self, asked: Asked, entry: Entry) -> None:
        """Raises Forbidden, Invalid, TooLarge, UnsupportedType."""
        if asked.principal and not entry.access.admits(asked.principal):
            raise Forbidden("You may not do this.")
        if asked.query:
            check_query(asked.query)
        check_body_headers(entry.access, asked.heads.said)


class NotAllowed(MethodNotAllowed):
    """Says which methods are, as RFC 9110 asks."""

    def __init__(self, methods: frozenset[str]) -> None:
        super().__init__("This method is not allowed here.")
        with_head = methods | {"HEAD"} if "GET" in methods else methods
        self.headers = {"Allow": ", ".join(sorted(with_head))}  # type: ignore[misc]
