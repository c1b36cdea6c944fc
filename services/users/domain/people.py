"""The vault of people: who they are is sealed with a key of their own."""

import unicodedata
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from libs.common.clock import utc_now
from libs.common.contracts.users import UserCreated, UserUpdated
from libs.common.crypto.sealing import SubjectKey
from libs.common.db.uow import Transaction
from libs.common.errors import Conflict, Invalid
from libs.common.principal import Principal, Role, Scope
from services.users.domain import national_ids, proving
from services.users.domain.auditing import record
from services.users.domain.placing import EVERYWHERE, place, works_in
from services.users.domain.staffing import NotStaff, check_may_give, check_not_last
from services.users.models import Act, User
from services.users.repository.people import UserRepository


class UserExists(Conflict):
    """Somebody has this phone number, in whatever spelling, or this login."""

    code = "USER_EXISTS"


class ScopeRequired(Invalid):
    """Whoever becomes staff works somewhere, and nobody works everywhere unsaid."""

    code = "SCOPE_REQUIRED"


@dataclass(frozen=True, slots=True)
class Person:
    """Who somebody is, in plain text: never stored, never logged."""

    phone_number: str | None = None
    name: str | None = None
    email: str | None = None
    address: str | None = None
    municipality: str | None = None
    national_id: str | None = None

    def said(self) -> dict[str, str]:
        """What is known of them."""
        return {field: value for field, value in asdict(self).items() if value is not None}


INDEXES = {
    "phone_number": "phone_index",
    "email": "email_index",
    "national_id": "national_id_index",
}
"""What each is found by."""
BLANKED = (*Person.__dataclass_fields__, "scope", *INDEXES.values(), "apart_index")
"""What says who somebody is, and what they are found by: nothing of it outlives them here."""


async def appoint(
    tx: Transaction, person: Person, *, role: Role, scope: Scope = EVERYWHERE, by: Principal
) -> User:
    """Create a user for an administrator. Raises UserExists, RoleNotYours, ScopeNotYours."""
    _check_scope(role, scope)
    check_may_give(by, role, scope)
    if await _with_phone(tx, person.phone_number):
        raise UserExists("There is a user with this phone number.")
    return await add(tx, person, role=role, scope=scope, by=by.id)


async def add(
    tx: Transaction,
    person: Person,
    *,
    role: Role,
    scope: Scope = EVERYWHERE,
    by: str,
    is_proven: bool = False,
    is_apart: bool = False,
) -> User:
    """Take a person into the vault, and tell the rest of the system that there is one more.

    What is said of them was proved by a code, or else opens nothing. Whoever is kept apart is
    nobody's to find by a phone but theirs who work the case they are known by.
    """
    now = utc_now()
    user = User(
        role=role,
        is_phone_proven=is_proven and person.phone_number is not None,
        is_email_proven=is_proven and person.email is not None,
        version=1,
        created_at=now,
        updated_at=now,
    )
    index(tx, user, person.said())
    if is_apart:
        user.apart_index, user.phone_index = user.phone_index, None
    tx.session.add(user)
    await tx.session.flush()
    key = tx.vault.create(user.principal_id, user_id=user.user_id)
    seal(key, user, person.said())
    place(key, user, scope)
    tx.publish(UserCreated(user_id=user.user_id, role=role))
    record(tx, Act.USER_CREATED, by=by, about=user.principal_id)
    return user


async def change(
    tx: Transaction,
    user: User,
    said: Person,
    *,
    role: Role | None = None,
    scope: Scope | None = None,
    by: Principal,
) -> list[str]:
    """Write down what is `said` of a user now; answer which fields that were.

    Raises ContactProven when it would let somebody else in as a citizen who proved who they are.
    """
    old_scope = await works_in(tx, user)
    check_may_give(by, Role(user.role), old_scope)
    new_role, new_scope = role or Role(user.role), old_scope if scope is None else scope
    if not new_role.is_staff and scope is None:
        new_scope = EVERYWHERE
    if new_role.is_staff and not user.is_staff:
        await _check_becomes_staff(tx, user, scope)
    _check_scope(new_role, new_scope)
    check_may_give(by, new_role, new_scope)
    if (new_role, new_scope) != (Role.SUPER_ADMIN, EVERYWHERE):
        await check_not_last(tx, user)
    other = await _with_phone(tx, said.phone_number)
    if other and other.user_id != user.user_id:
        raise UserExists("There is a user with this phone number.")
    changed = said.said()
    if said.phone_number:
        phone = _phone_index(tx, said.phone_number)
        await UserRepository(tx.session).let_go(user.user_id, phone)
    was_phone, was_email = user.phone_index, user.email_index
    index(tx, user, changed)
    proving.said_by_another(user, was_phone=was_phone, was_email=was_email)
    key = await tx.vault.key(user.principal_id)
    seal(key, user, changed)
    user.role = new_role
    place(key, user, new_scope)
    given = {"role": role, "scope": scope}
    return [*changed, *(field for field, value in given.items() if value is not None)]


