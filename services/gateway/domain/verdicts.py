"""Yes or no, and how clients are told what is left of their allowance."""

import math
from functools import lru_cache
from typing import NamedTuple

from libs.common.clock import utc_now
from libs.common.errors import TooManyRequests
from services.gateway.domain.allowances import Allowance
from services.gateway.domain.headers import Lines, fields


class Verdict(NamedTuple):
    """Whether a request is within its allowance, and what is left of that."""

    is_allowed: bool
    allowance: Allowance
    remaining: int
    reset_seconds: int
    """Until the window ends, rounded up."""
    reset_at: int
    """When it ends, in seconds since 1970."""

    @property
    def name(self) -> str:
        return self.allowance.name

    @property
    def limit(self) -> int:
        return self.allowance.limit


class RateLimited(TooManyRequests):
    """More requests than the allowance; `Retry-After` says when there is a new one."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(
            f"Too many requests. Try again in {verdict.reset_seconds} s.",
            policy=verdict.name,
            limit=verdict.limit,
            reset_seconds=verdict.reset_seconds,
        )
        given = {name.decode(): value.decode() for name, value in fields(limit_lines(verdict))}
        self.headers = given | {"retry-after": str(verdict.reset_seconds)}  # type: ignore[misc]


def limit_lines(verdict: Verdict) -> Lines:
    """What a client is told: as draft-ietf-httpapi-ratelimit-headers says, and as was before it."""
    _, allowance, remaining, seconds, at = verdict
    return _form(allowance) % (remaining, seconds, remaining, at)


@lru_cache
def _form(allowance: Allowance) -> bytes:
    name, limit, seconds = allowance
    return (
        f'ratelimit: "{name}";r=%d;t=%d\r\n'
        f'ratelimit-policy: "{name}";q={limit};w={seconds}\r\n'
        f"x-ratelimit-limit: {limit}\r\n"
        "x-ratelimit-remaining: %d\r\n"
        "x-ratelimit-reset: %d\r\n"
    ).encode("ascii")


def moment(seconds: float) -> int:
    """The moment so far from now, in seconds since 1970."""
    return math.ceil(utc_now().timestamp() + seconds)
