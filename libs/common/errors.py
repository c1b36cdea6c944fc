"""The one way a service says no."""

from http import HTTPStatus
from typing import ClassVar


class AppError(Exception):
    """Base of every refusal a caller may see.

    `code` is API surface: clients switch on it, so it never changes once released.
    `headers` travel with the answer (`Retry-After`, `WWW-Authenticate`).
    """

    status: ClassVar[HTTPStatus] = HTTPStatus.INTERNAL_SERVER_ERROR
    code: ClassVar[str] = "INTERNAL_ERROR"
    headers: ClassVar[dict[str, str]] = {}

    def __init__(self, message: str, **details: object) -> None:
        super().__init__(message)
        self.message = message
        self.details = details


class Invalid(AppError):
    """The input cannot be what it claims to be."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    code = "VALIDATION_ERROR"


class Unfit(ValueError):
    """A value that a field cannot take, in words that repeat nothing of it: callers read them."""


class BadRequest(AppError):
    """The message around the input is malformed."""

    status = HTTPStatus.BAD_REQUEST
    code = "BAD_REQUEST"


class Unauthenticated(AppError):
    """No credentials, or none that hold."""

    status = HTTPStatus.UNAUTHORIZED
    code = "UNAUTHENTICATED"
    headers: ClassVar[dict[str, str]] = {"WWW-Authenticate": "Bearer"}


class Forbidden(AppError):
    """Known, but not allowed to do this at all. What is merely not yours is NotFound."""

    status = HTTPStatus.FORBIDDEN
    code = "FORBIDDEN"


class NotFound(AppError):
    """It does not exist, or it is not yours: the two are never told apart."""

    status = HTTPStatus.NOT_FOUND
    code = "NOT_FOUND"


class Conflict(AppError):
    """The state of things does not allow it."""

    status = HTTPStatus.CONFLICT
    code = "CONFLICT"


class StaleVersion(AppError):
    """Somebody changed it since the caller read it."""

    status = HTTPStatus.PRECONDITION_FAILED
    code = "STALE_VERSION"


class VersionRequired(AppError):
    """An edit must say which version it was made on (RFC 6585)."""

    status = HTTPStatus.PRECONDITION_REQUIRED
    code = "IF_MATCH_REQUIRED"


class TooLarge(AppError):
    """More bytes than the route or the kind of file takes."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    code = "TOO_LARGE"


class UnsupportedType(AppError):
    """A media type this route does not read."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    code = "UNSUPPORTED_MEDIA_TYPE"


class TooManyRequests(AppError):
    """Slow down."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    code = "RATE_LIMITED"
    headers: ClassVar[dict[str, str]] = {"Retry-After": "60"}


class Unavailable(AppError):
    """Something this needs is away for the moment; the same request may be sent again."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "UNAVAILABLE"
    headers: ClassVar[dict[str, str]] = {"Retry-After": "2"}


class DeadlineExceeded(AppError):
    """It took longer than the caller may wait. It may or may not have happened."""

    status = HTTPStatus.GATEWAY_TIMEOUT
    code = "DEADLINE_EXCEEDED"
