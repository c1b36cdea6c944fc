"""Everything this service holds on somebody, for their export."""

from typing import Any

from fastapi import Response

from libs.common.db.uow import Transaction
from libs.common.web.auth import Service
from libs.common.web.responses import Schema, Success, answer
from libs.common.web.routing import router
from libs.common.web.units import Uow
from services.grievance.domain.handling import is_restricted
from services.grievance.domain.texts import Texts
from services.grievance.models import Grievance
from services.grievance.repository import GrievanceRepository

routes = router(prefix="/internal/people", tag="internal")
TEXTS = ("client_reference", "description", "summary", "place", "resolution")
FACTS = (
    "grievance_id", "channel", "project_type", "status", "level", "language",
    "category", "categories", "municipality", "ward", "resolution_category",
)  # fmt: skip


class Holding(Schema):
    held: dict[str, Any]


@routes.get("/{user_id}/export", response_model=Success[Holding])
async def everything_held(user_id: int, caller: Service, uow: Uow) -> Response:
    """The cases of a person as they may read them: without notes and without names of staff.

    A phone is shared, and taken away: a restricted case is there for who filed it, and not for
    whoever answers the number that was named in it.
    """
    async with uow.read() as tx:
        cases = [
            await _case(tx, found)
            for found in await GrievanceRepository(tx.session).of_person(user_id)
            if not is_restricted(found) or found.filed_by == f"user:{user_id}"
        ]
    return answer(Success(data=Holding(held={"cases": cases})))


async def _case(tx: Transaction, found: Grievance) -> dict[str, Any]:
    repository, case = GrievanceRepository(tx.session), found.grievance_id
    texts = await Texts.of(tx, found)
    party = await repository.complainant(case)
    contact = party and texts.open("parties.contact", party.party_id, party.contact)
    return {
        **{name: getattr(found, name) for name in FACTS},
        **{name: texts.open(f"grievances.{name}", case, getattr(found, name)) for name in TEXTS},
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
