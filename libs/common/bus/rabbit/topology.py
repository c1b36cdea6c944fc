"""Exchanges, queues and bindings, and the names they have in the broker."""

from collections.abc import Sequence
from dataclasses import dataclass

from aio_pika import ExchangeType
from aio_pika.abc import AbstractChannel

UNLIMITED = 2**31 - 1
"""4.0 and later give every quorum queue a limit of its own; -1 is not understood before."""


@dataclass(frozen=True, slots=True)
class _Binding:
    topics: frozenset[str]
    restricted: bool


class Topology:
    """What was declared through this bus, so that it can be declared again."""

    def __init__(self, prefix: str, limit: int) -> None:
        self.prefix = prefix
        self.events = f"{prefix}.events"
        self.restricted = f"{prefix}.restricted"
        self.dead = f"{prefix}.dead"
        self._limit = limit
        self._bindings: dict[str, _Binding] = {}

    def queue(self, name: str) -> str:
        """Where messages for `name` wait."""
        return f"{self.prefix}.{name}"

    def dead_queue(self, name: str) -> str:
        """Where messages `name` could not handle are kept."""
        return f"{self.prefix}.{name}.dead"

    async def declare(
        self, channel: AbstractChannel, name: str, topics: Sequence[str], *, restricted: bool
    ) -> None:
        """Make queue `name` exist, bound to `topics`.

        AMQP cannot list bindings: only those this bus made itself are taken away again, and `#`.
        One made by an earlier process stays until an operator removes it. In a rolling deployment
        that is what keeps two versions from unbinding each other's topics.
        """
        await self._exchanges(channel)
        before = self._bindings.get(name, _Binding(frozenset(), restricted=False))
        wanted = _Binding(frozenset(topics), restricted=restricted)
        await self._queues(channel, name)
        for topic in sorted(wanted.topics):
            await self._bind(channel, name, topic, restricted=restricted)
        for topic in sorted((before.topics | {"#"}) - wanted.topics):
            await self._unbind(channel, name, topic)
        self._bindings[name] = wanted

    async def restore(self, channel: AbstractChannel, name: str | None = None) -> None:
        """Declare again what was declared: a broker may have lost it."""
        await self._exchanges(channel)
        for queue, binding in list(self._bindings.items()):
            if name is None or name == queue:
                await self.declare(
                    channel, queue, sorted(binding.topics), restricted=binding.restricted
                )

    async def _exchanges(self, channel: AbstractChannel) -> None:
        for exchange in (self.events, self.restricted):
            await channel.declare_exchange(exchange, ExchangeType.TOPIC, durable=True)
        await channel.declare_exchange(self.dead, ExchangeType.DIRECT, durable=True)

    async def _queues(self, channel: AbstractChannel, name: str) -> None:
        parked = await channel.declare_queue(
            self.dead_queue(name),
            durable=True,
            arguments={"x-queue-type": "quorum", "x-delivery-limit": UNLIMITED},
        )
        await parked.bind(self.dead, self.queue(name))
        # Without a place for dead letters, or with the default strategy, the broker would throw
        # away what was delivered too often.
        await channel.declare_queue(
            self.queue(name),
            durable=True,
            arguments={
                "x-queue-type": "quorum",
                "x-delivery-limit": self._limit,
                "x-dead-letter-exchange": self.dead,
                "x-dead-letter-routing-key": self.queue(name),
                "x-dead-letter-strategy": "at-least-once",
                "x-overflow": "reject-publish",
            },
        )

    async def _bind(
        self, channel: AbstractChannel, name: str, topic: str, *, restricted: bool
    ) -> None:
        queue = await channel.get_queue(self.queue(name), ensure=False)
        await queue.bind(self.events, topic)
        if restricted:
            await queue.bind(self.restricted, topic)
        else:
            await queue.unbind(self.restricted, topic)

    async def _unbind(self, channel: AbstractChannel, name: str, topic: str) -> None:
        queue = await channel.get_queue(self.queue(name), ensure=False)
        await queue.unbind(self.events, topic)
        await queue.unbind(self.restricted, topic)
