"""What users hears."""

from libs.common.contracts.audit import AuditRecorded
from libs.common.contracts.grievance import GrievanceSubmitted
from libs.common.db.uow import Transaction
from libs.common.messaging.consumer import Consumer
from services.users.clients import Contact, GrievanceClient
from services.users.domain import alerting, auditing, linking
from services.users.domain.people import Person


def hears(grievance: GrievanceClient | None = None) -> Consumer:
    """The consumer of this service; without `grievance` it only knows its topics."""
    consumer = Consumer("users", grievance)
    consumer.on(GrievanceSubmitted, fetch=fetch_contact, when=_has_contact, needs=GrievanceClient)(
        take_contact_over
    )
    consumer.on(AuditRecorded)(append_to_audit_log)
    return consumer


def _has_contact(event: GrievanceSubmitted) -> bool:
    return event.has_contact


async def fetch_contact(event: GrievanceSubmitted, grievance: GrievanceClient) -> Contact | None:
    """What the complainant said of themselves, while the case still has it."""
    return await grievance.contact(event.grievance_id)


async def take_contact_over(
    event: GrievanceSubmitted, tx: Transaction, contact: Contact | None
) -> None:
    """Take the complainant into the vault, and tell the case who they are."""
    said = Person(**contact.model_dump()) if contact else Person()
    if said.said():
        await linking.take_over(tx, event.grievance_id, said, filed_by=event.filed_by)


async def append_to_audit_log(event: AuditRecorded, tx: Transaction) -> None:
    """Add what any of the services says was done to the one log of all of them."""
    assert tx.heard is not None  # noqa: S101 - a consumer's transaction handles a fact
    await auditing.append(tx, event, tx.heard)
    alerting.count(event)
