"""Questions to the files schema."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import and_, delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from libs.common.db.vault import GUEST
from libs.common.db.writes import insert_new
from libs.common.errors import NotFound
from services.files.models import GROUND, FileAttachment, KnownCase, file_subject


class FileNotFound(NotFound):
    """No such file, or none for this caller."""

    code = "FILE_NOT_FOUND"


class FileRepository:
    """Files and the cases they name, within one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, file_id: str, *, for_update: bool = False) -> FileAttachment:
        """A file, whoever asks. Raises FileNotFound."""
        found = await self.find(file_id, for_update=for_update)
        if found is None:
            raise FileNotFound("There is no such file.")
        return found

    async def find(self, file_id: str, *, for_update: bool = False) -> FileAttachment | None:
        """A file, if there is one."""
        query = select(FileAttachment).where(FileAttachment.file_id == file_id)
        if for_update:
            query = query.with_for_update()
        found: FileAttachment | None = await self._session.scalar(query)
        return found

    async def add(self, file: Mapping[str, Any]) -> bool:
        """Write a new row; False when the id is taken."""
        return await insert_new(self._session, FileAttachment.__table__, **file)  # type: ignore[arg-type]

    async def of_case(self, grievance_id: str, file_ids: Collection[str]) -> list[FileAttachment]:
        """What names this case already, and those `file_ids`: to be changed, in a fixed order."""
        wanted = or_(
            FileAttachment.grievance_id == grievance_id, FileAttachment.file_id.in_(file_ids)
        )
        query = select(FileAttachment).where(wanted).order_by(FileAttachment.file_id)
        return list(await self._session.scalars(query.with_for_update()))

    async def hand_over(self, owner: str, *, to: str) -> Sequence[str]:
        """What `owner` sent, `to` sent; answer the ids."""
        theirs = update(FileAttachment).where(FileAttachment.owner == owner).values(owner=to)
        return (await self._session.scalars(theirs.returning(FileAttachment.file_id))).all()

    async def of_person(
        self, owner: str, grievance_ids: Collection[str]
    ) -> Sequence[FileAttachment]:
        """What somebody sent to no case, and what is of their cases, whoever sent it."""
        alone = and_(FileAttachment.owner == owner, FileAttachment.grievance_id.is_(None))
        theirs = or_(alone, FileAttachment.grievance_id.in_(grievance_ids))
        query = select(FileAttachment).where(theirs).order_by(FileAttachment.file_id)
        return (await self._session.scalars(query)).all()

    async def of_owner(self, owner: str) -> list[FileAttachment]:
        """What somebody sent: to be changed, in a fixed order."""
        query = select(FileAttachment).where(FileAttachment.owner == owner)
        query = query.order_by(FileAttachment.file_id)
        return list(await self._session.scalars(query.with_for_update()))

    async def unclaimed(self, before: datetime, *, limit: int) -> list[FileAttachment]:
        """What guests sent before then to no case; held, but for busy ones."""
        query = select(FileAttachment).where(
            FileAttachment.owner.startswith(GUEST),
            FileAttachment.grievance_id.is_(None),
            FileAttachment.created_at < before,
        )
        held = query.with_for_update(skip_locked=True)
        return list(
            await self._session.scalars(held.order_by(FileAttachment.created_at).limit(limit))
        )

    async def remove(self, file: FileAttachment) -> None:
        """Forget a file, and the key that sealed its name."""
        keys = GROUND.data_keys
        await self._session.execute(
            delete(keys).where(keys.c.subject == file_subject(file.file_id))
        )
        await self._session.delete(file)

    async def case(self, grievance_id: str | None) -> KnownCase | None:
        """The case, if it was heard of."""
        if grievance_id is None:
            return None
        query = select(KnownCase).where(
            KnownCase.grievance_id == grievance_id, KnownCase.restricted.is_not(None)
        )
        found: KnownCase | None = await self._session.scalar(query)
        return found

    async def claim_case(self, grievance_id: str) -> KnownCase:
        """The row of a case, made if it is missing, and locked.

        Who names a case and who hears of it take turns here.
        """
        table = KnownCase.__table__
        await insert_new(self._session, table, grievance_id=grievance_id, restricted=None)  # type: ignore[arg-type]
        query = select(KnownCase).where(KnownCase.grievance_id == grievance_id).with_for_update()
        return (await self._session.scalars(query)).one()

    async def known_paths(self, paths: Collection[str]) -> set[str]:
        """Those of `paths` that belong to a file."""
        rows = await self._session.execute(
            select(FileAttachment.file_path, FileAttachment.working_path).where(
                or_(FileAttachment.file_path.in_(paths), FileAttachment.working_path.in_(paths))
            )
        )
        return {path for row in rows for path in row if path}

    async def caseless(self, before: datetime, *, limit: int) -> Sequence[FileAttachment]:
        """Files older than `before` that name a case nobody ever filed."""
        unheard = select(KnownCase.grievance_id).where(KnownCase.restricted.is_(None))
        query = (
            select(FileAttachment)
            .where(FileAttachment.grievance_id.in_(unheard), FileAttachment.created_at < before)
            .order_by(FileAttachment.created_at)
            .limit(limit)
            .with_for_update()
        )
        return (await self._session.scalars(query)).all()
