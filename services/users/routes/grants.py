"""The grants of `/oauth/token`, one function each."""

import base64
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import unquote_plus

from fastapi import Depends, Request

from libs.common.principal import Role
from libs.common.tokens import Signer
from services.users.domain import api_keys, granting, second_factor
from services.users.domain.api_keys import InvalidApiKey
from services.users.domain.granting import HALF_LASTS, Denied, Granted, Half
from services.users.domain.sessions import SessionRules
from services.users.domain.signing_in import Account, account, login_index
from services.users.routes.bare import (
    FactorMissing,
    FactorNotEnrolled,
    InvalidClient,
    InvalidForm,
    InvalidGrant,
    InvalidScope,
    TooManyTries,
    UnauthorizedClient,
)
from services.users.routes.deps import CachePort, PasswordsPort, Settings, SignerPort, UowPort
from services.users.routes.granting import tokens_of
from services.users.schemas.oauth import AccessToken, TokenRequest

BASIC = "basic "
NOBODYS = 0
ENROL = "Your role needs a second factor: enrol one with the `mfa_token`."


@dataclass(frozen=True, slots=True)
class GrantPorts:
    """What the grants need."""

    uow: UowPort
    passwords: PasswordsPort
    cache: CachePort
    signer: SignerPort
    settings: Settings
    authorization: str


async def grant_ports(
    request: Request,
    uow: UowPort,
    passwords: PasswordsPort,
    cache: CachePort,
    signer: SignerPort,
    settings: Settings,
) -> GrantPorts:
    """What the grants need, of one request."""
    authorization = request.headers.get("authorization", "")
    return GrantPorts(uow, passwords, cache, signer, settings, authorization)


Grants = Annotated[GrantPorts, Depends(grant_ports)]


async def by_password(ports: GrantPorts, form: TokenRequest) -> AccessToken:
    """Sign in as staff. Known and unknown logins cost the same: a hash and a row."""
    if not form.username or not form.password:
        raise InvalidForm("The password grant takes username and password.")
    ports.passwords.check_room()
    uow, settings = ports.uow, ports.settings
    async with uow.read() as tx:
        index = login_index(tx, form.username)
        found = await account(tx, index)
    tries = f"login:{index.hex()}"
    # Counted before the password is looked at, so that guessing side by side gains nothing.
    count = await ports.cache.count(tries, seconds=settings.login_window_seconds)
    if count > settings.login_tries and not await _may_still_try(ports, found, index, form.otp):
        raise TooManyTries(
            "This login was tried too often. Wait a few minutes, or show a recovery code as `otp`."
        )
    is_right = await ports.passwords.matches(form.password, found.password_hash if found else None)
    async with uow.begin() as tx:
        outcome = await granting.by_password(
            tx, found, is_right=is_right, otp=form.otp, settings=settings
        )
    tokens = _handed(ports, outcome, found)
    await ports.cache.drop(tries)
    return tokens


async def by_refresh_token(ports: GrantPorts, form: TokenRequest) -> AccessToken:
    """Go on with a session."""
    if not form.refresh_token:
        raise InvalidForm("The refresh_token grant takes refresh_token.")
    async with ports.uow.begin() as tx:
        outcome = await granting.by_refresh_token(
            tx, form.refresh_token, SessionRules.of(ports.settings)
        )
    return _handed(ports, outcome, None)


async def by_client(ports: GrantPorts, form: TokenRequest) -> AccessToken:
    """Let a program of somebody else in, by the id and the text of its API key."""
    client_id, secret = _client(ports.authorization, form)
    async with ports.uow.read() as tx:
        try:
            row = await api_keys.recognise(tx, secret)
        except InvalidApiKey:
            raise InvalidClient("The client or its secret is wrong.") from None
    if row.key_id != client_id:
        raise InvalidClient("The client or its secret is wrong.")
    if row.allowed_addresses:
        raise UnauthorizedClient("This key is bound to addresses: send it as X-API-Key.")
    wanted = form.scope.split() or row.scopes
    if not set(wanted) <= set(row.scopes):
        raise InvalidScope("The key was not made for this.")
    if api_keys.is_worth_noting(row):
        async with ports.uow.begin() as tx:
            await api_keys.note_use(tx, row.key_id)
    seconds = api_keys.seconds_left(row, ports.settings.access_seconds)
    token = ports.signer.sign(
        f"key:{row.key_id}",
        Role.API_CLIENT,
        seconds=seconds,
        scopes=wanted,
        session=row.key_id,
    )
    return AccessToken(access_token=token, expires_in=seconds, scope=" ".join(wanted))


async def _may_still_try(ports: GrantPorts, found: Account | None, index: bytes, code: str) -> bool:
    """Whether whoever tries has a recovery code: strangers rest a login, and not its person.

    Those who hold one are counted apart; it is used up with the right password alone.
    """
    async with ports.uow.read() as tx:
        user_id = found.user_id if found else NOBODYS
        if not await second_factor.has_recovery_code(tx, user_id, code):
            return False
    settings = ports.settings
    tries = f"recovering:{index.hex()}"
    count = await ports.cache.count(tries, seconds=settings.login_window_seconds)
    return count <= settings.login_tries


def half_token(signer: Signer, who: Account, half: Half) -> str:
    """What opens the enrolment of a second factor, and nothing else."""
    return signer.sign(
        who.principal_id,
        who.role,
        seconds=int(HALF_LASTS.total_seconds()),
        session=half.session_id,
        half=True,
    )


def _handed(
    ports: GrantPorts, outcome: Granted | Half | Denied, found: Account | None
) -> AccessToken:
    """The tokens, or the refusal. Raises BadRequest, Forbidden."""
    if isinstance(outcome, Granted):
        tokens = tokens_of(
            ports.signer,
            ports.settings,
            outcome.user,
            outcome.begun,
            role=outcome.role,
            scope=outcome.scope,
        )
        return AccessToken(**tokens)
    if isinstance(outcome, Half):
        assert found is not None  # noqa: S101 - whose password was right
        raise FactorNotEnrolled(ENROL, mfa_token=half_token(ports.signer, found, outcome))
    if outcome is Denied.CODE_MISSING:
        raise FactorMissing(outcome.value)
    raise InvalidGrant(outcome.value)


def _client(authorization: str, form: TokenRequest) -> tuple[str, str]:
    """Who the client says it is, in one of two ways (RFC 6749, 2.3.1)."""
    if authorization[: len(BASIC)].lower() != BASIC:
        if not form.client_id or not form.client_secret:
            raise InvalidClient("Say who you are: client_id and client_secret, or HTTP Basic.")
        return form.client_id, form.client_secret
    if form.client_secret:
        raise InvalidForm("Say who you are in one way, not two.")
    try:
        pair = base64.b64decode(authorization[len(BASIC) :].strip(), validate=True).decode()
    except ValueError:
        raise InvalidClient("The client or its secret is wrong.") from None
    client_id, _, secret = pair.partition(":")
    return unquote_plus(client_id), unquote_plus(secret)
