"""What the audit log is told of cases: what staff do, and that a restricted case was read.

What complainants do themselves is the case's history and its events; it is not told twice.
"""

from typing import Any

from libs.common import auditing
from libs.common.db.uow import Transaction
from libs.common.principal import Principal
from libs.language.sensitivity import Sensitivity
from services.grievance.models import Act, Grievance


def record(
    tx: Transaction,
    act: Act,
    grievance_id: str,
    *,
    by: Principal,
    restricted: bool,
    **details: Any,
) -> None:
    """Write down what somebody did to a case."""
    auditing.record(tx, act, by=by, target=f"case:{grievance_id}", restricted=restricted, **details)


def is_reading_told(reader: Principal, grievance: Grievance) -> bool:
    """Whether it is written down that `reader` read this case."""
    return grievance.sensitivity == Sensitivity.SEAH and grievance.filed_by != reader.id
