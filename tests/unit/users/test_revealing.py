from datetime import UTC, datetime

import pytest

from services.users.domain.revealing import RevealReason, UnknownReason, is_off_hours, reason_of


@pytest.mark.parametrize(
    ("now", "is_so"),
    [
        (datetime(2026, 3, 1, 6, 0, tzinfo=UTC), False),  # a Sunday, 11:45
        (datetime(2026, 3, 2, 4, 14, tzinfo=UTC), True),  # 9:59
        (datetime(2026, 3, 2, 4, 15, tzinfo=UTC), False),
        (datetime(2026, 3, 2, 11, 14, tzinfo=UTC), False),
        (datetime(2026, 3, 2, 11, 15, tzinfo=UTC), True),  # 17:00
        (datetime(2026, 3, 7, 6, 0, tzinfo=UTC), True),  # a Saturday
        (datetime(2026, 3, 6, 18, 30, tzinfo=UTC), True),  # Saturday there, Friday in Greenwich
    ],
)
def test_off_hours_are_those_of_kathmandu(now: datetime, is_so: bool) -> None:
    """domain.md, calendar default."""
    assert is_off_hours(now) is is_so


def test_there_are_six_reasons_and_no_other() -> None:
    assert len(RevealReason) == 6
    assert reason_of("legal_request") is RevealReason.LEGAL_REQUEST
    for other in ("", "curious", "LEGAL_REQUEST"):
        with pytest.raises(UnknownReason):
            reason_of(other)
