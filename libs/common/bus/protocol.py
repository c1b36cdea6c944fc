"""The bus as services see it. Two transports, one contract suite (`tests/contract/test_bus.py`)."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from libs.common.errors import Unavailable

DELIVERY_LIMIT = 20
"""Deliveries a message may take before it is parked: what kills its reader must not do so again."""


@dataclass(frozen=True, slots=True)
class Message:
    """Bytes with an address. `restricted` messages travel apart, to queues that asked for them."""

    id: str
    topic: str
    body: bytes
    restricted: bool = False


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message handed to a receiver; `attempt` counts from 1 and survives crashes."""

    message: Message
    attempt: int


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A parked message: why, after how many attempts, and since when."""

    message: Message
    queue: str
    reason: str
    attempts: int
    parked_at: datetime


class Poison(Exception):
    """Raised by a receiver: trying this message again is pointless; park it with this reason.

    The reason is a code or a class name, never text of the message: people read dead letters.
    """


class BusDown(Unavailable):
    """The bus took nothing: it is away, blocked, or did not confirm in time."""

    code = "BUS_UNAVAILABLE"


Receiver = Callable[[Delivery], Awaitable[None]]
Listener = Callable[[Message], Awaitable[None]]


class Subscription(Protocol):
    """A running consumer."""

    async def cancel(self) -> None:
        """Take no more; wait for receivers at work; what was not acknowledged is redelivered."""
        ...


class Bus(Protocol):
    """Durable delivery at least once to each queue, plus one lossy broadcast."""

    async def start(self) -> None:
        """Connect, or begin trying to: a bus that is away is no reason not to start."""
        ...

    async def close(self) -> None:
        """Cancel every subscription and let go of the connection."""
        ...

    async def declare(self, queue: str, topics: Sequence[str], *, restricted: bool) -> None:
        """Make `queue` durable and bound to exactly `topics`; `restricted` ones too if asked.

        A topic may be `#`: every topic. Declaring again with other topics rebinds.
        """
        ...

    async def publish(self, messages: Sequence[Message]) -> int:
        """Hand over `messages` in order; answer how many from the front are safe on disk.

        Raises BusDown when none are. Each message reaches every queue bound to its topic, or all
        the queues that exist: none bound is not an error.
        """
        ...

    async def consume(self, queue: str, receiver: Receiver, *, prefetch: int) -> Subscription:
        """Deliver `queue` to `receiver`, at most `prefetch` at a time, each until it returns.

        A return acknowledges; Poison parks; any other exception redelivers, and parks after
        DELIVERY_LIMIT attempts with the exception's class name as reason.
        """
        ...

    async def broadcast(self, listener: Listener) -> Subscription:
        """Give `listener` a copy of every unrestricted message from now on: the lossy primitive.

        Nothing is kept for a listener that is away, slow or failing.
        """
        ...

    async def depth(self, queue: str) -> int:
        """Messages that wait in `queue` or are with a receiver."""
        ...

    async def dead(self, queue: str, *, limit: int = 100) -> list[DeadLetter]:
        """The oldest parked messages of `queue`."""
        ...

    async def redrive(self, queue: str, ids: Sequence[str] | None = None) -> int:
        """Put parked messages (all, or those `ids`) back at the end of `queue`; answer how many."""
        ...

    async def ping(self) -> None:
        """Answer if messages could be published now; raise BusDown if not."""
        ...
