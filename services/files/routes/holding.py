"""Everything this service holds on somebody, for their export; bytes are asked for one by one."""

from collections.abc import Sequence
from typing import Any

from libs.common.db.uow import Transaction
from libs.common.web.holding import holding_routes
from services.files.repository import FileRepository
from services.files.routes.serving import name_of

FACTS = ("file_id", "grievance_id", "file_type", "mime_type", "file_size", "sha256", "status")


async def everything_held(tx: Transaction, user_id: int, cases: Sequence[str]) -> dict[str, Any]:
    """The files of a person, and of their cases."""
    held = [
        {name: getattr(file, name) for name in FACTS}
        | {"file_name": await name_of(tx, file), "created_at": file.created_at.isoformat()}
        for file in await FileRepository(tx.session).of_person(f"user:{user_id}", cases)
    ]
    return {"files": held}


routes = holding_routes(everything_held)
