"""Who the caller is, and what is kept of them here: the one place that shows it in plain text."""

from fastapi import Response

from libs.common.web.responses import NOT_KEPT, Success, answer
from libs.common.web.routing import router
from libs.common.web.units import Uow
from services.users.domain import people
from services.users.domain.people import Person
from services.users.domain.signing_in import username_of
from services.users.routes.deps import SelfReader
from services.users.routes.seeing import own_row, scope_read
from services.users.schemas.people import Me

routes = router(prefix="/api/v1", tag="users")


@routes.get("/users/me", response_model=Success[Me])
async def read_myself(caller: SelfReader, uow: Uow) -> Response:
    """Who you are by your token, and everything that is kept of you here."""
    person, login = Person(), None
    async with uow.read() as tx:
        user = await own_row(tx, caller)
        if user:
            person, login = await people.opened(tx, user), await username_of(tx, user)
    data = Me(
        id=caller.id,
        role=caller.role,
        level=caller.level.name.lower(),
        scope=scope_read(caller.scope),
        user_id=user.user_id if user else None,
        name=person.name,
        phone_number=person.phone_number,
        email=person.email,
        address=person.address,
        municipality=person.municipality,
        national_id=person.national_id,
        username=login,
    )
    return answer(Success(data=data), headers=NOT_KEPT)
