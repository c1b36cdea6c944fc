"""Filing a grievance (T1): everything about it is in one transaction, and asks nobody else."""

import json
from dataclasses import dataclass, field

from libs.common.clock import utc_now
from libs.common.contracts.grievance import GrievanceSubmitted
from libs.common.db.uow import Transaction
from libs.common.errors import Conflict
from libs.common.ids import digits, new_id, reference
from libs.common.principal import Principal
from libs.language.detecting import detect
from libs.language.sensitivity import Sensitivity, triage
from services.grievance.models import (
    Action,
    CaseFile,
    Channel,
    ClassificationStatus,
    Grievance,
    Party,
    Status,
    StatusHistory,
    case_subject,
)

ACCESS_CODE_DIGITS = 12
FIRST_LEVEL = 1


class GrievanceExists(Conflict):
    """A case with this reference exists; whose it is, is not said."""

    code = "GRIEVANCE_EXISTS"


@dataclass(frozen=True, slots=True)
class Contact:
    """How to reach the complainant; both parts may be missing, not both at once."""

    name: str | None = None
    phone_number: str | None = None

    def to_json(self) -> str:
        """The form that is sealed."""
        return json.dumps({"name": self.name, "phone_number": self.phone_number})


@dataclass(frozen=True, slots=True)
class Place:
    """Where it happened: a municipality one can filter by, a ward, and the complainant's words."""

    municipality: str | None = None
    ward: int | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Complaint:
    """What somebody files."""

    description: str
    project_type: str
    place: Place = field(default_factory=Place)
    contact: Contact | None = None
    file_ids: tuple[str, ...] = ()
    channel: Channel = Channel.API
    conversation_id: str | None = None
    client_reference: str | None = None


@dataclass(frozen=True, slots=True)
class Filed:
    """What the complainant gets: a reference to quote, and a code that opens the case."""

    grievance_id: str
    access_code: str
    status: Status


def new_reference(prefix: str) -> str:
    """A reference nobody has, most likely; the database knows for certain."""
    return reference(prefix, utc_now().year)


def file_grievance(tx: Transaction, complaint: Complaint, *, grievance_id: str, by: str) -> Filed:
    """Write the case, its first history row, its sealed contact and the fact that it was filed.

    Sensitivity is decided here, by rules, before the first row exists: a SEAH case is invisible to
    everybody else from the beginning, and its facts travel apart.
    """
    sensitivity = triage(f"{complaint.description}\n{complaint.place.text or ''}").sensitivity
    code = digits(ACCESS_CODE_DIGITS)
    _insert_case(tx, complaint, grievance_id, by, sensitivity, code)
    now = utc_now()
    tx.insert(
        StatusHistory,
        grievance_id=grievance_id,
        status=Status.PENDING,
        action=Action.SUBMIT,
        level=FIRST_LEVEL,
        created_by=by,
        created_at=now,
    )
    for file_id in complaint.file_ids:
        tx.insert(CaseFile, grievance_id=grievance_id, file_id=file_id, status="received")
    tx.publish(
        GrievanceSubmitted(
            grievance_id=grievance_id,
            channel=complaint.channel,
            filed_by=by,
            has_contact=complaint.contact is not None,
            conversation_id=complaint.conversation_id,
            file_ids=list(complaint.file_ids),
        ),
        restricted=sensitivity is Sensitivity.SEAH,
    )
    return Filed(grievance_id, code, Status.PENDING)


def _insert_case(
    tx: Transaction,
    complaint: Complaint,
    grievance_id: str,
    by: str,
    sensitivity: Sensitivity,
    code: str,
) -> None:
    key = tx.vault.create(case_subject(grievance_id))
    place = complaint.place
    now = utc_now()
    tx.insert(
        Grievance,
        grievance_id=grievance_id,
        filed_by=by,
        client_reference=complaint.client_reference,
        conversation_id=complaint.conversation_id,
        channel=complaint.channel,
        project_type=complaint.project_type,
        status=Status.PENDING,
        level=FIRST_LEVEL,
        sensitivity=sensitivity,
        language=detect(complaint.description),
        description=key.seal("grievances.description", grievance_id, complaint.description),
        categories=[],
        classification_status=ClassificationStatus.PENDING,
        municipality=place.municipality,
        ward=place.ward,
        place=key.seal("grievances.place", grievance_id, place.text) if place.text else None,
        access_code=access_code_index(tx, grievance_id, code),
        version=1,
        created_at=now,
        updated_at=now,
    )
    if complaint.contact:
        party_id = new_id()
        tx.insert(
            Party,
            party_id=party_id,
            grievance_id=grievance_id,
            role="complainant",
            contact=key.seal("parties.contact", party_id, complaint.contact.to_json()),
            created_at=now,
        )


def access_code_index(tx: Transaction, grievance_id: str, code: str) -> bytes:
    """What is kept of an access code: enough to recognise it, useless to guess from."""
    return tx.vault.blind("access_code", f"{grievance_id}:{code}")


def is_owner(caller: Principal, grievance: Grievance) -> bool:
    """Whether `caller` filed this case."""
    return grievance.filed_by == caller.id
