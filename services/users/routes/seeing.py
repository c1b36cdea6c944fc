"""How callers see people: which of them at all, and how much of those."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from libs.common.db.uow import Transaction, UnitOfWork
from libs.common.masks import masked_email, masked_name, masked_phone
from libs.common.permissions import Permission, Reach
from libs.common.principal import Principal, Role, Scope
from services.users.clients import GrievanceClient
from services.users.domain import people, placing
from services.users.domain.masking import masked_national_id
from services.users.domain.seeing import Sight, sight
from services.users.models import User
from services.users.repository.people import UserNotFound, UserRepository
from services.users.schemas.people import ScopeIn, UserRead

NOBODY = 2**31 - 1
"""A number nobody has: asked about, so that who looks for nobody waits as long as for somebody."""


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
        [seen] = await self.see_all(user_id, to=to, grievance_id=grievance_id)
        return seen

    async def see_all(
        self, *user_ids: int, to: Permission, grievance_id: str | None = None
    ) -> list[Seen]:
        """The same of several, in one question."""
        async with self.uow.read() as tx:
            users = [await UserRepository(tx.session).get(each) for each in user_ids]
        theirs = self.caller.may_for_others(to)
        may = all(theirs or user.principal_id == self.caller.id for user in users)
        seen = await self.see_rows(users, grievance_id=grievance_id) if may else {}
        if not seen.keys() >= set(user_ids):
            raise UserNotFound("There is no such user.")
        return [seen[each] for each in user_ids]

    async def see_rows(
        self, users: Iterable[User], *, grievance_id: str | None = None
    ) -> dict[int, Seen]:
        """Those of rows that were read already whom the caller may look at, by their ids."""
        alive = {user.user_id: user for user in users if user.erased_at is None}
        async with self.uow.read() as tx:
            sights = {each: await sight(tx, self.caller, user) for each, user in alive.items()}
        visible = {each: how for each, how in sights.items() if how is not Sight.NOT_AT_ALL}
        asked = {each for each, how in visible.items() if grievance_id or how is Sight.BY_A_CASE}
        seen = {each: Seen(each, how) for each, how in visible.items() if each not in asked}
        citizens = [each for each, by in seen.items() if _may_be_kept_apart(alive[each], by)]
        for each in await self.grievance.kept_apart(citizens) if citizens else ():
            del seen[each]
        if asked:
            staff = {each for each in asked if alive[each].is_staff}
            for found in await self.grievance.seen(
                citizens=asked - staff, staff=staff, grievance_id=grievance_id
            ):
                each = found.user_id
                seen[each] = Seen(each, visible[each], found.is_restricted)
        return seen

    async def see_found(self, users: Sequence[User]) -> dict[int, Seen]:
        """The same of rows that were looked for; grievance is asked also when nobody was found.

        Otherwise the time it takes, or a 503, would tell of who is not to be seen.
        """
        if all(user.is_staff for user in users):
            if self.caller.reach(Permission.USER_READ) is Reach.ALL:
                await self.grievance.kept_apart([NOBODY])
            else:
                await self.grievance.seen(citizens=[NOBODY], staff=())
        return await self.see_rows(users)

    async def again(self, tx: Transaction, seen: Seen) -> User:
        """The row of somebody seen a moment ago, to be changed. Raises UserNotFound.

        They may have become somebody else to this caller since.
        """
        user = await UserRepository(tx.session).get(seen.user_id, for_update=True)
        if await sight(tx, self.caller, user) is not seen.sight or user.erased_at is not None:
            raise UserNotFound("There is no such user.")
        return user


def _may_be_kept_apart(user: User, seen: Seen) -> bool:
    return seen.sight is Sight.EVERYBODY and not user.is_staff


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
        scope=scope_read(await placing.works_in(tx, user)),
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
