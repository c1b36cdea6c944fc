"""How Redis is reached: within a deadline, or not at all for a while."""

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

DEADLINE_SECONDS = 0.1
REST_SECONDS = 2.0

AWAY = (RedisError, OSError, TimeoutError, RuntimeError)
"""What says that Redis is away; uvloop calls a write to a closed connection a RuntimeError."""


def connect(url: str) -> Redis:
    """A client that tries a second time, at once: the connection it kept may be an old one."""
    return Redis.from_url(
        url,
        socket_timeout=DEADLINE_SECONDS,
        socket_connect_timeout=DEADLINE_SECONDS,
        retry=Retry(NoBackoff(), 1),
    )
