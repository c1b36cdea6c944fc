"""What routes are handed besides the caller and the unit of work."""

import re
from typing import Annotated

from fastapi import Depends, Request

from libs.common.cache import Cache
from libs.common.db.uow import UnitOfWork
from libs.common.permissions import Permission
from libs.common.principal import Principal
from libs.common.tokens import PublicKeys, Signer, Verifier
from libs.common.web.auth import KIB, may
from services.users.clients import CoreBusiness
from services.users.domain.passwords import Passwords
from services.users.domain.retaining import Kind, RetentionRuleNotFound
from services.users.repository.archives import Archives
from services.users.repository.keys import ApiKeyNotFound
from services.users.repository.people import UserNotFound
from services.users.settings import UsersSettings

MAX_INT32 = 2**31 - 1
_USER_ID = re.compile(r"[1-9][0-9]{0,9}", re.ASCII)
_KEY_ID = re.compile(r"[0-9a-f-]{36}", re.ASCII)

Newcomer = Annotated[
    Principal, Depends(may(Permission.PUBLIC, body=16 * KIB, seconds=5.0, limit="login"))
]
StreamOpener = Annotated[Principal, Depends(may(Permission.STREAM_OPEN))]
SelfReader = Annotated[Principal, Depends(may(Permission.SELF_READ))]
UserReader = Annotated[Principal, Depends(may(Permission.USER_READ))]
UserSeeker = Annotated[Principal, Depends(may(Permission.USER_SEARCH, idempotent=True))]
UserWriter = Annotated[Principal, Depends(may(Permission.USER_WRITE))]
KeyManager = Annotated[Principal, Depends(may(Permission.API_KEY_MANAGE))]
RoleReader = Annotated[Principal, Depends(may(Permission.ROLE_READ))]
SignsIn = Annotated[
    Principal,
    Depends(may(Permission.PUBLIC, body=16 * KIB, seconds=5.0, form=True, limit="login")),
]
"""Whoever signs in: a form, small, and answered soon."""


async def read_user_id(user_id: str) -> int:
    """The number a path names. What is no number a user could have is nobody: UserNotFound."""
    if not _USER_ID.fullmatch(user_id) or int(user_id) > MAX_INT32:
        raise UserNotFound("There is no such user.")
    return int(user_id)


async def read_key_id(key_id: str) -> str:
    """The key a path names. What is no id of ours is no key: ApiKeyNotFound."""
    if not _KEY_ID.fullmatch(key_id):
        raise ApiKeyNotFound("There is no such API key.")
    return key_id


async def read_retention_kind(kind: str) -> Kind:
    """The kind of data a path names. Raises RetentionRuleNotFound."""
    try:
        return Kind(kind)
    except ValueError:
        raise RetentionRuleNotFound("Nothing of that kind is kept.") from None


def own_user_id(caller: Principal) -> int:
    """Whose row the caller is. Raises UserNotFound for those who have none."""
    kind, _, number = caller.id.partition(":")
    if kind != "user" or not number.isdecimal():
        raise UserNotFound("Nothing is kept of you.")
    return int(number)


async def _archives(request: Request) -> Archives:
    found: Archives = request.app.state.archives
    return found


async def _uow(request: Request) -> UnitOfWork:
    found: UnitOfWork = request.app.state.uow
    return found


async def _passwords(request: Request) -> Passwords:
    found: Passwords = request.app.state.passwords
    return found


async def _signer(request: Request) -> Signer:
    found: Signer = request.app.state.signer
    return found


async def _public_keys(request: Request) -> PublicKeys:
    found: PublicKeys = request.app.state.public_keys
    return found


async def _verifier(request: Request) -> Verifier:
    found: Verifier = request.app.state.verifier
    return found


async def _cache(request: Request) -> Cache:
    found: Cache = request.app.state.cache
    return found


async def _core(request: Request) -> CoreBusiness:
    found: CoreBusiness = request.app.state.core
    return found


async def _settings(request: Request) -> UsersSettings:
    found: UsersSettings = request.app.state.settings
    return found


UserId = Annotated[int, Depends(read_user_id)]
KeyId = Annotated[str, Depends(read_key_id)]
UowPort = Annotated[UnitOfWork, Depends(_uow)]
"""Transactions without an Idempotency-Key: a token is never kept to be handed out again."""
ArchivesPort = Annotated[Archives, Depends(_archives)]
RetentionKind = Annotated[Kind, Depends(read_retention_kind)]
PasswordsPort = Annotated[Passwords, Depends(_passwords)]
SignerPort = Annotated[Signer, Depends(_signer)]
PublicKeysPort = Annotated[PublicKeys, Depends(_public_keys)]
VerifierPort = Annotated[Verifier, Depends(_verifier)]
CachePort = Annotated[Cache, Depends(_cache)]
CorePort = Annotated[CoreBusiness, Depends(_core)]
Settings = Annotated[UsersSettings, Depends(_settings)]
