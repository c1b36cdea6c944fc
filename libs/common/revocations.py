"""Sessions that were ended before their tokens were."""

from collections.abc import Collection
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from libs.common.clock import monotonic

TIDY_ABOVE = 10_000


class RevocationPage(BaseModel):
    """A stretch of what users lists: ids of sessions, of guests' sessions, and of API keys."""

    model_config = ConfigDict(frozen=True)

    items: list[str]
    as_of: datetime
    """When it was looked at, by the clock of who lists."""
    next_cursor: str | None = None


class Revocations:
    """The ids of ended sessions, each for as long as a token of it could still be shown."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}

    def __contains__(self, session: object) -> bool:
        return session in self._until

    def __len__(self) -> int:
        return len(self._until)

    def add(self, sessions: Collection[str], *, seconds: float) -> frozenset[str]:
        """Refuse these for `seconds`; which of them were not refused before."""
        until = monotonic() + seconds
        new = frozenset(session for session in sessions if session not in self._until)
        self._until.update((session, until) for session in sessions if session)
        if len(self._until) > TIDY_ABOVE:
            self._tidy()
        return new - {""}

    def _tidy(self) -> None:
        now = monotonic()
        self._until = {session: until for session, until in self._until.items() if until > now}
