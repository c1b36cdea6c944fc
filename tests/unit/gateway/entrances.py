"""An entrance with nobody behind it, and what becomes of a request there."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from libs.common.cache import LocalCounters
from libs.common.errors import AppError
from libs.common.permissions import API_SCOPES, Permission
from libs.common.principal import Principal, Role
from libs.common.tokens import PublicKeys, Signer, Verifier
from libs.common.web.auth import Access, may
from services.gateway.clients import KeyToken, UsersClient
from services.gateway.domain.addresses import Addresses, Networks
from services.gateway.domain.allowances import Limits
from services.gateway.domain.asking import Asked
from services.gateway.domain.callers import Callers
from services.gateway.domain.entrance import Entrance
from services.gateway.domain.exchanging import KeyExchange
from services.gateway.domain.headers import Hosts, Lines
from services.gateway.domain.limiting import Limiter
from services.gateway.domain.origins import Origins
from services.gateway.domain.table import AccessTable, Entry
from services.gateway.domain.ways import Preflight, Ways

PROXY, HOME, OFFICE = "192.0.2.1", "203.0.113.5", "198.51.100.7"
"""A proxy of ours; a client; a client in the network that officers have to be in."""
API_KEY = "rdr_live_0123abcd_" + "k" * 30
LEFT = re.compile(rb"(r=|t=|remaining: |reset: )[0-9]+")


def _routes(methods: str, template: str, access: Access) -> Entry:
    return Entry("grievance", template, frozenset(methods.split()), access)


TABLE = AccessTable(
    [
        _routes("GET POST", "/open", may(Permission.PUBLIC)),
        _routes("POST", "/hook", may(Permission.PUBLIC, limit="webhook")),
        _routes("GET POST", "/things", may(Permission.CASE_READ, body=2000)),
        _routes("GET DELETE", "/things/{thing_id}", may(Permission.CASE_READ)),
        _routes("GET", "/report", may(Permission.CASE_READ, limit="export")),
        _routes("GET POST", "/mine", may(Permission.SELF_EXPORT)),
        _routes("PUT GET", "/desk", may(Permission.NOTE_READ)),
        _routes("PUT GET", "/rules", may(Permission.TASK_LIST)),
        _routes("GET", "/sealed", may(Permission.USER_REVEAL)),
        _routes("GET", "/readyz", may(Permission.PUBLIC)),
    ]
)


@dataclass(frozen=True)
class Request:
    """What somebody asks."""

    method: str = "GET"
    target: bytes = b"/things"
    peer: str = HOME
    headers: tuple[tuple[bytes, bytes], ...] = ()
    host: bytes | None = b"door.test"
    token: str | None = None

    def asked(self) -> Asked:
        """As the door has it."""
        given = [*self.headers]
        if self.host is not None:
            given.append((b"host", self.host))
        if self.token is not None:
            given.append((b"authorization", b"Bearer " + self.token.encode()))
        asked = Asked(self.method, self.peer)
        asked.read(self.target, given)
        return asked


@dataclass(frozen=True)
class Outcome:
    """What became of it. How much is left of an allowance is nobody's business here."""

    refusal: object
    told: Lines
    entry: Entry | None
    principal: Principal | None
    token: bytes | None
    address: str


@dataclass
class House:
    """Builds entrances that know the same keys and routes."""

    keys: Path
    limits: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    networks: Mapping[str, Sequence[str]] = field(default_factory=dict)
    https_only: bool = False

    def __post_init__(self) -> None:
        self.signer = Signer.at("users", self.keys)
        self._public = PublicKeys(self.keys)
        self._key_token = self.signer.sign("client:1", Role.API_CLIENT, scopes=API_SCOPES)

    def entrance(self) -> Entrance:
        """One that remembers nothing yet."""
        ways = Ways(
            table=TABLE,
            hosts=Hosts(["door.test", "other.test"]),
            addresses=Addresses((f"{PROXY}/32",)),
            origins=Origins(["https://page.test"]),
            networks={name: Networks(each) for name, each in self.networks.items()},
            https_only=self.https_only,
        )
        verifier = Verifier(self._public, "gateway")
        return Entrance(
            ways=ways,
            callers=Callers(verifier, KeyExchange(cast("UsersClient", self))),
            limits=Limits(self.limits),
            limiter=Limiter(LocalCounters()),
        )

    async def exchange(self, api_key: str) -> KeyToken | None:
        """What users says of a key: there is one, for the office."""
        if api_key != API_KEY:
            return None
        return KeyToken(
            access_token=self._key_token,
            expires_in=600,
            key_id="k-1",
            allowed_addresses=(f"{OFFICE}/32",),
        )


async def ask(entrance: Entrance, request: Request) -> Outcome:
    """Ask as the door does: the short way, then the other one."""
    asked = request.asked()
    try:
        terms = entrance.agree(asked)
        if terms is None or not entrance.settle(asked, terms):
            await entrance.admit(asked)
    except (AppError, Preflight) as error:
        return _outcome(asked, error)
    return _outcome(asked)


async def ask_afresh(entrance: Entrance, request: Request) -> Outcome:
    """Ask the way that looks everything up."""
    asked = request.asked()
    try:
        await entrance.admit(asked)
    except (AppError, Preflight) as error:
        return _outcome(asked, error)
    return _outcome(asked)


def _outcome(asked: Asked, error: Exception | None = None) -> Outcome:
    refusal: object = type(error)
    if isinstance(error, AppError):
        refusal = (error.code, error.message, str(error.details), str(error.headers))
    told = LEFT.sub(rb"\1-", asked.told)
    return Outcome(refusal, told, asked.entry, asked.principal, asked.token, asked.address)
