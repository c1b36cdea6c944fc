"""What other services of ours ask users."""

from fastapi import Response

from libs.common.web.auth import Service
from libs.common.web.responses import Success, answer
from libs.common.web.routing import router
from libs.common.web.units import Uow
from services.users.domain import people
from services.users.domain.masking import masked_name, masked_phone
from services.users.repository import UserRepository
from services.users.routes.deps import UserId
from services.users.schemas import ContactCard

routes = router(prefix="/internal/users", tag="internal")


@routes.get("/{user_id}/contact", response_model=Success[ContactCard])
async def read_contact(user_id: UserId, caller: Service, uow: Uow) -> Response:
    """The masked contact of a person, for the page of a case."""
    async with uow.read() as tx:
        person = await people.opened(tx, await UserRepository(tx.session).get(user_id))
    card = ContactCard(
        name_masked=masked_name(person.name), phone_masked=masked_phone(person.phone_number)
    )
    return answer(Success(data=card))
