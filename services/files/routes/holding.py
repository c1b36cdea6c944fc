"""Everything this service holds on somebody, for their export; bytes are asked for one by one."""

from typing import Annotated, Any

from fastapi import Query, Response

from libs.common.web.auth import Service
from libs.common.web.responses import Schema, Success, answer
from libs.common.web.routing import router
from libs.common.web.units import Uow
from services.files.repository import FileRepository
from services.files.routes.serving import name_of

routes = router(prefix="/internal/people", tag="internal")
FACTS = ("file_id", "grievance_id", "file_type", "mime_type", "file_size", "sha256", "status")
Cases = Annotated[list[str], Query(max_length=1000)]


class Holding(Schema):
    held: dict[str, Any]


@routes.get("/{user_id}/export", response_model=Success[Holding])
async def everything_held(
    user_id: int,
    caller: Service,
    uow: Uow,
    case: Cases = [],  # noqa: B006 - read only
) -> Response:
    """The files of a person, and of their cases."""
    async with uow.read() as tx:
        held = [
            {name: getattr(file, name) for name in FACTS}
            | {"file_name": await name_of(tx, file), "created_at": file.created_at.isoformat()}
            for file in await FileRepository(tx.session).of_person(f"user:{user_id}", case)
        ]
    return answer(Success(data=Holding(held={"files": held})))
