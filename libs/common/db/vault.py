"""The vault of one transaction: it finds the key of a subject, and makes one for a new subject.

A destroyed key leaves its row behind, empty: what comes late finds it, and makes no other key.
"""

import secrets
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from libs.common.clock import utc_now
from libs.common.crypto.keyring import KEY_BYTES, ServiceKeys
from libs.common.crypto.sealing import CannotOpen, SubjectKey
from libs.common.db.base import Ground
from libs.common.db.writes import Row, insert_new

GUEST = "guest:"
"""How the ids of guests begin."""
_PLACE = "data_keys.wrapped"
_DESTROYED = b""
REMEMBERED = timedelta(days=30)
"""How long it is known whom a guest became: longer than any token of theirs, and than chat keeps a
filing nobody took."""
_ERASING = 0x65726173
"""The class of the locks under which linking somebody and erasing them take turns."""


class Erased(CannotOpen):
    """The subject's key was destroyed: what it sealed can never be read again."""


class Vault:
    """Subject keys, as rows of `data_keys` wrapped by the keyring."""

    def __init__(
        self,
        session: AsyncSession,
        ground: Ground,
        keys: ServiceKeys,
        add: Callable[[Row], None],
    ) -> None:
        self._session = session
        self._table = ground.data_keys
        self._guests = ground.bound_guests
        self._keys = keys
        self._add = add
        self._known: dict[str, SubjectKey] = {}
        self.has_destroyed = False
        """Whether a key was destroyed here: it must not outlive this in any log."""

    @property
    def used(self) -> dict[str, SubjectKey]:
        """The keys this transaction has had in hand, by subject."""
        return dict(self._known)

    def create(self, subject: str, *, user_id: int | None = None) -> SubjectKey:
        """A new key for a new subject; its row is written with the transaction."""
        key = secrets.token_bytes(KEY_BYTES)
        wrapped = self._keys.wrap(key, aad=f"{_PLACE}.{subject}")
        values: dict[str, Any] = {"subject": subject, "wrapped": wrapped, "created_at": utc_now()}
        if user_id is not None:
            values["user_id"] = user_id
        self._add(Row(self._table, values))
        self._known[subject] = SubjectKey(key)
        return self._known[subject]

    async def key(self, subject: str) -> SubjectKey:
        """The key of `subject`. Raises Erased."""
        return (await self.keys([subject]))[subject]

    async def keys(self, subjects: Iterable[str]) -> dict[str, SubjectKey]:
        """The keys of `subjects`, in one question. Raises Erased if one is gone."""
        wanted = set(subjects)
        found = await self.surviving_keys(wanted)
        if found.keys() != wanted:
            raise Erased("the key was destroyed")
        return found

    async def surviving_keys(self, subjects: Iterable[str]) -> dict[str, SubjectKey]:
        """The keys of those `subjects` that were not erased."""
        wanted = set(subjects)
        missing = wanted - self._known.keys()
        if missing:
            columns = self._table.c.subject, self._table.c.wrapped
            query = select(*columns).where(self._table.c.subject.in_(missing))
            for subject, wrapped in await self._session.execute(query):
                if wrapped == _DESTROYED:
                    continue
                opened = self._keys.unwrap(wrapped, aad=f"{_PLACE}.{subject}")
                self._known[subject] = SubjectKey(opened)
        return {subject: self._known[subject] for subject in wanted & self._known.keys()}

    async def key_or_new(self, subject: str, *, user_id: int | None = None) -> SubjectKey | None:
        """The key of `subject`, made if there never was one; None when it was destroyed."""
        found = (await self.surviving_keys([subject])).get(subject)
        if found is None and not await self._is_destroyed(subject):
            found = self.create(subject, user_id=user_id)
        return found

    async def belongs_to(self, subject: str, user_id: int) -> bool:
        """Say whose key this is, so that erasing the person finds it.

        False when they were erased before: the key is destroyed then.
        """
        user_id = await self.survivor(user_id)
        if await self.is_erased(user_id):
            await self.destroy(subject)
            return False
        statement = update(self._table).where(self._table.c.subject == subject)
        await self._session.execute(statement.values(user_id=user_id))
        return True

    async def pass_on(self, user_id: int, *, to: int) -> bool:
        """Say that what was, and ever will be said to be, `user_id`'s is `to`'s: they are one.

        False when that one was erased: so is what was passed on.
        """
        for each in sorted((user_id, to)):
            await self._take_turns(each)
        marker = {"subject": _merged(user_id), "wrapped": _DESTROYED, "created_at": utc_now()}
        await insert_new(self._session, self._table, **marker, user_id=user_id)
        statement = update(self._table).where(self._table.c.user_id == user_id)
        await self._session.execute(statement.values(user_id=to))
        if not await self.is_erased(to):
            return True
        await self.destroy_of(to)
        return False

    async def survivor(self, user_id: int) -> int:
        """Who somebody is by now: what names them may come after what says whom they became.

        Nobody is merged or erased meanwhile: the turn is theirs who asked, until they commit.
        """
        current = user_id
        while True:
            await self._take_turns(current)
            found = await self._became(user_id)
            if found == current:
                return current
            current = found

    async def bind(self, guest_id: str, user_id: int) -> int | None:
        """Say that a guest proved to be `user_id`; answer who that is by now.

        None when the guest was somebody before, and stays so.
        """
        user_id = await self.survivor(user_id)
        if self._guests is None:
            return user_id
        now, bound_at = utc_now(), self._guests.c.bound_at
        await self._session.execute(delete(self._guests).where(bound_at < now - REMEMBERED))
        row = {"guest_id": guest_id, "user_id": user_id, "bound_at": now}
        return user_id if await insert_new(self._session, self._guests, **row) else None

    async def destroy(self, *subjects: str) -> None:
        """Destroy the keys of `subjects`: what they sealed is never read again, nor sealed anew."""
        for subject in sorted(subjects):
            row = {"subject": subject, "wrapped": _DESTROYED, "created_at": utc_now()}
            await insert_new(self._session, self._table, **row)
        await self._empty(sorted(subjects))

    async def destroy_of(self, user_id: int) -> None:
        """Destroy every key of a person, and whatever turns out to be theirs from now on."""
        await self._take_turns(user_id)
        query = select(self._table.c.subject).where(self._table.c.user_id == user_id)
        theirs = (await self._session.scalars(query)).all()
        await self.destroy(_person(user_id), *theirs)

    async def is_erased(self, user_id: int) -> bool:
        """Whether this person's keys were destroyed."""
        return await self._is_destroyed(_person(user_id))

    async def writer(self, principal_id: str) -> str:
        """In whose name this caller writes now. Raises Erased.

        A token outlives whoever has it by moments: somebody erased writes nothing new, and who
        was merged, or a guest, writes as whom they became.
        """
        user_id = _number(await self.who_is(principal_id))
        if user_id is not None and await self.is_erased(user_id):
            raise Erased("they were erased")
        return principal_id if user_id is None else _person(user_id)

    async def who_is(self, principal_id: str) -> str:
        """Whom this caller became, if they are a person who was merged or a guest who is known."""
        user_id = _number(principal_id)
        if self._guests is not None and principal_id.startswith(GUEST):
            known = self._guests.c.guest_id == principal_id
            user_id = await self._session.scalar(select(self._guests.c.user_id).where(known))
        return principal_id if user_id is None else _person(await self.survivor(user_id))

    def blind(self, purpose: str, value: str) -> bytes:
        """The blind index of `value`; see ServiceKeys.blind."""
        return self._keys.blind(purpose, value)

    async def _became(self, user_id: int) -> int:
        query = select(self._table.c.user_id).where(self._table.c.subject == _merged(user_id))
        found: int | None = await self._session.scalar(query)
        return user_id if found is None else found

    async def _is_destroyed(self, subject: str) -> bool:
        query = select(self._table.c.wrapped).where(self._table.c.subject == subject)
        return bool(await self._session.scalar(query) == _DESTROYED)

    async def _empty(self, subjects: Sequence[str]) -> None:
        self.has_destroyed = True
        # SQLite is told to overwrite what it lets go (secure_delete); PostgreSQL's vacuum does.
        statement = update(self._table).where(self._table.c.subject.in_(subjects))
        await self._session.execute(statement.values(wrapped=_DESTROYED))
        for subject in subjects:
            self._known.pop(subject, None)

    async def _take_turns(self, user_id: int) -> None:
        """Linking and erasing one person wait for each other; SQLite has one writer anyway."""
        if self._session.get_bind().dialect.name == "postgresql":
            await self._session.execute(select(func.pg_advisory_xact_lock(_ERASING, user_id)))


def _person(user_id: int) -> str:
    return f"user:{user_id}"


def _number(principal_id: str) -> int | None:
    kind, _, number = principal_id.partition(":")
    return int(number) if kind == "user" and number.isdecimal() else None


def _merged(user_id: int) -> str:
    """The row that says whom somebody became; it holds no key, and follows further merges."""
    return f"merged:{user_id}"
