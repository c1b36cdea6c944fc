"""Allowances replicas share: each leases a part of what is left, and spends it by itself.

A window begins with the first question about its key, and nothing is given back before it ends.
Nobody waits for a Redis known to be away: a beat finds out when it is back.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple, Protocol

from libs.common.cache.link import AWAY, DEADLINE_SECONDS, REST_SECONDS, connect
from libs.common.clock import monotonic
from libs.common.ids import new_id
from libs.common.logging import get_logger

log = get_logger(__name__)

ALIVE_SECONDS = 3 * REST_SECONDS
"""A replica that has not said so for three beats is not alive."""
AT_ONCE = 200
"""Keys asked about in one go: Redis does nothing else meanwhile."""

ANNOUNCE = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('SET', KEYS[1], ARGV[1], 'NX')
redis.call('ZADD', KEYS[2], now, ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - ARGV[3])
return {redis.call('GET', KEYS[1]), redis.call('ZCARD', KEYS[2])}
"""
"""Whoever comes first names the memory; another name later is another memory, an empty one."""

LEASE = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return false end
local answers = {}
for each = 0, #KEYS - 2 do
  local key = KEYS[each + 2]
  local limit, window, want, owed, rest = unpack(ARGV, each * 5 + 2, each * 5 + 6)
  local used = tonumber(redis.call('GET', key) or 0) + owed
  local granted = math.max(0, math.min(want, limit - used))
  redis.call('INCRBY', key, owed + granted)
  local ends = redis.call('PTTL', key)
  if ends < 0 then
    ends = tonumber(rest) > 0 and tonumber(rest) or tonumber(window)
    redis.call('PEXPIRE', key, ends)
  end
  answers[#answers + 1] = granted
  answers[#answers + 1] = math.max(0, limit - used - granted)
  answers[#answers + 1] = ends
end
return answers
"""


class Question(NamedTuple):
    """How much of a key's allowance a replica would like to have for itself."""

    key: str
    limit: int
    seconds: int
    want: int
    owed: int = 0
    """What was given out while nobody could be asked."""
    rest: float = 0.0
    """Seconds until the window of that ends, in case the others know of none."""


class Lease(NamedTuple):
    """What a replica was given, and what is left for all after that."""

    granted: int
    free: int
    seconds: float
    """Until the window ends, and the lease with it."""


class Counters(Protocol):
    """Where replicas ask. While it is away, each counts a share by itself."""

    is_away: bool
    replicas: int
    """How many shared it when it was last seen."""

    async def lease(self, questions: Sequence[Question]) -> list[Lease] | None:
        """An answer for each question; None when there is nobody to ask. Never raises."""
        ...

    async def start(self) -> None:
        """Be counted as a replica."""
        ...

    async def close(self) -> None:
        """Be one no more."""
        ...


class LocalCounters:
    """For a process on its own: there is nobody to ask, and its share is everything."""

    is_away = True
    replicas = 1

    async def lease(self, questions: Sequence[Question]) -> list[Lease] | None:  # noqa: ARG002
        return None

    async def start(self) -> None:
        return None

    async def close(self) -> None:
        return None


class RedisCounters:
    """Counters in Redis.

    A Redis that lost its memory is taken for one that is away until every window it forgot has
    ended: what the replicas gave out before is not given out again.
    """

    def __init__(self, url: str, *, prefix: str) -> None:
        self.is_away = True
        self.replicas = 1
        self._redis = connect(url)
        self._announce = self._redis.register_script(ANNOUNCE)
        self._lease = self._redis.register_script(LEASE)
        self._prefix = prefix
        self._memory_key = f"{prefix}counters:memory"
        self._replicas_key = f"{prefix}counters:replicas"
        self._id = new_id()
        self._memory = b""
        self._last_count = 1
        self._longest = 0
        self._trusted_from = float("-inf")
        self._beating: asyncio.Task[None] | None = None

    async def start(self) -> None:
        await self._beat()
        self._beating = asyncio.create_task(self._keep_beating())

    async def close(self) -> None:
        if self._beating:
            self._beating.cancel()
            with suppress(asyncio.CancelledError):
                await self._beating
        with suppress(*AWAY):
            async with asyncio.timeout(DEADLINE_SECONDS):
                await self._redis.zrem(self._replicas_key, self._id)
        self.is_away = True
        await self._redis.aclose()

    async def lease(self, questions: Sequence[Question]) -> list[Lease] | None:
        if self.is_away:
            return None
        leases: list[Lease] = []
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                for start in range(0, len(questions), AT_ONCE):
                    part = await self._ask(questions[start : start + AT_ONCE])
                    if part is None:
                        self._forgotten()
                        return None
                    leases += part
        except AWAY:
            self._gone()
            return None
        return leases

    async def _ask(self, questions: Sequence[Question]) -> list[Lease] | None:
        keys = [self._memory_key]
        arguments: list[bytes | int] = [self._memory]
        for key, limit, seconds, want, owed, rest in questions:
            keys.append(self._prefix + key)
            arguments += limit, seconds * 1000, want, owed, int(rest * 1000)
            self._longest = max(self._longest, seconds)
        answers = await self._lease(keys=keys, args=arguments)
        if answers is None:
            return None
        numbers = iter(answers)
        return [
            Lease(granted, free, ends / 1000)
            for granted, free, ends in zip(numbers, numbers, numbers, strict=True)
        ]

    async def _keep_beating(self) -> None:
        while True:
            await asyncio.sleep(REST_SECONDS)
            await self._beat()

    async def _beat(self) -> None:
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                memory, count = await self._announce(
                    keys=[self._memory_key, self._replicas_key],
                    args=[new_id(), self._id, int(ALIVE_SECONDS * 1000)],
                )
        except AWAY:
            self._gone()
            return
        if self._memory not in {memory, b""}:
            self._forgotten()
        self._memory = memory
        # After a pause not everybody has said yet that it is alive.
        self.replicas, self._last_count = max(count, self._last_count), count
        was_away, self.is_away = self.is_away, monotonic() < self._trusted_from
        if was_away and not self.is_away:
            log.info("counters.shared", count=self.replicas)

    def _gone(self) -> None:
        if not self.is_away:
            log.warning("counters.away", seconds=REST_SECONDS)
        self.is_away = True

    def _forgotten(self) -> None:
        log.warning("counters.forgotten", seconds=self._longest)
        self.is_away = True
        self._memory = b""
        self._trusted_from = monotonic() + self._longest


def open_counters(url: str | None, *, prefix: str) -> Counters:
    """The counters in Redis at `url`, or this process's own."""
    return RedisCounters(url, prefix=prefix) if url else LocalCounters()
