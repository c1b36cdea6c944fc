"""The audit log: written in the transaction of the act it tells."""

from libs.common.clock import utc_now
from libs.common.db.uow import Transaction
from services.users.models import Act, AuditRow


def record(tx: Transaction, act: Act, *, by: str, about: str | None) -> None:
    """Write down who did what to whom."""
    tx.insert(AuditRow, who=by, act=act, about=about, at=utc_now())
