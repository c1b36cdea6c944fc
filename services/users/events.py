"""What users hears."""

from libs.common.contracts.grievance import GrievanceSubmitted
from libs.common.db.uow import Transaction
from libs.common.messaging.consumer import Consumer
from services.users.clients import Contact, GrievanceClient
from services.users.domain import people
from services.users.domain.people import Person


def hears(grievance: GrievanceClient | None) -> Consumer:
    """The consumer of this service; without `grievance` it only knows its topics."""
    consumer = Consumer("users")

    async def fetch_contact(event: GrievanceSubmitted) -> Contact | None:
        assert grievance is not None  # noqa: S101 - a consumer that runs was given it
        return await grievance.contact(event.grievance_id)

    @consumer.on(GrievanceSubmitted, fetch=fetch_contact, when=lambda event: event.has_contact)
    async def take_contact_over(
        event: GrievanceSubmitted, tx: Transaction, contact: Contact | None
    ) -> None:
        """Take the complainant into the vault, and tell the case who they are."""
        if contact and (contact.name or contact.phone_number):
            said = Person(name=contact.name, phone_number=contact.phone_number)
            await people.take_over(tx, event.grievance_id, said)

    return consumer
