"""Filing a grievance (T1): everything about it is in one transaction, and asks nobody else."""

import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field

from libs.common.clock import utc_now
from libs.common.contracts.grievance import GrievanceSubmitted
from libs.common.db.uow import Transaction
from libs.common.errors import Conflict, Forbidden, Invalid
from libs.common.ids import digits, new_id, reference
from libs.common.permissions import Permission
from libs.common.principal import Principal, Role
from libs.language.detecting import detect
from libs.language.sensitivity import Sensitivity, triage
from services.grievance.domain import auditing
from services.grievance.domain.belonging import find_by, seal_new
from services.grievance.models import (
    Act,
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
from services.grievance.repository.words import Belonging

ACCESS_CODE_DIGITS = 12
FIRST_LEVEL = 1
_AN_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class GrievanceExists(Conflict):
    """A case with this reference exists; whose it is, is not said."""

    code = "GRIEVANCE_EXISTS"


class OrganisationNotYours(Forbidden):
    """Who answers for a case is said by those who know the programme."""

    code = "ORGANISATION_NOT_YOURS_TO_NAME"


class UnknownFile(Invalid):
    """What is named can be no file of the caller's."""

    code = "FILE_UNKNOWN"


@dataclass(frozen=True, slots=True)
class Contact:
    """Who complains, and how to reach them; each part may be missing, not all at once."""

    name: str | None = None
    phone_number: str | None = None
    email: str | None = None
    address: str | None = None
    municipality: str | None = None

    def to_json(self) -> str:
        """The form that is sealed."""
        return json.dumps(asdict(self))


@dataclass(frozen=True, slots=True)
class Place:
    """Where it happened within a municipality: a ward, and the complainant's words."""

    ward: int | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Complaint:
    """What somebody files."""

    description: str
    belonging: Belonging
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


def check_may_name_organisation(by: Principal) -> None:
    """Raises OrganisationNotYours for complainants: it decides which officers see the case."""
    if by.role is not Role.API_CLIENT and not by.may(Permission.CASE_CORRECT):
        raise OrganisationNotYours("Leave out `organisation`: officers say who answers for it.")


def check_may_name_files(by: Principal, file_ids: Iterable[str]) -> None:
    """Raises UnknownFile for what can be no file's id: they are kept in the open.

    Only keys name files themselves.
    """
    if by.role is not Role.API_CLIENT and not all(map(_AN_ID.fullmatch, file_ids)):
        raise UnknownFile("`file_ids` are ids of files you sent: send them first.")


def new_reference(prefix: str) -> str:
    """A reference nobody has, most likely; the database knows for certain."""
    return reference(prefix, utc_now().year)


def file_grievance(
    tx: Transaction,
    complaint: Complaint,
    *,
    grievance_id: str,
    by: str,
    on_behalf: Principal | None = None,
) -> Filed:
    """Write the case, its first history row, its sealed contact and the fact that it was filed.

    Sensitivity is decided here, by rules, before the first row exists: a SEAH case is invisible to
    everybody else from the beginning, and its facts travel apart. Staff file `on_behalf` of
    somebody: that is audited.
    """
    sensitivity = triage(f"{complaint.description}\n{complaint.place.text or ''}").sensitivity
    code = digits(ACCESS_CODE_DIGITS)
    is_for_another = on_behalf is not None
    _insert_case(tx, complaint, grievance_id, by, sensitivity, code, is_for_another=is_for_another)
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
    if on_behalf:
        restricted = sensitivity is Sensitivity.SEAH
        auditing.record(
            tx, Act.FILED_FOR_SOMEBODY, grievance_id, by=on_behalf, restricted=restricted
        )
    return Filed(grievance_id, code, Status.PENDING)


def _insert_case(
    tx: Transaction,
    complaint: Complaint,
    grievance_id: str,
    by: str,
    sensitivity: Sensitivity,
    code: str,
    *,
    is_for_another: bool,
) -> None:
    key = tx.vault.create(case_subject(grievance_id))
    place, own = complaint.place, complaint.client_reference or None
    now = utc_now()
    tx.insert(
        Grievance,
        grievance_id=grievance_id,
        filed_by=by,
        is_for_another=is_for_another,
        client_reference=own and key.seal("grievances.client_reference", grievance_id, own),
        client_reference_index=own and client_reference_index(tx, own),
        conversation_id=complaint.conversation_id,
        channel=complaint.channel,
        **seal_new(tx, grievance_id, complaint.belonging),
        status=Status.PENDING,
        level=FIRST_LEVEL,
        sensitivity=sensitivity,
        language=detect(complaint.description),
        description=key.seal("grievances.description", grievance_id, complaint.description),
        categories=[],
        classification_status=ClassificationStatus.PENDING,
        ward=place.ward,
        place=key.seal("grievances.place", grievance_id, place.text) if place.text else None,
        access_code=access_code_index(tx, grievance_id, code),
        version=1,
        created_at=now,
        updated_at=now,
    )
    find_by(tx, grievance_id, complaint.belonging, filed_at=now)
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


def client_reference_index(tx: Transaction, client_reference: str) -> bytes:
    """What a case is found by when somebody names it as they did when they filed it."""
    return tx.vault.blind("client_reference", client_reference)


def is_owner(caller: Principal, grievance: Grievance) -> bool:
    """Whether `caller` filed this case."""
    return grievance.filed_by == caller.id
