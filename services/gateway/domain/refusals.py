"""How the gateway itself says no."""

from http import HTTPStatus
from typing import ClassVar

from libs.common.errors import AppError, BadRequest, Unauthenticated, Unavailable
from libs.common.web.errors import MethodNotAllowed


class UriTooLong(AppError):
    """A target longer than any of ours."""

    status = HTTPStatus.REQUEST_URI_TOO_LONG
    code = "URI_TOO_LONG"


class HeadersTooLarge(AppError):
    """More, or longer, headers than any client of ours sends."""

    status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
    code = "HEADERS_TOO_LARGE"


class InvalidHost(BadRequest):
    """The Host header is missing, malformed, said twice, or names somebody else."""

    code = "INVALID_HOST"


class NotAllowed(MethodNotAllowed):
    """Says which methods are, as RFC 9110 asks."""

    def __init__(self, methods: frozenset[str]) -> None:
        super().__init__("This method is not allowed here.")
        with_head = methods | {"HEAD"} if "GET" in methods else methods
        self.headers = {"Allow": ", ".join(sorted(with_head))}  # type: ignore[misc]


class RequestTimeout(AppError):
    """The body that was promised did not come."""

    status = HTTPStatus.REQUEST_TIMEOUT
    code = "REQUEST_TIMEOUT"
    headers: ClassVar[dict[str, str]] = {"Connection": "close"}


class UpstreamUnavailable(Unavailable):
    """The service behind this path is away. Trying later may help."""

    code = "UPSTREAM_UNAVAILABLE"

    def __init__(
        self,
        message: str = "This part of the system is away for the moment.",
        *,
        retry_after: int | None = None,
        **details: object,
    ) -> None:
        super().__init__(message, **details)
        if retry_after is not None:
            self.headers = {"Retry-After": str(retry_after)}  # type: ignore[misc]


class InvalidApiKey(Unauthenticated):
    """The key is malformed, unknown or revoked; which of them is not said."""

    code = "INVALID_API_KEY"


class Leaving(Unavailable):
    """This door closes; another one, or a later one, answers."""

    code = "GATEWAY_LEAVING"


class HttpsRequired(AppError):
    """Nothing is said here that others on the way could read."""

    status = HTTPStatus.FORBIDDEN
    code = "HTTPS_REQUIRED"


class AddressNotAllowed(AppError):
    """This part is open to certain networks only."""

    status = HTTPStatus.FORBIDDEN
    code = "ADDRESS_NOT_ALLOWED"


class OriginNotAllowed(AppError):
    """Pages of that origin may not ask here."""

    status = HTTPStatus.FORBIDDEN
    code = "ORIGIN_NOT_ALLOWED"


class UpgradeRefused(BadRequest):
    """This cannot become another protocol."""

    code = "UPGRADE_REFUSED"
