"""What somebody should look into, counted by kind for whoever watches the metrics: without ids."""

from prometheus_client import Counter

from libs.common.contracts.audit import AuditRecorded
from services.users.domain.granting import REUSED
from services.users.domain.revealing import Alert
from services.users.models import Act

ALERTS = Counter(
    "redress_users_alerts", "Acts of the audit log that somebody should look into.", ["kind"]
)
KINDS: dict[tuple[str, str | None], str] = {
    (Act.REVEAL_ALERT, Alert.DENIED): "reveal_denied",
    (Act.REVEAL_ALERT, Alert.MANY): "reveal_many",
    (Act.REVEAL_ALERT, Alert.OFF_HOURS): "reveal_off_hours",
    (Act.FACTOR_RESTS, None): "factor_rests",
    (Act.SESSION_ENDED, REUSED): "refresh_reused",
}
for _kind in KINDS.values():
    # There from the start, at nought: a rate is blind to the first of what was not there before.
    ALERTS.labels(_kind)


def count(said: AuditRecorded) -> None:
    """Count an act that somebody should look into; of the others nothing is kept here."""
    kind = KINDS.get((said.act, said.reason))
    if kind:
        ALERTS.labels(kind).inc()
