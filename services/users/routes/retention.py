"""How long what is kept is kept."""

from typing import Annotated

from fastapi import Depends, Response

from libs.common.permissions import Permission
from libs.common.principal import Principal
from libs.common.web.auth import Service, may
from libs.common.web.responses import Success, answer
from libs.common.web.routing import router
from libs.common.web.units import RequestUnit, Uow
from services.users.domain import retaining
from services.users.routes.deps import RetentionKind
from services.users.schemas.exports import RetentionRuleIn, RetentionRuleRead

routes = router(prefix="/api/v1/retention-rules", tag="privacy")
internal = router(prefix="/internal/retention-rules", tag="internal")

Keeper = Annotated[Principal, Depends(may(Permission.RETENTION_MANAGE))]


@routes.get("", response_model=Success[list[RetentionRuleRead]])
async def list_rules(caller: Keeper, uow: Uow) -> Response:
    """How many days each kind of data is kept."""
    return await _rules(uow)


@routes.put("/{kind}", response_model=Success[RetentionRuleRead])
async def set_rule(
    kind: RetentionKind, body: RetentionRuleIn, caller: Keeper, uow: Uow
) -> Response:
    """Keep a kind for so many days from now on. It is in the audit log."""
    async with uow.begin() as tx:
        rule = await retaining.set_rule(tx, kind, body.keep_days, by=caller)
    return answer(Success(data=RetentionRuleRead.model_validate(rule)))


@internal.get("", response_model=Success[list[RetentionRuleRead]])
async def rules_for_services(_: Service, uow: Uow) -> Response:
    """The same, for the services that delete what they keep."""
    return await _rules(uow)


async def _rules(uow: RequestUnit) -> Response:
    async with uow.read() as tx:
        found = await retaining.rules(tx)
    return answer(Success(data=[RetentionRuleRead.model_validate(each) for each in found.values()]))