def touched(tx: Transaction, user: User, fields: list[str], *, by: str) -> None:
    """Count the version of a user up, and say what changed."""
    user.version += 1
    user.updated_at = utc_now()
    tx.publish(UserUpdated(user_id=user.user_id, fields=sorted(fields)))
    record(tx, Act.USER_CHANGED, by=by, about=user.principal_id, fields=sorted(fields))


async def opened(tx: Transaction, user: User) -> Person:
    """Who `user` is; nobody, when their key was destroyed."""
    keys = await tx.vault.surviving_keys([user.principal_id])
    key = keys.get(user.principal_id)
    if key is None:
        return Person()
    return Person(**{field: _open(key, user, field) for field in Person.__dataclass_fields__})


async def find_by_phone(
    tx: Transaction, phone_number: str, *, for_update: bool = False
) -> User | None:
    """The person with exactly this phone number, in E.164, or one they had before a merge."""
    found = _phone_index(tx, phone_number)
    return await UserRepository(tx.session).by_phone(found, for_update=for_update)


async def find(
    tx: Transaction, *, phone_number: str | None, email: str | None, national_id: str | None
) -> Sequence[User]:
    """Everybody with exactly this phone number, e-mail address or national id."""
    repository = UserRepository(tx.session)
    if phone_number is not None:
        found = await find_by_phone(tx, phone_number)
        apart = await repository.apart(_phone_index(tx, phone_number))
        return [found, *apart] if found else apart
    if email is not None:
        return await repository.by_email(email_index(tx, email))
    if national_id is not None:
        return await repository.by_national_id(national_id_index(tx, national_id))
    return []


def email_index(tx: Transaction, email: str) -> bytes:
    """What an e-mail address is found by, however it is spelled.

    Not casefolded: `ss` and `ß` are two domains, and codes go to one of them.
    """
    return tx.vault.blind("email", unicodedata.normalize("NFKC", email).strip().lower())


def national_id_index(tx: Transaction, national_id: str) -> bytes:
    """What a national id is found by, however it is written. Raises InvalidNationalId."""
    return tx.vault.blind("national_id", national_ids.normalised(national_id))


def index(tx: Transaction, user: User, said: dict[str, str]) -> None:
    """Have `user` found by what is `said` of them."""
    if "phone_number" in said:
        user.phone_index = _phone_index(tx, said["phone_number"])
    if "email" in said:
        user.email_index = email_index(tx, said["email"])
    if "national_id" in said:
        user.national_id_index = national_id_index(tx, said["national_id"])


def seal(key: SubjectKey, user: User, said: dict[str, str]) -> None:
    """Write down what is `said` of `user`, for nobody to read without `key`."""
    for field, value in said.items():
        setattr(user, field, key.seal(f"users.{field}", str(user.user_id), value))


async def _with_phone(tx: Transaction, phone_number: str | None) -> User | None:
    if phone_number is None:
        return None
    return await find_by_phone(tx, phone_number, for_update=True)


def _phone_index(tx: Transaction, phone_number: str) -> bytes:
    return tx.vault.blind("phone", phone_number)


def _open(key: SubjectKey, user: User, field: str) -> str | None:
    sealed: bytes | None = getattr(user, field)
    return None if sealed is None else key.open(f"users.{field}", str(user.user_id), sealed)


def _check_scope(role: Role, scope: Scope) -> None:
    if not role.is_staff and scope != EVERYWHERE:
        raise NotStaff("Only staff have a scope.")


async def _check_becomes_staff(tx: Transaction, user: User, scope: Scope | None) -> None:
    await proving.check_unproven(tx, user)
    if scope is None:
        raise ScopeRequired("Say where they are to work.")
