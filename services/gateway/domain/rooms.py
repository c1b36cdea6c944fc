"""Rooms: who hears what. A room is the thing that is watched; only its owner opens the door."""

import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from libs.common.clock import monotonic
from libs.common.errors import Invalid, NotFound, TooManyRequests
from libs.common.principal import Principal

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,49}", re.ASCII)
KIB = 1024


class TooManyRooms(TooManyRequests):
    """One connection watches no more than so many things."""

    code = "TOO_MANY_SUBSCRIPTIONS"


class TooManyConnections(TooManyRequests):
    """One caller holds no more than so many sockets and streams."""

    code = "TOO_MANY_CONNECTIONS"


class Kind(StrEnum):
    """What can be watched."""

    GRIEVANCE = "grievance"
    CONVERSATION = "conversation"
    TASK = "task"
    FILE = "file"


OWNERS = {
    Kind.GRIEVANCE: "grievance",
    Kind.CONVERSATION: "chat",
    Kind.TASK: "tasks",
    Kind.FILE: "files",
}
"""The service that owns each kind."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one client, and all of them together, may hold open."""

    rooms: int = 100
    per_principal: int = 20
    in_all: int = 5_000
    payload: int = 64 * KIB
    """Bytes a client may send at once."""
    backlog: int = 256
    """Pushes that wait for a client before it is cut off."""
    calls: int = 200
    """Calls a socket may make at once; a tenth of that grows back each second."""


@dataclass(frozen=True, slots=True)
class Room:
    """One thing that is watched."""

    kind: Kind
    id: str

    @classmethod
    def of(cls, kind: object, id: object) -> Self:  # noqa: A002
        """The room a client names. Raises Invalid for what names none."""
        if not isinstance(kind, str) or kind not in Kind.__members__.values():
            raise Invalid("There is no such kind.", field="kind", known=sorted(Kind))
        if not isinstance(id, str) or not _ID.fullmatch(id):
            raise Invalid("This is no id.", field="id")
        return cls(Kind(kind), id)

    @classmethod
    def parse(cls, text: str) -> Self:
        """The room of `kind:id`. Raises Invalid."""
        kind, _, name = text.partition(":")
        return cls.of(kind, name)


@dataclass(frozen=True, slots=True)
class Grant:
    """Who listens, and for how long they may: until `ends_at`, in seconds since 1970."""

    principal: Principal
    token: str
    ends_at: float
    session_id: str | None = None


@dataclass(frozen=True, slots=True)
class Push:
    """What clients are told."""

    event: str
    data: dict[str, Any]
    id: str = ""


class Bucket:
    """Lets `burst` calls through at once, and a tenth of that each second."""

    def __init__(self, burst: int) -> None:
        self._burst = burst
        self._left = float(burst)
        self._at = monotonic()

    def take(self) -> bool:
        """Whether one more call may pass."""
        now = monotonic()
        self._left = min(self._burst, self._left + (now - self._at) * self._burst / 10)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class Listener(ABC):
    """Somebody who hears: a socket, or a stream."""

    def __init__(self, grant: Grant) -> None:
        self.grant = grant
        self.rooms: dict[Room, float] = {}
        """What is watched, and when its owner was asked."""

    @abstractmethod
    async def offer(self, push: Push) -> None:
        """Tell it; never waits for the client."""

    @abstractmethod
    async def dismiss(self, push: Push) -> None:
        """Tell it the last thing it hears, and end it."""


class Rooms:
    """Who is here, and who is in which room."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._here: set[Listener] = set()
        self._held: Counter[str] = Counter()
        self._members: dict[Room, dict[Listener, None]] = {}

    def __len__(self) -> int:
        return len(self._here)

    def __iter__(self) -> Iterator[Listener]:
        return iter(tuple(self._here))

    def enter(self, listener: Listener) -> None:
        """Let a listener in. Raises TooManyConnections."""
        who = listener.grant.principal.id
        if self._held[who] >= self._limits.per_principal:
            raise TooManyConnections("You hold too many connections open.")
        self._here.add(listener)
        self._held[who] += 1

    def leave(self, listener: Listener) -> None:
        """Forget a listener; forgetting it again changes nothing."""
        if listener not in self._here:
            return
        self._here.discard(listener)
        who = listener.grant.principal.id
        self._held[who] -= 1
        if not self._held[who]:
            del self._held[who]
        for room in list(listener.rooms):
            self.quit(listener, room)

    def check_space(self, listener: Listener, room: Room) -> None:
        """Raises TooManyRooms when `listener` may watch nothing more."""
        if room not in listener.rooms and len(listener.rooms) >= self._limits.rooms:
            raise TooManyRooms("You watch too many things.")

    def join(self, listener: Listener, room: Room) -> None:
        """Put a listener into a room its owner has opened. Raises NotFound once it has left."""
        if listener not in self._here:
            raise NotFound("The connection has ended.")
        self.check_space(listener, room)
        listener.rooms[room] = monotonic()
        self._members.setdefault(room, {})[listener] = None

    def quit(self, listener: Listener, room: Room) -> bool:
        """Take a listener out of a room; whether it was in it."""
        if listener.rooms.pop(room, None) is None:
            return False
        members = self._members[room]
        del members[listener]
        if not members:
            del self._members[room]
        return True

    def members(self, room: Room) -> tuple[Listener, ...]:
        """Who is in a room."""
        return tuple(self._members.get(room, ()))

    def of(self, principal_id: str, session_id: str | None) -> list[Listener]:
        """The listeners of somebody; with a session, those that are, or may be, of it."""
        return [
            each
            for each in self._here
            if each.grant.principal.id == principal_id
            and (session_id is None or each.grant.session_id in {None, session_id})
        ]
