"""Everything this service holds on somebody, for their export."""

from collections.abc import Sequence
from typing import Any

from libs.common.db.uow import Transaction
from libs.common.web.holding import holding_routes
from services.grievance.domain.belonging import belonging
from services.grievance.domain.handling import is_restricted
from services.grievance.domain.texts import Texts
from services.grievance.models import Grievance
from services.grievance.repository.cases import GrievanceRepository

TEXTS = ("client_reference", "description", "summary", "place", "resolution")
FACTS = (
    "grievance_id", "channel", "status", "level", "language",
    "category", "categories", "ward", "resolution_category",
)  # fmt: skip


async def everything_held(tx: Transaction, user_id: int, _: Sequence[str]) -> dict[str, Any]:
    """The cases of a person as they may read them: without notes and without names of staff.

    A phone is shared, and taken away: a restricted case is there for who filed it, and not for
    whoever answers the number that was named in it.
    """
    theirs = [
        found
        for found in await GrievanceRepository(tx).of_person(user_id)
        if not is_restricted(found) or found.filed_by == f"user:{user_id}"
    ]
    return {"cases": [await _case(tx, found) for found in theirs]}


routes = holding_routes(everything_held)


async def _case(tx: Transaction, found: Grievance) -> dict[str, Any]:
    repository, case = GrievanceRepository(tx), found.grievance_id
    texts, belongs = await Texts.of(tx, found), await belonging(tx, found)
    party = await repository.complainant(case)
    contact = party and texts.open("parties.contact", party.party_id, party.contact)
    return {
        **{name: getattr(found, name) for name in FACTS},
        **{name: texts.open(f"grievances.{name}", case, getattr(found, name)) for name in TEXTS},
        "project_type": belongs.project_type,
        "municipality": belongs.municipality,
        "contact": contact or None,
        "conversation_id": found.conversation_id,
        "created_at": found.created_at.isoformat(),
        "updated_at": found.updated_at.isoformat(),
        "history": [
            {"status": row.status, "action": row.action, "at": row.created_at.isoformat()}
            for row in await repository.history(case)
        ],
        "files": [file.file_id for file in await repository.files(case)],
    }
