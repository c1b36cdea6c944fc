"""People: appointed, read masked, found by what they are known by, changed."""

from typing import NamedTuple

from fastapi import Response

from libs.common.db.uow import Transaction
from libs.common.errors import Conflict
from libs.common.masks import masked_name, masked_phone
from libs.common.permissions import Permission
from libs.common.principal import Principal, Role, Scope
from libs.common.web.responses import NOT_KEPT, Page, Success, answer
from libs.common.web.routing import router
from libs.common.web.units import IfMatch, RequestUnit, Uow, check_version
from services.users.domain import people, placing, sessions
from services.users.domain.passwords import Passwords, check_strength, new_password
from services.users.domain.people import Person, UserExists
from services.users.domain.signing_in import follow_phone, set_password, username_of
from services.users.domain.staffing import NotStaff
from services.users.models import User
from services.users.repository.people import UserRepository
from services.users.routes.deps import (
    PasswordsPort,
    UserId,
    UserReader,
    UserSeeker,
    UserWriter,
)
from services.users.routes.seeing import Looks, Onlooker, masked
from services.users.schemas.people import (
    UserAppointed,
    UserCreate,
    UserRead,
    UserSearch,
    UserUpdate,
)

routes = router(prefix="/api/v1", tag="users")
OF_THE_PERSON = frozenset(Person.__dataclass_fields__)
OPENS_OTHER_DOORS = frozenset({"role", "scope", "password"})
"""Whoever is changed in these signs in again: what their tokens say of them is no longer so."""


class Secret(NamedTuple):
    """A password on its way into the vault; `shown` when it was made here."""

    kept: str | None
    shown: str | None


@routes.post("/users", status_code=201, response_model=Success[UserAppointed])
async def appoint_user(
    body: UserCreate, caller: UserWriter, uow: Uow, passwords: PasswordsPort
) -> Response:
    """Create a citizen or a member of staff.

    Staff without a `password` get one, shown in this answer and never again. Only a super_admin
    appoints administrators and SEAH roles. 409 if somebody has this phone number, however it is
    spelled.
    """
    return await appoint(body, caller, uow, passwords)


async def appoint(
    body: UserCreate, caller: Principal, uow: RequestUnit, passwords: Passwords
) -> Response:
    """Create a user in one transaction; hashing comes before it."""
    await uow.replay()
    secret = await _secret(body, passwords)
    scope = body.scope.as_scope() if body.scope else _inherited(caller, body.role)
    try:
        async with uow.begin() as tx:
            user = await people.appoint(tx, _person(body), role=body.role, scope=scope, by=caller)
            if secret.kept:
                login = body.username or body.phone_number
                await set_password(tx, user, secret.kept, login=login, by=caller.id)
            data = UserAppointed(
                user_id=user.user_id,
                role=body.role,
                name=masked_name(body.name),
                phone_number=masked_phone(body.phone_number),
                username=body.username if secret.kept else None,
                initial_password=secret.shown,
                version=user.version,
            )
            return answer(
                Success(data=data), tx=tx, status=201, version=user.version, headers=NOT_KEPT
            )
    except Conflict as error:
        if type(error) is not Conflict:
            raise
        # Two administrators at once: the database saw what the question before did not.
        raise UserExists("There is a user with this phone number or login.") from None


@routes.post("/users/search", response_model=Success[Page[UserRead]])
async def search_users(body: UserSearch, caller: UserSeeker, uow: Uow, looks: Looks) -> Response:
    """Who has this phone number, e-mail address or national id, however it is spelled.

    Masked, and only those you may see anyway.
    """
    async with uow.read() as tx:
        found = await people.find(tx, **body.model_dump())
    visible = await looks.see_found(found)
    async with uow.read() as tx:
        items = [await masked(tx, user) for user in found if user.user_id in visible]
    return answer(Success(data=Page(items=items, next_cursor=None)))


@routes.get("/users/{user_id}", response_model=Success[UserRead])
async def read_user(user_id: UserId, caller: UserReader, uow: Uow, looks: Looks) -> Response:
    """One user, masked, with the ETag to edit it by.

    For whoever it is, for staff who may see a case of theirs, and for supervisors of theirs.
    """
    return await show(user_id, uow, looks)


