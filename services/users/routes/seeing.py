"""How callers see people: which of them at all, and how much of those."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from libs.common.db.uow import Transaction, UnitOfWork
from libs.common.permissions import Permission
from libs.common.principal import Principal, Role, Scope
from services.users.clients import GrievanceClient
from services.users.domain import people
from services.users.domain.masking import (
    masked_email,
    masked_name,
    masked_national_id,
    masked_phone,
)
from services.users.domain.seeing import Sight, sight
from services.users.models import User
from services.users.repository.people import UserNotFound, UserRepository
from services.users.schemas.people import ScopeIn, UserRead


@dataclass(frozen=True, slots=True)
class Seen:
    """Somebody the caller may look at, and why."""

    user_id: int
    sight: Sight
    is_restricted: bool = False
    """Whether a case they are seen by is one that does not exist for everybody else."""


@dataclass(frozen=True, slots=True)
class Onlooker:
    """The caller, looking at people. It asks grievance, so it is asked before a transaction."""

    caller: Principal
    uow: UnitOfWork
    grievance: GrievanceClient

    async def see(
        self,
        user_id: int,
        *,
        to: Permission = Permission.USER_READ,
        grievance_id: str | None = None,
    ) -> Seen:
        """Somebody the caller may do this `to` (for that case, if it is named).

        Raises UserNotFound; PeerFailed when only grievance could tell, and it is away.
        """
        async with self.uow.read() as tx:
            user = await UserRepository(tx.session).get(user_id)
        is_own = user.principal_id == self.caller.id
        may = is_own or self.caller.may_for_others(to)
        found = await self.see_row(user, grievance_id=grievance_id) if may else None
        if found is None:
            raise UserNotFound("There is no such user.")
        return found

    async def see_row(self, user: User, *, grievance_id: str | None = None) -> Seen | None:
        """The same of a row that was read already; None when the caller may not look."""
        how = sight(self.caller, user)
        if how is Sight.NOT_AT_ALL or user.erased_at is not None:
            return None
        if how is not Sight.BY_A_CASE and grievance_id is None:
            return Seen(user.user_id, how)
        access = await self.grievance.access(
            user.user_id, is_staff=user.is_staff, grievance_id=grievance_id
        )
        return Seen(user.user_id, how, access.is_restricted) if access else None

    async def again(self, tx: Transaction, seen: Seen) -> User:
        """The row of somebody seen a moment ago, to be changed. Raises UserNotFound.

        They may have become somebody else to this caller since.
        """
        user = await UserRepository(tx.session).get(seen.user_id, for_update=True)
        if sight(self.caller, user) is not seen.sight or user.erased_at is not None:
            raise UserNotFound("There is no such user.")
        return user


async def _onlooker(request: Request) -> Onlooker:
    state = request.app.state
    return Onlooker(request.scope["state"]["principal"], state.uow, state.grievance)


Looks = Annotated[Onlooker, Depends(_onlooker)]


async def own_row(tx: Transaction, caller: Principal, *, for_update: bool = False) -> User | None:
    """What is kept of the caller; nothing of guests and of programs."""
    kind, _, number = caller.id.partition(":")
    if kind != "user" or not number.isdecimal():
        return None
    try:
        return await UserRepository(tx.session).get(int(number), for_update=for_update)
    except UserNotFound:
        return None


async def myself(tx: Transaction, caller: Principal, *, for_update: bool = False) -> User:
    """What is kept of the caller. Raises UserNotFound when nothing is."""
    found = await own_row(tx, caller, for_update=for_update)
    if found is None:
        raise UserNotFound("Nothing is kept of you here.")
    return found


async def masked(tx: Transaction, user: User) -> UserRead:
    """Somebody as everybody sees them who may see them: recognisable, and no more."""
    person = await people.opened(tx, user)
    return UserRead(
        user_id=user.user_id,
        role=Role(user.role),
        name=masked_name(person.name),
        phone_number=masked_phone(person.phone_number),
        email=masked_email(person.email),
        national_id=masked_national_id(person.national_id),
        has_address=person.address is not None,
        has_login=await UserRepository(tx.session).credential(user.user_id) is not None,
        scope=scope_read(user.works_in),
        version=user.version,
        created_at=user.created_at,
        updated_at=user.updated_at,
    )


def scope_read(scope: Scope) -> ScopeIn:
    """Where somebody works, on the wire."""
    return ScopeIn(
        projects=list(scope.projects),
        places=list(scope.places),
        organisations=list(scope.organisations),
    )
