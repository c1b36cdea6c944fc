"""Everything this service holds on somebody, for themselves: nothing of anybody else."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from libs.common.db.uow import Transaction
from services.users.domain import people, preferring
from services.users.models import Consent, Reveal, Session, principal_of
from services.users.repository.people import UserRepository
from services.users.repository.privacy_exporting import ExportRepository


async def everything_on(tx: Transaction, user_id: int, _: Sequence[str]) -> dict[str, Any]:
    """A person's row, wishes, consents, sessions, and who looked at their data: by role only."""
    user = await UserRepository(tx.session).get(user_id)
    person = await people.opened(tx, user)
    wishes = await preferring.preferences_of(tx, user)
    repository = ExportRepository(tx.session)
    own = principal_of(user_id)
    return {
        "user_id": user_id,
        "role": user.role,
        "created_at": _text(user.created_at),
        "updated_at": _text(user.updated_at),
        "profile": person.said(),
        "preferences": {
            "language": wishes.language,
            "channel": wishes.channel,
            "safe_channels": wishes.safe_channels,
            "safe_hours": [wishes.hours.begin, wishes.hours.end] if wishes.hours else None,
            "code_word": wishes.code_word,
            "never_leave_message": wishes.never_leave_message,
        },
        "consents": [_consent(row, own) for row in await repository.consents(user_id)],
        "sessions": [_session(row) for row in await repository.sessions(user_id)],
        "looked_at": [_reveal(row) for row in await repository.reveals(user_id)],
    }


def _consent(row: Consent, own: str) -> dict[str, Any]:
    return {
        "purpose": row.purpose,
        "is_given": row.is_given,
        "text_version": row.text_version,
        "said_by": "you" if row.said_by == own else "staff",
        "at": _text(row.at),
    }


def _session(row: Session) -> dict[str, Any]:
    return {
        "method": row.method,
        "role": row.role,
        "created_at": _text(row.created_at),
        "last_seen_at": _text(row.last_seen_at),
        "ended_at": _text(row.ended_at),
    }


def _reveal(row: Reveal) -> dict[str, Any]:
    """That it was looked at, and why. By whom is in the audit log, for those who may read it."""
    return {
        "reason": row.reason,
        "fields": row.fields,
        "grievance_id": row.grievance_id,
        "was_granted": row.refused is None,
        "asked_at": _text(row.asked_at),
    }


def _text(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
