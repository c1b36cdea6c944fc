"""What files hears."""

from libs.common.contracts.grievance import GrievanceSubmitted
from libs.common.contracts.tasks import TaskFileProcessed
from libs.common.db.uow import Transaction
from libs.common.messaging.consumer import Consumer
from services.files.clients.store import Store
from services.files.domain import working


def hears(store: Store | None) -> Consumer:
    """The consumer of this service; without `store` it only knows its topics."""
    consumer = Consumer("files")

    @consumer.on(TaskFileProcessed)
    async def settle_file(event: TaskFileProcessed, tx: Transaction) -> None:
        """A file was looked into: serve it, or refuse it and forget its bytes."""
        assert store is not None  # noqa: S101 - a consumer that runs was given it
        await working.settle(tx, store, event.file_id, outcome=event.outcome)

    consumer.on(GrievanceSubmitted, when=lambda event: bool(event.file_ids))(attach_files)
    return consumer


async def attach_files(event: GrievanceSubmitted, tx: Transaction) -> None:
    """A case was filed: the files it names become part of it, if they are its filer's."""
    await working.attach(tx, event.grievance_id, event.file_ids, filed_by=event.filed_by)
