"""Who is let in, where to, and how often: decided before a byte of body is read."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from libs.common.clock import monotonic
from libs.common.errors import AppError, Forbidden, NotFound, Unauthenticated
from libs.common.tokens import InvalidToken, Known, Verifier
from libs.common.web.errors import MethodNotAllowed
from libs.common.web.guard import bearer, check_body_headers, check_query
from services.gateway.domain.addresses import Addresses, Networks
from services.gateway.domain.allowances import Charge, Limits
from services.gateway.domain.asking import Asked
from services.gateway.domain.exchanging import PREFIX, KeyExchange
from services.gateway.domain.headers import Hosts, Lines
from services.gateway.domain.limiting import Limiter
from services.gateway.domain.origins import Origins
from services.gateway.domain.refusals import AddressNotAllowed, HttpsRequired, OriginNotAllowed
from services.gateway.domain.table import AccessTable, Entry
from services.gateway.domain.verdicts import RateLimited, limit_lines

K = TypeVar("K")
V = TypeVar("V")

MAX_KNOWN = 10_000
BEARER = "Bearer "
MAX_WAYS = 4096
MAX_KEY = 1024
"""Bytes that name a way; longer ones are no ways many go."""
MAX_TERMS = 8
"""Of one caller: who asks for ever something else gains nothing by being remembered."""
PROBES = frozenset({"/healthz", "/readyz"})
"""Asked by who runs us, from beside us: by address, in the open, and as often as they like."""
HSTS: Lines = b"strict-transport-security: max-age=31536000\r\n"


class Preflight(Exception):
    """A browser asks before it asks: what is told is the answer."""


class Terms:
    """On what terms a request is let in."""

    __slots__ = ("charges", "refused")

    def __init__(self, charges: Sequence[Charge], refused: AppError | None) -> None:
        self.charges = charges
        self.refused = refused
        """What it is refused with, after it was paid for."""


class _Way:
    """Where from, through which name and where to: what does not depend on who asks."""

    __slots__ = ("address", "entry", "told")

    def __init__(self, asked: Asked, entry: Entry) -> None:
        self.entry = entry
        self.address = asked.address
        self.told = asked.told


class _Caller:
    """Who showed a token lately, and on what terms they were let in."""

    __slots__ = ("principal", "terms", "token", "until")

    def __init__(self, token: str, known: Known) -> None:
        self.token = token.encode()
        self.principal, self.until = known
        self.terms: dict[_Way, Terms] = {}


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
        self._known: dict[bytes, _Caller] = {}
        self._ways: dict[tuple[bytes | str | None, ...], _Way] = {}

    def forget_callers(self) -> None:
        """Look at every token again: some of them do not hold any more."""
        self._known.clear()

    async def admit(self, asked: Asked) -> Entry:
        """The route that was asked for, by who may. Raises AppError; Preflight."""
        entry = self._look(asked)
        if not entry.is_open:
            await self._identify(asked, entry)
        terms = self._terms(asked, entry)
        await self._count(asked, terms.charges)
        if terms.refused:
            raise terms.refused
        return entry

    def agree(self, asked: Asked) -> Terms | None:
        """The terms of a request, if they can be told at once. Raises AppError; Preflight."""
        way = self._way(asked)
        entry = asked.entry = way.entry
        asked.told, asked.address = way.told, way.address
        if entry.is_open:
            return self._terms(asked, entry)
        caller = self._caller(asked)
        if caller is None:
            return None
        asked.token, asked.principal = caller.token, caller.principal
        if asked.heads.is_unusual:
            return self._terms(asked, entry)
        terms = caller.terms.get(way)
        if terms is None:
            terms = self._terms(asked, entry)
            if not terms.refused:
                _keep(caller.terms, way, terms, MAX_TERMS)
        return terms

    def settle(self, asked: Asked, terms: Terms) -> bool:
        """Let in on these terms, unless the counters have to be asked first. Raises AppError."""
        if terms.charges:
            verdict = self._limiter.take_all(terms.charges)
            if verdict is None:
                return False
            if not verdict.is_allowed:
                raise RateLimited(verdict)
            asked.told += limit_lines(verdict)
        if terms.refused:
            raise terms.refused
        return True

    def _way(self, asked: Asked) -> _Way:
        """Raises AppError; Preflight."""
        said = asked.heads.said
        key = (
            asked.method,
            asked.target.said,
            said.get(b"host"),
            said.get(b"origin"),
            said.get(b"x-forwarded-proto"),
            asked.peer,
            *asked.heads.forwarded,
        )
        way = self._ways.get(key)
        if way is None:
            way = _Way(asked, self._look(asked))
            if sum(len(part) for part in key if part) <= MAX_KEY:
                _keep(self._ways, key, way, MAX_WAYS)
        return way

    def _look(self, asked: Asked) -> Entry:
        """The route that was asked for. Raises AppError; Preflight."""
        asked.told = self._origins.lines(asked.heads.said.get(b"origin"))
        self._check_way(asked)
        entry = asked.entry = self._entry(asked)
        if self._networks:
            self._check_address(asked, entry.level, entry.access.limit)
        return entry

    def _terms(self, asked: Asked, entry: Entry) -> Terms:
        refused: AppError | None = None
        try:
            if asked.principal and not entry.access.admits(asked.principal):
                raise Forbidden("You may not do this.")
            check_query(asked.target.query)
            check_body_headers(entry.access, asked.heads.said)
        except AppError as error:
            refused = error
        return Terms(self._charges(asked, entry), refused)

    async def admit_listener(self, asked: Asked) -> None:
        """Let in who will show later who it is. Raises AppError."""
        self._check_way(asked)
        self._check_address(asked, "guest", "held")
        charges = self._limits.charges("held", None, asked.address, "/socket.io")
        await self._count(asked, charges)

    def _check_way(self, asked: Asked) -> None:
        """Raises InvalidHost, HttpsRequired."""
        heads = asked.heads
        if asked.target.path not in PROBES:
            self._hosts.check(heads.said.get(b"host", b""))
        if asked.target.authority is not None:
            self._hosts.check(asked.target.authority)
        if heads.forwarded:
            forwarded = [value.decode("latin-1") for value in heads.forwarded]
            asked.address = self._addresses.of(asked.peer, forwarded)
        if self._https_only and asked.target.path not in PROBES:
            is_behind_ours = self._addresses.is_trusted(asked.peer)
            if not is_behind_ours or heads.said.get(b"x-forwarded-proto") != b"https":
                raise HttpsRequired("Ask over https.")
            asked.told += HSTS

    def _entry(self, asked: Asked) -> Entry:
        found = self._table.find(asked.method, asked.target.path)
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
            await self._verify(asked, entry.access.half)
        except Unauthenticated:
            await self._count(asked, self._charges(asked, entry)[1:])
            raise

    def _caller(self, asked: Asked) -> _Caller | None:
        """Who shows a token; None for who shows something else, or one that does not hold."""
        said = asked.heads.said
        given = said.get(b"authorization", b"")
        caller = self._known.get(given)
        if b"x-api-key" in said:
            return None
        if caller and caller.until > monotonic():
            return caller
        try:
            token = bearer(said)
            return None if token.startswith(PREFIX) else self._remember(given, token)
        except Unauthenticated:
            return None

    def _remember(self, given: bytes, token: str) -> _Caller:
        """Raises InvalidToken."""
        caller = _Caller(token, self._verifier.look(token))
        if len(given) == len(BEARER) + len(token):
            _keep(self._known, given, caller, MAX_KNOWN)
        return caller

    async def _verify(self, asked: Asked, half: bool) -> None:
        said = asked.heads.said
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
            token = kept.token
        asked.principal = self._verifier.verify(token, half=half)
        asked.token = token.encode()

    def _charges(self, asked: Asked, entry: Entry) -> tuple[Charge, ...]:
        if asked.target.path in PROBES:
            return ()
        return self._limits.charges(
            entry.access.limit, asked.principal, asked.address, entry.template
        )

    async def _count(self, asked: Asked, charges: Sequence[Charge]) -> None:
        """Raises RateLimited."""
        if charges:
            verdict = self._limiter.take_all(charges) or await self._limiter.ask_all(charges)
            if not verdict.is_allowed:
                raise RateLimited(verdict)
            asked.told += limit_lines(verdict)


def _keep(memory: dict[K, V], key: K, value: V, limit: int) -> None:
    """Remember one more; when there is no room, begin anew."""
    if len(memory) >= limit:
        memory.clear()
    memory[key] = value


class NotAllowed(MethodNotAllowed):
    """Says which methods are, as RFC 9110 asks."""

    def __init__(self, methods: frozenset[str]) -> None:
        super().__init__("This method is not allowed here.")
        with_head = methods | {"HEAD"} if "GET" in methods else methods
        self.headers = {"Allow": ", ".join(sorted(with_head))}  # type: ignore[misc]
