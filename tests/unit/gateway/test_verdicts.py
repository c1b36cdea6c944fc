"""S4-05a: X-RateLimit-*, and the headers of draft-ietf-httpapi-ratelimit-headers."""

from libs.common.errors import AppError
from services.gateway.domain.allowances import Allowance
from services.gateway.domain.headers import fields
from services.gateway.domain.verdicts import RateLimited, Verdict, limit_lines

TEN = Allowance("ten", 10)


def test_an_admitted_request_is_told_what_remains() -> None:
    told = limit_lines(Verdict(True, TEN, 8, 55, 1_700_000_061))

    assert fields(told) == [
        (b"ratelimit", b'"ten";r=8;t=55'),
        (b"ratelimit-policy", b'"ten";q=10;w=60'),
        (b"x-ratelimit-limit", b"10"),
        (b"x-ratelimit-remaining", b"8"),
        (b"x-ratelimit-reset", b"1700000061"),
    ]


def test_a_refused_one_is_told_when_to_come_back() -> None:
    error = RateLimited(Verdict(False, TEN, 0, 1, 1_700_000_061))

    assert isinstance(error, AppError)
    assert (error.status, error.code) == (429, "RATE_LIMITED")
    assert error.headers["retry-after"] == "1"
    assert error.headers["ratelimit"] == '"ten";r=0;t=1'
    assert error.details == {"policy": "ten", "limit": 10, "reset_seconds": 1}
