"""What files hears."""

from libs.common.contracts.grievance import GrievanceErased, GrievanceSubmitted
from libs.common.contracts.tasks import TaskFileProcessed
from libs.common.contracts.users import GuestBound, UserErased, UserMerged
from libs.common.db.uow import Transaction
from libs.common.messaging.consumer import Consumer
from services.files.clients.store import Store
from services.files.domain import binding, erasing, working
from services.files.repository import FileRepository


def hears(store: Store | None) -> Consumer:
    """The consumer of this service; without `store` it only knows its topics."""
    consumer = Consumer("files")

    @consumer.on(TaskFileProcessed)
    async def settle_file(event: TaskFileProcessed, tx: Transaction) -> None:
        """A file was looked into: serve it, or refuse it and forget its bytes."""
        assert store is not None  # noqa: S101 - a consumer that runs was given it
        await working.settle(tx, store, event.file_id, outcome=event.outcome)

    @consumer.on(GuestBound)
    async def bind_guest(event: GuestBound, tx: Transaction) -> None:
        """A guest has proved who they are: the files they sent are that person's."""
        assert store is not None  # noqa: S101 - a consumer that runs was given it
        await binding.bind(tx, store, event.guest_id, event.user_id)

    @consumer.on(UserErased)
    async def erase_person(event: UserErased, tx: Transaction) -> None:
        """Somebody was erased: so are the files they sent."""
        assert store is not None  # noqa: S101 - a consumer that runs was given it
        await erasing.erase_person(tx, store, event.user_id)

    @consumer.on(GrievanceErased)
    async def erase_case(event: GrievanceErased, tx: Transaction) -> None:
        """A case is nobody's now: its photos and voices would still say whose it was."""
        assert store is not None  # noqa: S101 - a consumer that runs was given it
        await erasing.erase_case(tx, store, event.grievance_id)

    @consumer.on(UserMerged)
    async def merge_person(event: UserMerged, tx: Transaction) -> None:
        """Two people were one: what the one that went sent, the other sent."""
        assert store is not None  # noqa: S101 - a consumer that runs was given it
        into = await tx.vault.survivor(event.into_user_id)
        is_there = await tx.vault.pass_on(event.user_id, to=into)
        await FileRepository(tx.session).hand_over(f"user:{event.user_id}", to=f"user:{into}")
        if not is_there:
            await erasing.erase_person(tx, store, into)

    consumer.on(GrievanceSubmitted, when=lambda event: bool(event.file_ids))(attach_files)
    return consumer


async def attach_files(event: GrievanceSubmitted, tx: Transaction) -> None:
    """A case was filed: the files it names become part of it, if they are its filer's."""
    await working.attach(tx, event.grievance_id, event.file_ids, filed_by=event.filed_by)
