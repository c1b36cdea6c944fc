"""The shapes every public answer has (seed 1, «Response Formats»; requirements S1-40, S1-41)."""

from http import HTTPStatus
from typing import Annotated, Any, Generic, Literal, TypeVar

from fastapi import Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from libs.common.db.uow import Transaction
from libs.common.errors import AppError

T = TypeVar("T")

JSON = "application/json"
DEPRECATED_SINCE = "@1795219200"
NOT_KEPT = {"Cache-Control": "no-store", "Pragma": "no-cache"}
"""On answers nobody may keep for later: tokens, secrets, personal data (RFC 6749, 5.1)."""
SUNSET = "Tue, 21 Nov 2028 00:00:00 GMT"
"""The sources' own paths are answered at least until then."""


class Schema(BaseModel):
    """Base of every wire model: unknown input is refused, and rows can be read."""

    model_config = ConfigDict(
        extra="forbid",
        from_attributes=True,
        frozen=True,
        hide_input_in_errors=True,
        json_schema_serialization_defaults_required=True,
        coerce_numbers_to_str=False,
    )


def Words(max_length: int, *, min_length: int = 1) -> StringConstraints:  # noqa: N802
    """Text of people, trimmed and counted in characters, as in `Annotated[str, …]`."""
    return StringConstraints(
        strip_whitespace=True, min_length=min_length, max_length=max_length, strict=True
    )


Int32 = Annotated[int, Field(ge=-(2**31), le=2**31 - 1, strict=True)]


class Success(Schema, Generic[T]):
    status: Literal["success"] = "success"
    data: T
    message: str | None = Field(default=None, examples=[None])


class Page(Schema, Generic[T]):
    items: list[T]
    next_cursor: str | None = Field(
        examples=["WyIyMDI2LTAzLTAyVDAzOjMwOjAwKzAwOjAwIiwiR1JWLTIwMjYtN0szTVFYLTQiXQ", None]
    )


class Refusal(Schema):
    code: str = Field(examples=["VALIDATION_ERROR"])
    message: str = Field(examples=["The request does not have the right shape."])
    details: dict[str, Any] = Field(
        examples=[{"fields": [{"field": "body.description", "problem": "Field required"}]}]
    )
    request_id: str | None = Field(examples=["18990f3a6c1d2e7b5a4c8d9e0f1a2b3c"])


class Failure(Schema):
    status: Literal["error"] = "error"
    error: Refusal


REFUSALS: dict[int | str, dict[str, Any]] = {422: {"model": Failure, "description": "Refused."}}
"""How an API describes its refusals: in the one shape, not the framework's."""


def answer(
    body: BaseModel,
    *,
    tx: Transaction | None = None,
    status: int = HTTPStatus.OK,
    version: int | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    """The answer `body`; kept with `tx` for whoever repeats the request with the same key."""
    content = body.model_dump_json().encode()
    if tx is not None:
        tx.answer(status, content)
    extra = dict(headers or {})
    if version is not None:
        extra["ETag"] = f'"{version}"'
    return Response(content, int(status), extra, JSON)


def deprecated(response: Response, *, successor: str) -> Response:
    """An alias says since when it is one (RFC 9745), until when (RFC 8594), and what to use."""
    response.headers["Deprecation"] = DEPRECATED_SINCE
    response.headers["Sunset"] = SUNSET
    response.headers["Link"] = f'<{successor}>; rel="successor-version"'
    return response


def refusal(error: AppError, request_id: str | None) -> Response:
    """The answer that says no."""
    body = Failure(
        error=Refusal(
            code=error.code, message=error.message, details=error.details, request_id=request_id
        )
    )
    return Response(body.model_dump_json().encode(), int(error.status), error.headers, JSON)
