"""What people agree to, and take back: written down each time, never written over."""

from libs.common.clock import utc_now
from libs.common.db.uow import Transaction
from libs.common.ids import new_id
from libs.common.principal import Principal
from services.users.domain.auditing import record
from services.users.domain.preferring import check_may_speak_for
from services.users.models import Act, Consent, ConsentPurpose, User


async def say(
    tx: Transaction,
    user: User,
    purpose: ConsentPurpose,
    *,
    is_given: bool,
    text_version: str | None,
    by: Principal,
    reason: str | None,
) -> Consent:
    """Write down what `user` says about `purpose` now. Raises ReasonMissing, RoleNotYours."""
    await check_may_speak_for(tx, by, user, reason)
    row = Consent(
        consent_id=new_id(),
        user_id=user.user_id,
        purpose=purpose,
        is_given=is_given,
        text_version=text_version,
        said_by=by.id,
        at=utc_now(),
    )
    tx.session.add(row)
    record(tx, Act.CONSENT_RECORDED, by=by, about=user.principal_id, reason=reason)
    return row
