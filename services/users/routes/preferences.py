"""How people want to be spoken to, and how it is safe to."""

from typing import Annotated

from fastapi import Depends, Response

from libs.common.permissions import Permission
from libs.common.principal import Principal
from libs.common.web.auth import may
from libs.common.web.responses import NOT_KEPT, Success, answer
from libs.common.web.routing import router
from libs.common.web.units import IfMatch, Uow, check_version
from services.users.domain import preferring
from services.users.domain.preferring import Preferences
from services.users.domain.seeing import Sight
from services.users.repository.people import UserRepository
from services.users.routes.deps import SelfReader, UserId, UserReader
from services.users.routes.seeing import Looks, myself
from services.users.schemas.privacy import PreferencesRead, PreferencesUpdate, SafeHours

routes = router(prefix="/api/v1", tag="preferences")
Keeper = Annotated[Principal, Depends(may(Permission.PREFERENCE_WRITE))]


@routes.get("/users/me/preferences", response_model=Success[PreferencesRead])
async def read_my_preferences(caller: SelfReader, uow: Uow) -> Response:
    """How you want to be spoken to, with the ETag to change it by."""
    async with uow.read() as tx:
        found = await preferring.preferences_of(tx, await myself(tx, caller))
    return _answer(found, is_own=True)


@routes.put("/users/me/preferences", response_model=Success[PreferencesRead])
async def change_my_preferences(
    body: PreferencesUpdate, caller: Keeper, uow: Uow, version: IfMatch
) -> Response:
    """Say how you want to be spoken to, and how it is safe to. Send `If-Match`."""
    async with uow.begin() as tx:
        user = await myself(tx, caller, for_update=True)
        before = await preferring.preferences_of(tx, user)
        check_version(before.version, version)
        now = await preferring.change(tx, user, before, body.said(), by=caller, reason=body.reason)
    return _answer(now, is_own=True)


@routes.get("/users/{user_id}/preferences", response_model=Success[PreferencesRead])
async def read_preferences(user_id: UserId, caller: UserReader, uow: Uow, looks: Looks) -> Response:
    """How somebody wants to be spoken to. That there is a code word is said, and not which."""
    seen = await looks.see(user_id)
    async with uow.read() as tx:
        user = await UserRepository(tx.session).get(seen.user_id)
        found = await preferring.preferences_of(tx, user)
    return _answer(found, is_own=seen.sight is Sight.THEMSELVES)


@routes.put("/users/{user_id}/preferences", response_model=Success[PreferencesRead])
async def change_preferences(
    user_id: UserId,
    body: PreferencesUpdate,
    caller: Keeper,
    uow: Uow,
    looks: Looks,
    version: IfMatch,
) -> Response:
    """Write down what somebody told you, with the `reason` you know it by. Send `If-Match`."""
    seen = await looks.see(user_id, to=Permission.PREFERENCE_WRITE)
    async with uow.begin() as tx:
        user = await looks.again(tx, seen)
        before = await preferring.preferences_of(tx, user)
        check_version(before.version, version)
        now = await preferring.change(tx, user, before, body.said(), by=caller, reason=body.reason)
    return _answer(now, is_own=seen.sight is Sight.THEMSELVES)


def _answer(found: Preferences, *, is_own: bool) -> Response:
    data = PreferencesRead(
        language=found.language,
        channel=found.channel,
        safe_channels=None if found.safe_channels is None else list(found.safe_channels),
        hours=SafeHours.of(found.hours) if found.hours else None,
        has_code_word=found.code_word is not None,
        code_word=found.code_word if is_own else None,
        never_leave_message=found.never_leave_message,
        version=found.version,
    )
    return answer(Success(data=data), version=found.version, headers=NOT_KEPT)
