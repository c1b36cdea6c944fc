"""People: appointed, read masked, found by phone, changed."""

from typing import NamedTuple

from fastapi import Response

from libs.common.db.uow import Transaction
from libs.common.errors import Conflict
from libs.common.principal import Principal, Role, Scope
from libs.common.web.auth import Admin, Guest, Officer, OfficerSeeker
from libs.common.web.responses import Page, Success, answer
from libs.common.web.routing import router
from libs.common.web.units import IfMatch, RequestUnit, Uow, check_version
from services.users.domain import people
from services.users.domain.masking import masked_email, masked_name, masked_phone
from services.users.domain.passwords import Passwords, new_password
from services.users.domain.people import Person, UserExists
from services.users.domain.signing_in import follow_phone, set_password, username_of
from services.users.domain.staffing import NEVER_GIVEN, NotStaff
from services.users.models import User
from services.users.repository import UserNotFound, UserRepository
from services.users.routes.deps import PasswordsPort, UserId
from services.users.schemas import (
    Me,
    RoleRead,
    ScopeIn,
    UserAppointed,
    UserCreate,
    UserRead,
    UserSearch,
    UserUpdate,
)

routes = router(prefix="/api/v1", tag="users")
OF_THE_PERSON = frozenset(Person.__dataclass_fields__)


class Secret(NamedTuple):
    """A password on its way into the vault; `shown` when it was made here."""

    kept: str | None
    shown: str | None


@routes.get("/roles", response_model=Success[list[RoleRead]])
async def list_roles(caller: Officer) -> Response:
    """The roles somebody can be appointed to, and how far each is let in."""
    roles = [role for role in Role if role not in NEVER_GIVEN]
    rows = [
        RoleRead(role=role, level=role.level.name.lower(), is_staff=role.is_staff) for role in roles
    ]
    return answer(Success(data=rows))


@routes.post("/users", status_code=201, response_model=Success[UserAppointed])
async def appoint_user(
    body: UserCreate, caller: Admin, uow: Uow, passwords: PasswordsPort
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
            return answer(Success(data=data), tx=tx, status=201, version=user.version)
    except Conflict as error:
        if type(error) is not Conflict:
            raise
        # Two administrators at once: the database saw what the question before did not.
        raise UserExists("There is a user with this phone number or login.") from None


@routes.get("/users/me", response_model=Success[Me])
async def read_myself(caller: Guest, uow: Uow) -> Response:
    """Who you are by your token, and everything that is kept of you here."""
    person, user, login = Person(), None, None
    async with uow.read() as tx:
        user = await _own_row(tx, caller)
        if user:
            person, login = await people.opened(tx, user), await username_of(tx, user)
    data = Me(
        id=caller.id,
        role=caller.role,
        level=caller.level.name.lower(),
        scope=_scope(caller.scope),
        user_id=user.user_id if user else None,
        name=person.name,
        phone_number=person.phone_number,
        email=person.email,
        address=person.address,
        municipality=person.municipality,
        username=login,
    )
    return answer(Success(data=data))


@routes.post("/users/search", response_model=Success[Page[UserRead]])
async def search_users(body: UserSearch, caller: OfficerSeeker, uow: Uow) -> Response:
    """Who has this phone number, in whatever spelling: one user, masked, or nobody."""
    async with uow.read() as tx:
        found = await people.find_by_phone(tx, body.phone_number)
        items = [await _masked(tx, found)] if found else []
    return answer(Success(data=Page(items=items, next_cursor=None)))


@routes.get("/users/{user_id}", response_model=Success[UserRead])
async def read_user(user_id: UserId, caller: Guest, uow: Uow) -> Response:
    """One user, masked, with the ETag to edit it by. For staff, and for whoever it is."""
    return await show(user_id, caller, uow)


async def show(user_id: int, caller: Principal, uow: RequestUnit) -> Response:
    """A user as `caller` may see them: to everybody else they do not exist."""
    async with uow.read() as tx:
        user = await UserRepository(tx.session).get(user_id)
        if not caller.is_staff and user.principal_id != caller.id:
            raise UserNotFound("There is no such user.")
        data = await _masked(tx, user)
    return answer(Success(data=data), version=data.version)


@routes.put("/users/{user_id}", response_model=Success[UserRead])
async def change_user(
    user_id: UserId,
    body: UserUpdate,
    caller: Admin,
    uow: Uow,
    passwords: PasswordsPort,
    version: IfMatch,
) -> Response:
    """Change what is known of a user, or their password; what is left out stays as it is.

    Send the ETag you read as `If-Match`: 428 without one, 412 when somebody was faster.
    """
    return await apply(user_id, body, caller, uow, passwords, version)


async def apply(
    user_id: int,
    body: UserUpdate,
    caller: Principal,
    uow: RequestUnit,
    passwords: Passwords,
    version: int | None,
) -> Response:
    """Apply an administrator's change in one transaction."""
    kept = await passwords.hash(body.password) if body.password else None
    scope = body.scope.as_scope() if body.scope else None
    try:
        async with uow.begin() as tx:
            user = await UserRepository(tx.session).get(user_id, for_update=True)
            check_version(user.version, version)
            was = (await people.opened(tx, user)).phone_number
            said = _person(body)
            fields = await people.change(tx, user, said, role=body.role, scope=scope, by=caller)
            if body.phone_number:
                await follow_phone(tx, user, was=was, becomes=body.phone_number)
            if kept:
                await _change_password(tx, user, kept, by=caller)
                fields.append("password")
            if fields:
                people.touched(tx, user, fields, by=caller.id)
            data = await _masked(tx, user)
            return answer(Success(data=data), version=user.version)
    except Conflict as error:
        if type(error) is not Conflict:
            raise
        raise UserExists("There is a user with this phone number or login.") from None


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
    shown = None if body.password else new_password()
    return Secret(await passwords.hash(body.password or shown or ""), shown)


def _inherited(caller: Principal, role: Role) -> Scope:
    """Where new staff works when nothing is said of it: where whoever appoints them works."""
    return caller.scope if role.is_staff else people.EVERYWHERE


def _person(body: UserCreate | UserUpdate) -> Person:
    return Person(**body.model_dump(include=set(OF_THE_PERSON)))


async def _own_row(tx: Transaction, caller: Principal) -> User | None:
    kind, _, number = caller.id.partition(":")
    if kind != "user" or not number.isdecimal():
        return None
    try:
        return await UserRepository(tx.session).get(int(number))
    except UserNotFound:
        return None


async def _masked(tx: Transaction, user: User) -> UserRead:
    person = await people.opened(tx, user)
    return UserRead(
        user_id=user.user_id,
        role=Role(user.role),
        name=masked_name(person.name),
        phone_number=masked_phone(person.phone_number),
        email=masked_email(person.email),
        has_address=person.address is not None,
        has_login=await UserRepository(tx.session).credential(user.user_id) is not None,
        scope=_scope(user.works_in),
        version=user.version,
        created_at=user.created_at,
        updated_at=user.updated_at,
    )


def _scope(scope: Scope) -> ScopeIn:
    return ScopeIn(projects=list(scope.projects), places=list(scope.places))
