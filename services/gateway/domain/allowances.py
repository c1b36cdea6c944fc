"""Who pays for a request, how much, and what they may spend in a minute: a table and a lookup."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from libs.common.principal import Level, Principal, Role
from services.gateway.domain.addresses import neighbourhood

CLASSES: dict[str, tuple[str, int]] = {
    "default": ("default", 1),
    "filing": ("default", 1),
    "list": ("default", 1),
    "upload": ("upload", 1),
    "export": ("default", 5),
    "poll": ("poll", 1),
    "held": ("poll", 1),
    "login": ("login", 1),
    "webhook": ("webhook", 1),
}
"""What a route declares: which allowance it spends, and how much of it."""

NUMBERS: dict[str, dict[str, int]] = {
    "default": {
        "anonymous": 60, "guest": 10, "user": 60, "key": 600, "staff": 300, "admin": 300,
    },
    "upload": {
        "anonymous": 60, "guest": 20, "user": 60, "key": 600, "staff": 300, "admin": 300,
    },
    "poll": {
        "anonymous": 60, "guest": 60, "user": 120, "key": 600, "staff": 600, "admin": 600,
    },
    "login": {"anonymous": 60},
    "webhook": {"anonymous": 6000, "key": 6000},
    "address": {"anyone": 1200},
}  # fmt: skip
"""Requests a minute, by allowance and kind of caller. Settings may change every one of them."""

_KINDS = {
    Level.ANYONE: "user",  # our own programs, should one ever call this door
    Level.GUEST: "guest",
    Level.IDENTIFIED: "user",
    Level.AUTHENTICATED: "user",
    Level.STAFF: "staff",
    Level.ADMIN: "admin",
}


class Allowance(NamedTuple):
    """What a caller may do."""

    name: str
    limit: int
    seconds: int = 60


@dataclass(slots=True, eq=False)
class Window:
    """A minute of one key, as this replica knows it."""

    until: float
    reset_at: int
    left: int = 0
    """Leased and not spent."""
    free: int = 0
    """What nobody had leased when the counters were last asked."""
    room: int = 0
    """What of that this replica may still hope for."""
    own: int = 0
    """All it was given."""
    owed: int = 0
    """What it took of that without asking."""


NO_WINDOW = Window(0.0, 0)


@dataclass(slots=True)
class Charge:
    """What a request costs one of those who pay for it."""

    allowance: Allowance
    key: str
    cost: int = 1
    window: Window = field(default=NO_WINDOW, compare=False, repr=False)
    """What it was paid from last."""


class Limits:
    """The table, with the changes of this installation. Raises ValueError for what is not in it."""

    def __init__(
        self, changes: Mapping[str, Mapping[str, int]] | None = None, *, is_on: bool = True
    ) -> None:
        self._is_on = is_on
        numbers = {bucket: dict(kinds) for bucket, kinds in NUMBERS.items()}
        for bucket, kinds in (changes or {}).items():
            for kind, number in kinds.items():
                if kind not in numbers.get(bucket, {}):
                    raise ValueError(f"There is no limit {bucket}.{kind} to change.")
                if number < 1:
                    raise ValueError(f"The limit {bucket}.{kind} is {number}: one is the least.")
                numbers[bucket][kind] = number
        self._allowances = {
            bucket: {kind: Allowance(bucket, number) for kind, number in kinds.items()}
            for bucket, kinds in numbers.items()
        }
        self._anybody_there = self._allowances["address"]["anyone"]

    def charges(
        self, limit_class: str, caller: Principal | None, address: str, template: str
    ) -> tuple[Charge, ...]:
        """Who pays for a request to the route `template`; nobody where limits are off.

        Who is not known is counted by address; everybody's address is counted as well, but for
        webhooks: their senders share addresses with other people's.
        """
        if not self._is_on:
            return ()
        bucket, cost = CLASSES[limit_class]
        allowances = self._allowances[bucket]
        if bucket == "webhook":
            if caller is not None and caller.role is Role.API_CLIENT:
                return (Charge(allowances["key"], caller.id, cost),)
            return (Charge(allowances["anonymous"], template, cost),)
        place = _place(address)
        if caller is None or bucket == "login":
            first = Charge(allowances["anonymous"], place, cost)
        else:
            first = Charge(allowances[_kind(caller.role)], caller.id, cost)
        return (first, Charge(self._anybody_there, place))


@lru_cache
def _kind(role: Role) -> str:
    return "key" if role is Role.API_CLIENT else _KINDS[role.level]


@lru_cache(maxsize=16_384)
def _place(address: str) -> str:
    """The key of an address; no principal is called so."""
    return f"address:{neighbourhood(address)}"
