"""Forgetting a complainant: their cases stay, as cases of nobody."""

from libs.common.contracts.grievance import GrievanceErased
from libs.common.db.uow import Transaction
from services.grievance.domain.handling import is_restricted
from services.grievance.models import Grievance
from services.grievance.repository.cases import GrievanceRepository

NO_CODE = b""
"""What no access code hashes to."""
DELETED = "deleted"


async def erase_person(tx: Transaction, user_id: int) -> None:
    """Destroy the keys of a person's cases, and whatever of them could still be read.

    Municipality, ward and categories stay: they say where and what, and the case is worked on.
    """
    for grievance in await GrievanceRepository(tx).of_person(user_id, for_update=True):
        await erase_case(tx, grievance)


async def erase_case(tx: Transaction, grievance: Grievance) -> None:
    """Make `grievance` a case of nobody, and say so: files, tasks and chat forget it as well."""
    await tx.vault.destroy(grievance.subject)
    grievance.place = grievance.summary = grievance.resolution = None
    grievance.client_reference = grievance.client_reference_index = None
    grievance.access_code = NO_CODE
    repository = GrievanceRepository(tx)
    party = await repository.complainant(grievance.grievance_id)
    if party is not None:
        party.contact = None
    for file in await repository.files(grievance.grievance_id):
        file.status = DELETED
    fact = GrievanceErased(
        grievance_id=grievance.grievance_id, conversation_id=grievance.conversation_id
    )
    tx.publish(fact, restricted=is_restricted(grievance))
