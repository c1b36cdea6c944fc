"""Values with an end, and counts of one process or of all.

In process by default, in Redis when there are replicas. A Redis that is away or slow is not waited
for: values are missed, and limits are counted locally until it is back.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from libs.common.cache.link import AWAY, DEADLINE_SECONDS, REST_SECONDS, connect
from libs.common.clock import monotonic
from libs.common.logging import get_logger

log = get_logger(__name__)

T = TypeVar("T")
MAX_ENTRIES = 50_000


class Cache(Protocol):
    """Values with an end, and counters of a window."""

    async def get(self, key: str) -> bytes | None:
        """The value of `key`, or None when there is none any more."""
        ...

    async def put(self, key: str, value: bytes, *, seconds: float) -> None:
        """Keep `value` for at most `seconds`."""
        ...

    async def drop(self, key: str) -> None:
        """Forget `key`."""
        ...

    async def count(self, key: str, *, seconds: int) -> int:
        """Count one more of `key`; answer how many since its window of `seconds` began."""
        ...

    async def ping(self) -> bool:
        """Whether the cache everybody shares answers."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


class MemoryCache:
    """The cache of a single process; the least recently written entries go first."""

    def __init__(self) -> None:
        self._values: OrderedDict[str, tuple[float, bytes]] = OrderedDict()
        self._counts: OrderedDict[str, tuple[float, int]] = OrderedDict()

    async def get(self, key: str) -> bytes | None:
        until, value = self._values.get(key, (0.0, b""))
        return value if until > monotonic() else None

    async def put(self, key: str, value: bytes, *, seconds: float) -> None:
        self._values[key] = (monotonic() + seconds, value)
        self._values.move_to_end(key)
        if len(self._values) > MAX_ENTRIES:
            self._values.popitem(last=False)

    async def drop(self, key: str) -> None:
        self._values.pop(key, None)
        self._counts.pop(key, None)

    async def count(self, key: str, *, seconds: int) -> int:
        until, count = self._counts.get(key, (0.0, 0))
        if until <= monotonic():
            until, count = monotonic() + seconds, 0
        self._counts[key] = (until, count + 1)
        self._counts.move_to_end(key)
        if len(self._counts) > MAX_ENTRIES:
            self._counts.popitem(last=False)
        return count + 1

    async def ping(self) -> bool:
        return True

    async def close(self) -> None:
        return None


class RedisCache:
    """The cache replicas share; falls back to this process's own for as long as Redis is away."""

    def __init__(self, url: str, *, prefix: str) -> None:
        self._redis = connect(url)
        self._prefix = prefix
        self._local = MemoryCache()
        self._resting_until = float("-inf")

    async def get(self, key: str) -> bytes | None:
        async def ask() -> bytes | None:
            value = await self._redis.get(self._prefix + key)
            return value.encode() if isinstance(value, str) else value

        return await self._try(ask, lambda: self._local.get(key))

    async def put(self, key: str, value: bytes, *, seconds: float) -> None:
        async def ask() -> None:
            await self._redis.set(self._prefix + key, value, px=max(1, int(seconds * 1000)))

        await self._try(ask, lambda: self._local.put(key, value, seconds=seconds))

    async def drop(self, key: str) -> None:
        async def ask() -> None:
            await self._redis.delete(self._prefix + key)

        await self._local.drop(key)
        await self._try(ask, lambda: self._local.drop(key))

    async def count(self, key: str, *, seconds: int) -> int:
        async def ask() -> int:
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.set(self._prefix + key, 0, ex=seconds, nx=True)
                pipe.incr(self._prefix + key)
                answers = await pipe.execute()
            return int(answers[1])

        return await self._try(ask, lambda: self._local.count(key, seconds=seconds))

    async def ping(self) -> bool:
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                return bool(await self._redis.ping())
        except AWAY:
            return False

    async def close(self) -> None:
        await self._redis.aclose()

    async def _try(
        self, ask: Callable[[], Awaitable[T]], otherwise: Callable[[], Awaitable[T]]
    ) -> T:
        if monotonic() < self._resting_until:
            return await otherwise()
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                return await ask()
        except AWAY:
            self._resting_until = monotonic() + REST_SECONDS
            log.warning("cache.away", seconds=REST_SECONDS)
            return await otherwise()


def open_cache(url: str | None, *, prefix: str) -> Cache:
    """The cache at `url`, or this process's own."""
    return RedisCache(url, prefix=prefix) if url else MemoryCache()
