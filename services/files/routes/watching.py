"""What the gateway asks before somebody watches a file: who may read it may watch it.

A file of a SEAH case is watched by nobody: nothing of it is ever pushed.
"""

from fastapi import Response

from libs.common.permissions import Permission
from libs.common.web.auth import OnBehalfOf, Service
from libs.common.web.responses import Schema, Success, answer
from libs.common.web.routing import router
from libs.common.web.units import Uow
from services.files.repository import FileNotFound, FileRepository
from services.files.routes.deps import Cases
from services.files.routes.serving import visible

routes = router(prefix="/internal/watch", tag="internal")


class FileWatched(Schema):
    id: str


@routes.get("/{file_id}", response_model=Success[FileWatched])
async def watch_file(
    file_id: str, caller: Service, person: OnBehalfOf, uow: Uow, cases: Cases
) -> Response:
    """The file, for somebody who may watch it. 404 for everybody else."""
    if person is None or not person.may(Permission.FILE_READ):
        raise FileNotFound("There is no such file.")
    file, _ = await visible(file_id, person, uow, cases)
    async with uow.read() as tx:
        case = await FileRepository(tx.session).case(file.grievance_id)
    if case is not None and case.restricted:
        raise FileNotFound("There is no such file.")
    return answer(Success(data=FileWatched(id=file.file_id)))
