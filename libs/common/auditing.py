"""Telling the audit log: in the transaction of the act, so that neither is without the other."""

from typing import Any

from libs.common.contracts.audit import AuditRecorded
from libs.common.db.uow import Transaction
from libs.common.principal import Principal

NOTHING = "-"


def record(
    tx: Transaction,
    act: str,
    *,
    by: Principal | str,
    target: str | None,
    reason: str | None = None,
    restricted: bool = False,
    **details: Any,
) -> None:
    """Say who did what to what. `details` are ids, codes and numbers: never what anybody wrote.

    What is audited is nobody's feed: it travels apart, always. `restricted` acts are also told to
    nobody but those who may know of restricted cases.
    """
    who, role = (by, None) if isinstance(by, str) else (by.id, by.role.value)
    tx.publish(
        AuditRecorded(
            who=who,
            role=role,
            act=act,
            target=target or NOTHING,
            reason=reason,
            details=details,
            is_restricted=restricted or tx.is_restricted,
        ),
        restricted=True,
    )