async def show(user_id: int, uow: RequestUnit, looks: Onlooker) -> Response:
    """A user as the caller may see them: to everybody else they do not exist."""
    seen = await looks.see(user_id)
    async with uow.read() as tx:
        data = await masked(tx, await UserRepository(tx.session).get(seen.user_id))
    return answer(Success(data=data), version=data.version)


@routes.put("/users/{user_id}", response_model=Success[UserRead])
async def change_user(
    user_id: UserId,
    body: UserUpdate,
    caller: UserWriter,
    uow: Uow,
    looks: Looks,
    passwords: PasswordsPort,
    version: IfMatch,
) -> Response:
    """Change what is known of a user, or their password; what is left out stays as it is.

    Send the ETag you read as `If-Match`: 428 without one, 412 when somebody was faster.
    """
    return await apply(user_id, body, uow, looks, passwords, version)


async def apply(
    user_id: int,
    body: UserUpdate,
    uow: RequestUnit,
    looks: Onlooker,
    passwords: Passwords,
    version: int | None,
) -> Response:
    """Apply an administrator's change in one transaction."""
    caller = looks.caller
    seen = await looks.see(user_id, to=Permission.USER_WRITE)
    kept = await _new_password(user_id, body, uow, passwords)
    scope = body.scope.as_scope() if body.scope else None
    try:
        async with uow.begin() as tx:
            user = await looks.again(tx, seen)
            check_version(user.version, version)
            was = await people.opened(tx, user)
            said = _person(body)
            fields = await people.change(tx, user, said, role=body.role, scope=scope, by=caller)
            if body.phone_number:
                await follow_phone(tx, user, was=was.phone_number, becomes=body.phone_number)
            if kept:
                await _change_password(tx, user, kept, by=caller)
                fields.append("password")
            if OPENS_OTHER_DOORS.intersection(fields) or _has_moved(was, said):
                await sessions.end_all(tx, user.user_id, why="changed", by=caller.id)
            if fields:
                people.touched(tx, user, fields, by=caller.id)
            data = await masked(tx, user)
            return answer(Success(data=data), version=user.version)
    except Conflict as error:
        if type(error) is not Conflict:
            raise
        raise UserExists("There is a user with this phone number or login.") from None


def _has_moved(was: Person, said: Person) -> bool:
    """Whether a way to prove who one is was replaced: whoever has the old one is not let on."""
    both = ((was.phone_number, said.phone_number), (was.email, said.email))
    return any(None not in {old, new} and old != new for old, new in both)


async def _new_password(
    user_id: int, body: UserUpdate, uow: RequestUnit, passwords: Passwords
) -> str | None:
    if body.password is None:
        return None
    async with uow.read() as tx:
        user = await UserRepository(tx.session).get(user_id)
        known = [await username_of(tx, user), *(await people.opened(tx, user)).said().values()]
    await check_strength(body.password, about=[*known, *_person(body).said().values()])
    return await passwords.hash(body.password)


async def _change_password(tx: Transaction, user: User, kept: str, *, by: Principal) -> None:
    if not user.is_staff:
        raise NotStaff("Only staff sign in with a password.")
    login = (await people.opened(tx, user)).phone_number
    await set_password(tx, user, kept, login=login, by=by.id)


async def _secret(body: UserCreate, passwords: Passwords) -> Secret:
    if not body.role.is_staff:
        if body.password or body.username:
            raise NotStaff("Only staff sign in with a password.")
        return Secret(None, None)
    if body.password:
        await check_strength(body.password, about=[body.username, *_person(body).said().values()])
    shown = None if body.password else new_password()
    return Secret(await passwords.hash(body.password or shown or ""), shown)


def _inherited(caller: Principal, role: Role) -> Scope:
    """Where new staff works when nothing is said of it: where whoever appoints them works."""
    return caller.scope if role.is_staff else placing.EVERYWHERE


def _person(body: UserCreate | UserUpdate) -> Person:
    return Person(**body.model_dump(include=set(OF_THE_PERSON)))
