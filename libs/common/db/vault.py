"""The vault of one transaction: it finds the key of a subject, and makes one for a new subject."""

import secrets
from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from libs.common.clock import utc_now
from libs.common.crypto.keyring import KEY_BYTES, CannotOpen, ServiceKeys, SubjectKey
from libs.common.db.base import Ground
from libs.common.db.writes import Row

_PLACE = "data_keys.wrapped"


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
        self._keys = keys
        self._add = add
        self._known: dict[str, SubjectKey] = {}

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
                opened = self._keys.unwrap(wrapped, aad=f"{_PLACE}.{subject}")
                self._known[subject] = SubjectKey(opened)
        return {subject: self._known[subject] for subject in wanted & self._known.keys()}

    async def belongs_to(self, subject: str, user_id: int) -> None:
        """Say whose key this is, so that erasing the person finds it."""
        statement = update(self._table).where(self._table.c.subject == subject)
        await self._session.execute(statement.values(user_id=user_id))

    def blind(self, purpose: str, value: str) -> bytes:
        """The blind index of `value`; see ServiceKeys.blind."""
        return self._keys.blind(purpose, value)
