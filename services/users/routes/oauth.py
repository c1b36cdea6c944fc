"""`POST /oauth/token`: the one route that speaks RFC 6749 instead of our envelope."""

from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from libs.common.errors import AppError, BadRequest, TooManyRequests
from libs.common.web.responses import answer
from libs.common.web.strict import StrictRoute
from services.users.domain.signing_in import account, login_index, note_sign_in
from services.users.routes.auth import NOT_KEPT
from services.users.routes.deps import (
    CachePort,
    PasswordsPort,
    Settings,
    SignerPort,
    SignsIn,
    UowPort,
)
from services.users.schemas import AccessToken, OAuthError, PasswordGrant


class InvalidGrant(BadRequest):
    """The login or the password is wrong; which of them is not said."""

    code = "invalid_grant"


class UnsupportedGrant(BadRequest):
    """Only `password` is known here."""

    code = "unsupported_grant_type"


class RepeatedParameter(BadRequest):
    """A parameter is said twice (RFC 6749, 3.2)."""

    code = "invalid_request"


class TooManyTries(TooManyRequests):
    """This login was tried too often; it rests, whoever tries it."""

    code = "temporarily_unavailable"


class OAuthRoute(StrictRoute):
    """Renders refusals as RFC 6749, 5.2 has them. The guard's (413, 415, 504) stay in ours."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def bare(request: Request) -> Response:
            try:
                return await handle(request)
            except (RequestValidationError, HTTPException):
                return _refusal("invalid_request", "The form lacks a parameter, or it is too long.")
            except (BadRequest, TooManyTries) as error:
                # A code of ours in capitals comes from the framework around the form.
                code = error.code if error.code.islower() else "invalid_request"
                return _refusal(code, error.message, error)

        return bare


routes = APIRouter(tags=["auth"], route_class=OAuthRoute)


def _refusal(code: str, text: str, error: AppError | None = None) -> Response:
    body = OAuthError(error=code, error_description=text)
    status = error.status if error else HTTPStatus.BAD_REQUEST
    return answer(body, status=status, headers={**NOT_KEPT, **(error.headers if error else {})})


@routes.post(
    "/oauth/token",
    response_model=AccessToken,
    responses={400: {"model": OAuthError}, 429: {"model": OAuthError}},
)
async def issue_token(
    caller: SignsIn,
    grant: Annotated[PasswordGrant, Form()],
    request: Request,
    uow: UowPort,
    passwords: PasswordsPort,
    cache: CachePort,
    signer: SignerPort,
    settings: Settings,
) -> Response:
    """Sign in as staff (RFC 6749, `grant_type=password`), with a form, not JSON.

    Answers and refusals are the bare JSON of the RFC: `{"access_token", "token_type",
    "expires_in"}` and `{"error", "error_description"}`. A login that was tried ten times in five
    minutes rests (429), also for the right password.
    """
    _check_form(grant, [name for name, _ in (await request.form()).multi_items()])
    async with uow.read() as tx:
        index = login_index(tx, grant.username)
        found = await account(tx, index)
    tries = f"login:{index.hex()}"
    # Counted before the password is looked at, so that guessing side by side gains nothing.
    if await cache.count(tries, seconds=settings.login_window_seconds) > settings.login_tries:
        raise TooManyTries("This login was tried too often. Wait a few minutes.")
    is_right = await passwords.matches(grant.password, found.password_hash if found else None)
    async with uow.begin() as tx:
        note_sign_in(tx, found, succeeded=is_right)
    if found is None or not is_right:
        raise InvalidGrant("The login or the password is wrong.")
    await cache.drop(tries)
    token = signer.sign(
        found.principal_id, found.role, seconds=settings.staff_seconds, scope=found.scope
    )
    body = AccessToken(access_token=token, expires_in=settings.staff_seconds)
    return answer(body, headers=NOT_KEPT)


def _check_form(grant: PasswordGrant, names: list[str]) -> None:
    if len(set(names)) != len(names):
        raise RepeatedParameter("A parameter is said twice.")
    if grant.grant_type != "password":
        raise UnsupportedGrant("The only grant_type here is password.")
    if not grant.username or not grant.password:
        raise RepeatedParameter("The password grant takes username and password.")
