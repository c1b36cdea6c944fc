"""What other services of ours ask users. Whoever became part of another is answered as them."""

from typing import Annotated

from fastapi import Query, Response

from libs.common.clock import utc_now
from libs.common.db.uow import Transaction
from libs.common.masks import masked_name, masked_phone
from libs.common.web.auth import Service
from libs.common.web.responses import NOT_KEPT, Success, answer
from libs.common.web.routing import router
from libs.common.web.units import Uow
from services.users.domain import contacting, people, preferring, proving
from services.users.domain.contacting import BY_PHONE, Decision, Standing
from services.users.domain.people import Person
from services.users.models import ConsentPurpose, ContactChannel, User
from services.users.repository.people import UserRepository
from services.users.repository.privacy import ConsentRepository
from services.users.routes.deps import UserId
from services.users.schemas.people import ContactCard
from services.users.schemas.privacy import ContactDecision, DecisionQuery

routes = router(prefix="/internal/users", tag="internal")


@routes.get("/{user_id}/contact", response_model=Success[ContactCard])
async def read_contact(user_id: UserId, caller: Service, uow: Uow) -> Response:
    """The masked contact of a person, for the page of a case."""
    async with uow.read() as tx:
        person = await people.opened(tx, await UserRepository(tx.session).survivor(user_id))
    card = ContactCard(
        name_masked=masked_name(person.name), phone_masked=masked_phone(person.phone_number)
    )
    return answer(Success(data=card))


@routes.get("/{user_id}/contact-decision", response_model=Success[ContactDecision])
async def decide_contact(
    user_id: UserId, query: Annotated[DecisionQuery, Query()], caller: Service, uow: Uow
) -> Response:
    """May this person be contacted now, how, and where; and if not now, when."""
    async with uow.read() as tx:
        user = await UserRepository(tx.session).survivor(user_id)
        person = await people.opened(tx, user)
        standing = await _standing(tx, await proving.who_proved(tx, user), person)
    decision = contacting.decide(
        standing,
        purpose=query.purpose,
        channel=query.channel,
        is_restricted=query.restricted,
        now=utc_now(),
    )
    data = ContactDecision(
        user_id=user.user_id,
        may_contact=decision.may_contact,
        why=decision.why,
        channel=decision.channel,
        address=_address(decision, person),
        not_before=decision.not_before,
        language=decision.language,
        leave_message=decision.leave_message,
        code_word_required=decision.code_word_required,
    )
    return answer(Success(data=data), headers=NOT_KEPT)


async def _standing(tx: Transaction, user: User, person: Person) -> Standing:
    wanted = await preferring.preferences_of(tx, user)
    said = await ConsentRepository(tx.session).latest(user.user_id)
    safe = wanted.safe_channels
    return Standing(
        language=wanted.language,
        channel=wanted.channel,
        safe_channels=None if safe is None else frozenset(safe),
        hours=wanted.hours,
        has_code_word=wanted.code_word is not None,
        never_leave_message=wanted.never_leave_message,
        consents={ConsentPurpose(row.purpose): row.is_given for row in said},
        has_phone=person.phone_number is not None,
        has_email=person.email is not None,
        is_erased=user.erased_at is not None,
    )


def _address(decision: Decision, person: Person) -> str | None:
    if not decision.may_contact:
        return None
    if decision.channel in BY_PHONE:
        return person.phone_number
    return person.email if decision.channel is ContactChannel.EMAIL else None
