"""A password of one's own: whoever appointed somebody knows the first one."""

from typing import Annotated

from fastapi import Depends, Response

from libs.common.errors import Forbidden, TooManyRequests
from libs.common.permissions import Permission
from libs.common.principal import Principal
from libs.common.web.auth import KIB, may
from libs.common.web.responses import Success, answer
from libs.common.web.routing import router
from services.users.domain import people, sessions
from services.users.domain.passwords import check_strength
from services.users.domain.signing_in import set_password, username_of
from services.users.repository.people import UserRepository
from services.users.routes.deps import CachePort, PasswordsPort, Settings, UowPort
from services.users.routes.seeing import myself
from services.users.schemas.auth import PasswordChange
from services.users.schemas.sessions import Ended

routes = router(prefix="/api/v1", tag="users")
Owner = Annotated[
    Principal, Depends(may(Permission.SELF_PASSWORD, body=16 * KIB, seconds=5.0, limit="login"))
]


class WrongPassword(Forbidden):
    """The current password is not this one."""

    code = "WRONG_PASSWORD"


class PasswordRests(TooManyRequests):
    """The current password was guessed at too often: changing it rests for some minutes."""

    code = "PASSWORD_RESTS"


@routes.put("/users/me/password", response_model=Success[Ended])
async def change_own_password(
    body: PasswordChange,
    caller: Owner,
    uow: UowPort,
    passwords: PasswordsPort,
    cache: CachePort,
    settings: Settings,
) -> Response:
    """Choose a password of your own. Your other sessions end; the one you call with goes on."""
    async with uow.read() as tx:
        user = await myself(tx, caller)
        credential = await UserRepository(tx.session).credential(user.user_id)
        known = [await username_of(tx, user), *(await people.opened(tx, user)).said().values()]
    before = credential.password_hash if credential else None
    tries = f"password:{user.user_id}"
    # Counted before it is looked at: a stolen token is no way to guess what it was bought with.
    if await cache.count(tries, seconds=settings.login_window_seconds) > settings.login_tries:
        raise PasswordRests("Tried too often. Wait a few minutes.")
    if not await passwords.matches(body.current_password, before):
        raise WrongPassword("The current password is another one.")
    await check_strength(body.password, about=known)
    kept = await passwords.hash(body.password)
    async with uow.begin() as tx:
        user = await myself(tx, caller, for_update=True)
        credential = await UserRepository(tx.session).credential(user.user_id, for_update=True)
        if credential is None or credential.password_hash != before:
            raise WrongPassword("The password was changed meanwhile.")
        await set_password(tx, user, kept, login=None, by=caller.id)
        ended = await sessions.end_all(
            tx, user.user_id, why="password_changed", but=caller.session, by=caller.id
        )
    await cache.drop(tries)
    return answer(Success(data=Ended(ended=ended)))
