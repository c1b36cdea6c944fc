"""`/oauth/token` and `/oauth/revoke`: signing in, going on and signing out, by form."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from libs.common.errors import Unauthenticated
from libs.common.principal import Role
from libs.common.web.responses import NOT_KEPT
from services.users.domain import sessions
from services.users.domain.granting import session_of
from services.users.routes.bare import (
    BareRoute,
    InvalidForm,
    UnsupportedGrant,
    UnsupportedToken,
)
from services.users.routes.deps import SignsIn, UowPort, VerifierPort
from services.users.routes.grants import Grants, by_client, by_password, by_refresh_token
from services.users.schemas.oauth import AccessToken, OAuthError, RevocationRequest, TokenRequest

routes = APIRouter(tags=["auth"], route_class=BareRoute)
GRANTS = {
    "password": by_password,
    "refresh_token": by_refresh_token,
    "client_credentials": by_client,
}


@routes.post(
    "/oauth/token",
    response_model=AccessToken,
    response_model_exclude_none=True,
    responses={status: {"model": OAuthError} for status in (400, 401, 403, 429)},
)
async def issue_token(
    caller: SignsIn, form: Annotated[TokenRequest, Form()], request: Request, grants: Grants
) -> Response:
    """Sign in, go on, or be let in as a program (RFC 6749), with a form, not JSON.

    `grant_type=password` signs staff in; with a second factor, `otp` is a code of it
    (`mfa_required` asks for one, `mfa_enrolment_required` comes with an `mfa_token` that enrols
    one). `refresh_token` goes on with a session: each refresh token is good once, and one that
    comes twice ends its session. `client_credentials` takes an API key's id and the key, in the
    form or by HTTP Basic. Answers and refusals are the bare JSON of the RFC. A login that was
    tried ten times in five minutes rests (429), also for the right password; a recovery code as
    `otp` opens it still.
    """
    await _check_once(request)
    grant = GRANTS.get(form.grant_type)
    if grant is None:
        raise UnsupportedGrant(f"grant_type is one of {', '.join(GRANTS)}.")
    found = await grant(grants, form)
    content = found.model_dump_json(exclude_none=True)
    return Response(content, headers=NOT_KEPT, media_type="application/json")


@routes.post("/oauth/revoke", response_class=Response, responses={400: {"model": OAuthError}})
async def revoke_token(
    caller: SignsIn,
    form: Annotated[RevocationRequest, Form()],
    request: Request,
    uow: UowPort,
    verifier: VerifierPort,
) -> Response:
    """End the session a refresh token or an access token belongs to (RFC 7009).

    The answer is 200 and empty, also for a token that never was one. Tokens of API keys end with
    their key: `unsupported_token_type`.
    """
    await _check_once(request)
    if form.token.startswith(sessions.PREFIX):
        async with uow.begin() as tx:
            session_id = await session_of(tx, form.token)
            if session_id is not None:
                await sessions.end(tx, session_id, why=sessions.REVOKED)
        return Response(headers=NOT_KEPT)
    try:
        holder = verifier.verify(form.token)
    except Unauthenticated:
        return Response(headers=NOT_KEPT)
    if holder.role is Role.API_CLIENT:
        raise UnsupportedToken("Revoke the API key: its tokens end with it.")
    async with uow.begin() as tx:
        await sessions.leave(tx, holder, why=sessions.REVOKED)
    return Response(headers=NOT_KEPT)


async def _check_once(request: Request) -> None:
    names = [name for name, _ in (await request.form()).multi_items()]
    if len(set(names)) != len(names):
        raise InvalidForm("A parameter is said twice.")
