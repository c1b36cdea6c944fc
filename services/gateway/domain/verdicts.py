"""Yes or no, and how clients are told what is left of their allowance."""

import math
from dataclasses import dataclass
from functools import lru_cache

from libs.common.clock import utc_now
from libs.common.errors import TooManyRequests
from services.gateway.domain.allowances import Allowance
from services.gateway.domain.headers import Header


@dataclass(slots=True)
class Verdict:
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
        given = limit_headers(verdict)
        self.headers = {  # type: ignore[misc]
            name.decode("ascii"): value.decode("ascii") for name, value in given
        }


def limit_headers(verdict: Verdict) -> list[Header]:
    """What a client is told: as draft-ietf-httpapi-ratelimit-headers says, and as was before it."""
    name, policy, limit = _constant(verdict.allowance)
    headers = [
        (b"ratelimit", b"%s;r=%d;t=%d" % (name, verdict.remaining, verdict.reset_seconds)),
        policy,
        limit,
        (b"x-ratelimit-remaining", b"%d" % verdict.remaining),
        (b"x-ratelimit-reset", b"%d" % verdict.reset_at),
    ]
    if not verdict.is_allowed:
        headers.append((b"retry-after", b"%d" % verdict.reset_seconds))
    return headers


@lru_cache
def _constant(allowance: Allowance) -> tuple[bytes, Header, Header]:
    name = f'"{allowance.name}"'.encode("ascii")
    policy = b"%s;q=%d;w=%d" % (name, allowance.limit, allowance.seconds)
    limit = b"%d" % allowance.limit
    return name, (b"ratelimit-policy", policy), (b"x-ratelimit-limit", limit)


def moment(seconds: float) -> int:
    """The moment so far from now, in seconds since 1970."""
    return math.ceil(utc_now().timestamp() + seconds)
