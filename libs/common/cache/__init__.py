"""What may be forgotten: short-lived values and counters. Losing all of it loses nothing."""

from libs.common.cache.counters import (
    Counters,
    Lease,
    LocalCounters,
    Question,
    RedisCounters,
    open_counters,
)
from libs.common.cache.link import DEADLINE_SECONDS, REST_SECONDS
from libs.common.cache.values import (
    Cache,
    MemoryCache,
    RedisCache,
    open_cache,
)

__all__ = [
    "DEADLINE_SECONDS",
    "REST_SECONDS",
    "Cache",
    "Counters",
    "Lease",
    "LocalCounters",
    "MemoryCache",
    "Question",
    "RedisCache",
    "RedisCounters",
    "open_cache",
    "open_counters",
]
