"""Routes that speak RFC 6749 instead of our envelope: bare answers, and bare refusals."""

from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any, ClassVar

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from libs.common.errors import AppError, BadRequest, Forbidden, TooManyRequests, Unauthenticated
from libs.common.web.responses import NOT_KEPT
from libs.common.web.strict import StrictRoute
from services.users.schemas.oauth import OAuthError

INVALID = "invalid_request"
BUSY = "temporarily_unavailable"


class InvalidGrant(BadRequest):
    """What was shown does not hold. A wrong code is told of to whoever has the right password."""

    code = "invalid_grant"


class InvalidClient(Unauthenticated):
    """The client is unknown, or its secret is wrong; which of them is not said."""

    code = "invalid_client"
    headers: ClassVar[dict[str, str]] = {"WWW-Authenticate": 'Basic realm="redress"'}


class UnauthorizedClient(BadRequest):
    """This client may not ask for tokens this way."""

    code = "unauthorized_client"


class InvalidScope(BadRequest):
    """The client was not made for this."""

    code = "invalid_scope"


class UnsupportedGrant(BadRequest):
    """None of the grants that are known here."""

    code = "unsupported_grant_type"


class UnsupportedToken(BadRequest):
    """Tokens of this kind are not revoked one by one (RFC 7009, 2.2.1)."""

    code = "unsupported_token_type"


class InvalidForm(BadRequest):
    """A parameter is missing, or said twice (RFC 6749, 3.2)."""

    code = INVALID


class FactorMissing(BadRequest):
    """The second factor is to be shown, with the same form."""

    code = "mfa_required"


class FactorNotEnrolled(Forbidden):
    """The second factor is to be enrolled first: `mfa_token` opens that and nothing else."""

    code = "mfa_enrolment_required"


class TooManyTries(TooManyRequests):
    """This login was tried too often; it rests, whoever tries it."""

    code = BUSY


class BareRoute(StrictRoute):
    """Renders refusals as RFC 6749, 5.2 has them. The guard's (413, 415, 504) stay in ours."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def bare(request: Request) -> Response:
            try:
                return await handle(request)
            except (RequestValidationError, HTTPException):
                return refused(InvalidForm("The form lacks a parameter, or it is too long."))
            except (BadRequest, Unauthenticated, Forbidden, TooManyRequests) as error:
                return refused(error)

        return bare


def refused(error: AppError) -> Response:
    """The bare refusal. A code of ours in capitals comes from the framework around the form."""
    code = error.code
    if not code.islower():
        code = BUSY if error.status == HTTPStatus.TOO_MANY_REQUESTS else INVALID
    mfa_token = error.details.get("mfa_token")
    body = OAuthError(
        error=code,
        error_description=error.message,
        mfa_token=mfa_token if isinstance(mfa_token, str) else None,
    )
    content = body.model_dump_json(exclude_none=True)
    return Response(
        content, int(error.status), {**NOT_KEPT, **error.headers}, media_type="application/json"
    )
