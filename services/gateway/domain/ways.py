"""Where from, through which name and where to: what does not depend on who asks."""

from collections.abc import Mapping

from libs.common.errors import NotFound
from services.gateway.domain.addresses import Addresses, Networks
from services.gateway.domain.asking import Asked
from services.gateway.domain.headers import Hosts, Lines
from services.gateway.domain.origins import Origins
from services.gateway.domain.refusals import (
    AddressNotAllowed,
    HttpsRequired,
    NotAllowed,
    OriginNotAllowed,
)
from services.gateway.domain.remembering import keep
from services.gateway.domain.table import AccessTable, Entry

MAX_WAYS = 4096
MAX_KEY = 1024
"""Bytes that name a way; longer ones are no ways many go."""
PROBES = frozenset({"/healthz", "/readyz"})
"""Asked by who runs us, from beside us: by address, in the open, and as often as they like."""
HSTS: Lines = b"strict-transport-security: max-age=31536000\r\n"


class Preflight(Exception):
    """A browser asks before it asks: what is told is the answer."""


class Way:
    """The way a request took to its route."""

    __slots__ = ("address", "entry", "told")

    def __init__(self, asked: Asked, entry: Entry) -> None:
        self.entry = entry
        self.address = asked.address
        self.told = asked.told


class Ways:
    """Finds the route that was asked for. What it finds out is written into what was asked."""

    def __init__(
        self,
        *,
        table: AccessTable,
        hosts: Hosts,
        addresses: Addresses,
        origins: Origins,
        networks: Mapping[str, Networks],
        https_only: bool,
    ) -> None:
        self._table = table
        self._hosts = hosts
        self._addresses = addresses
        self._origins = origins
        self._networks = networks
        self._https_only = https_only
        self._found: dict[tuple[bytes | str | None, ...], Way] = {}

    def find(self, asked: Asked) -> Way:
        """The way of a request, which may be known already. Raises AppError; Preflight."""
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
        way = self._found.get(key)
        if way is None:
            way = Way(asked, self.look(asked))
            if sum(len(part) for part in key if part) <= MAX_KEY:
                keep(self._found, key, way, MAX_WAYS)
        return way

    def look(self, asked: Asked) -> Entry:
        """The route that was asked for. Raises AppError; Preflight."""
        asked.told = self._origins.lines(asked.heads.said.get(b"origin"))
        self._check_name(asked)
        entry = asked.entry = self._entry(asked)
        if self._networks:
            self._check_address(asked, entry.level, entry.access.limit)
        return entry

    def check_listener(self, asked: Asked) -> None:
        """Whether somebody may listen who has not said who it is. Raises AppError."""
        self._check_name(asked)
        self._check_address(asked, "guest", "held")

    def _check_name(self, asked: Asked) -> None:
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
