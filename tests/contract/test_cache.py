"""Short-lived values and counts: in one process, in Redis, and while Redis is away (S3-06)."""

import os
import time
from collections.abc import AsyncIterator, Iterator

import pytest

from libs.common.cache import Cache, MemoryCache, RedisCache, open_cache, values
from libs.common.testing.private import ServerMissing
from libs.common.testing.servers import PrivateRedis
from libs.common.testing.stage import unique, until


class CacheContract:
    async def test_a_value_is_kept_until_it_is_dropped(self, cache: Cache) -> None:
        await cache.put("a", b"1", seconds=60)
        await cache.put("b", b"2", seconds=60)
        await cache.put("a", b"3", seconds=60)
        assert (await cache.get("a"), await cache.get("b")) == (b"3", b"2")

        await cache.drop("a")
        assert (await cache.get("a"), await cache.get("b")) == (None, b"2")

    async def test_a_value_has_an_end(self, cache: Cache) -> None:
        await cache.put("a", b"1", seconds=0.05)
        await cache.put("b", b"2", seconds=60)

        async def is_gone() -> bool:
            return await cache.get("a") is None

        await until(is_gone)
        assert (await cache.get("a"), await cache.get("b")) == (None, b"2")

    async def test_counts_begin_again_with_each_window(self, cache: Cache) -> None:
        assert [await cache.count("a", seconds=60) for _ in range(3)] == [1, 2, 3]
        assert await cache.count("b", seconds=1) == 1

        async def is_new() -> bool:
            return await cache.count("b", seconds=1) == 1

        await until(is_new)
        await cache.drop("a")
        assert await cache.count("a", seconds=60) == 1

    async def test_it_answers(self, cache: Cache) -> None:
        assert await cache.ping()


class TestMemoryCache(CacheContract):
    @pytest.fixture
    def cache(self) -> Cache:
        return open_cache(None, prefix="")

    async def test_memory_has_an_end(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(values, "MAX_ENTRIES", 2)
        cache = MemoryCache()
        for key in "abc":
            await cache.put(key, b"1", seconds=60)
            await cache.count(key, seconds=60)

        assert [await cache.get(key) for key in "abc"] == [None, b"1", b"1"]
        assert [await cache.count(key, seconds=60) for key in "ca"] == [2, 1]


def _no_redis(reason: str) -> None:
    if os.environ.get("CI_REQUIRE_REAL") == "1":
        pytest.fail(f"CI_REQUIRE_REAL=1, and {reason}")
    pytest.skip(reason)


@pytest.mark.redis
class TestRedisCache(CacheContract):
    @pytest.fixture
    async def cache(self) -> AsyncIterator[Cache]:
        url = os.environ.get("TEST_REDIS_URL")
        if not url:
            _no_redis("TEST_REDIS_URL names no Redis.")
        cache = open_cache(url, prefix=f"{unique('test')}:")
        assert isinstance(cache, RedisCache)
        yield cache
        await cache.close()


@pytest.mark.redis
class TestRedisCacheWithoutRedis(CacheContract):
    """Reliability row 15: what is asked of a Redis that is away is answered here."""

    @pytest.fixture
    def redis(self) -> Iterator[PrivateRedis]:
        if not os.environ.get("TEST_REDIS_URL"):
            _no_redis("TEST_REDIS_URL names no Redis.")
        try:
            with PrivateRedis() as server:
                yield server
        except ServerMissing as missing:
            _no_redis(str(missing))

    @pytest.fixture(params=["kill", "freeze"])
    async def cache(
        self, redis: PrivateRedis, request: pytest.FixtureRequest
    ) -> AsyncIterator[Cache]:
        cache = open_cache(redis.url, prefix="")
        assert await cache.ping()
        getattr(redis, request.param)()
        yield cache
        await cache.close()

    async def test_it_answers(self, cache: Cache) -> None:
        assert not await cache.ping()

    async def test_one_deadline_is_waited_and_nothing_after(self, cache: Cache) -> None:
        await cache.get("first")
        started = time.monotonic()
        for _ in range(1000):
            await cache.count("a", seconds=60)

        assert time.monotonic() - started < 1

    async def test_it_is_used_again_when_it_is_back(self, redis: PrivateRedis) -> None:
        """Its old connections are not its fault: the second try is on a new one."""
        cache, other = (open_cache(redis.url, prefix="") for _ in range(2))
        await cache.put("a", b"1", seconds=60)
        redis.restart()
        await cache.put("a", b"2", seconds=60)

        assert await other.get("a") == b"2"
        for each in (cache, other):
            await each.close()
