"""The one question: may somebody be contacted, how, when (reliability 3 row 44)."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from services.users.domain.contacting import (
    ContactPurpose,
    Decision,
    Hours,
    Standing,
    Why,
    decide,
)
from services.users.models import ConsentPurpose, ContactChannel

NEWS, CODE, FOLLOW_UP, RESEARCH = (
    ContactPurpose.CASE_NEWS,
    ContactPurpose.ONE_TIME_CODE,
    ContactPurpose.FOLLOW_UP,
    ContactPurpose.RESEARCH,
)
SMS, WHATSAPP, EMAIL, PHONE, CHAT = (
    ContactChannel.SMS,
    ContactChannel.WHATSAPP,
    ContactChannel.EMAIL,
    ContactChannel.PHONE,
    ContactChannel.CHAT,
)
SITA = Standing(has_phone=True, has_email=True)
NOON = datetime(2026, 3, 2, 6, 15, tzinfo=UTC)
"""12:00 in Kathmandu."""
NIGHT = datetime(2026, 3, 2, 17, 15, tzinfo=UTC)
"""23:00 in Kathmandu."""
NINE_TO_FIVE = Hours(9 * 60, 17 * 60)


def asked(
    person: Standing = SITA,
    *,
    purpose: ContactPurpose = NEWS,
    channel: ContactChannel | None = None,
    is_restricted: bool = False,
    now: datetime = NOON,
) -> Decision:
    return decide(person, purpose=purpose, channel=channel, is_restricted=is_restricted, now=now)


def said(**consents: bool) -> Standing:
    return replace(SITA, consents={ConsentPurpose(name): is_so for name, is_so in consents.items()})


@pytest.mark.parametrize(
    ("person", "purpose", "channel", "why", "chosen"),
    [
        (SITA, NEWS, None, Why.ALLOWED, SMS),
        (SITA, NEWS, EMAIL, Why.ALLOWED, EMAIL),
        (SITA, NEWS, CHAT, Why.ALLOWED, CHAT),
        (replace(SITA, channel=EMAIL), NEWS, None, Why.ALLOWED, EMAIL),
        (replace(SITA, channel=PHONE), NEWS, None, Why.ALLOWED, PHONE),
        (replace(SITA, has_phone=False), NEWS, None, Why.ALLOWED, EMAIL),
        (replace(SITA, has_phone=False), NEWS, SMS, Why.NO_ADDRESS, None),
        (replace(SITA, has_phone=False, has_email=False), NEWS, None, Why.NO_ADDRESS, None),
        (replace(SITA, safe_channels=frozenset({EMAIL})), NEWS, None, Why.ALLOWED, EMAIL),
        (replace(SITA, safe_channels=frozenset({EMAIL})), NEWS, SMS, Why.CHANNEL_NOT_ALLOWED, None),
        (
            replace(SITA, channel=SMS, safe_channels=frozenset({EMAIL})),
            NEWS, None, Why.ALLOWED, EMAIL,
        ),
        (replace(SITA, safe_channels=frozenset()), NEWS, None, Why.CHANNEL_NOT_ALLOWED, None),
        (replace(SITA, safe_channels=frozenset()), CODE, SMS, Why.CHANNEL_NOT_ALLOWED, None),
        (
            replace(SITA, safe_channels=frozenset({EMAIL}), has_email=False),
            NEWS, None, Why.NO_ADDRESS, None,
        ),
        (replace(SITA, is_erased=True), NEWS, None, Why.ERASED, None),
        (replace(SITA, is_erased=True), CODE, SMS, Why.ERASED, None),
        (said(contact=False), NEWS, None, Why.NO_CONSENT, None),
        (said(contact=False), FOLLOW_UP, None, Why.NO_CONSENT, None),
        (said(contact=False), CODE, None, Why.ALLOWED, SMS),
        (said(contact=True), FOLLOW_UP, None, Why.ALLOWED, SMS),
        (SITA, RESEARCH, None, Why.NO_CONSENT, None),
        (said(contact=True), RESEARCH, None, Why.NO_CONSENT, None),
        (said(research=True), RESEARCH, None, Why.ALLOWED, SMS),
        (said(research=False), NEWS, None, Why.ALLOWED, SMS),
    ],
)  # fmt: skip
def test_what_was_allowed_is_all_that_is_done(
    person: Standing,
    purpose: ContactPurpose,
    channel: ContactChannel | None,
    why: Why,
    chosen: ContactChannel | None,
) -> None:
    found = asked(person, purpose=purpose, channel=channel)

    assert (found.why, found.channel) == (why, chosen)
    assert found.may_contact is (why is Why.ALLOWED)


@pytest.mark.parametrize("channel", [None, *ContactChannel])
def test_of_a_restricted_case_nothing_is_said_where_nobody_said_it_is_safe(
    channel: ContactChannel | None,
) -> None:
    """domain.md, SEAH handling: no SMS and no e-mail by default."""
    found = asked(channel=channel, is_restricted=True)

    assert (found.may_contact, found.why) == (False, Why.CHANNEL_NOT_ALLOWED)


def test_of_a_restricted_case_one_is_told_on_the_channel_one_named_and_no_voice_is_left() -> None:
    person = replace(SITA, safe_channels=frozenset({WHATSAPP}))
    found = asked(person, is_restricted=True)

    assert (found.may_contact, found.channel, found.leave_message) == (True, WHATSAPP, False)


@pytest.mark.parametrize(
    ("hours", "now", "not_before"),
    [
        (NINE_TO_FIVE, NOON, None),
        (NINE_TO_FIVE, NIGHT, datetime(2026, 3, 3, 3, 15, tzinfo=UTC)),
        (NINE_TO_FIVE, datetime(2026, 3, 2, 3, 14, 59, tzinfo=UTC),
         datetime(2026, 3, 2, 3, 15, tzinfo=UTC)),
        (NINE_TO_FIVE, datetime(2026, 3, 2, 3, 15, tzinfo=UTC), None),
        (NINE_TO_FIVE, datetime(2026, 3, 2, 11, 14, 59, tzinfo=UTC), None),
        (NINE_TO_FIVE, datetime(2026, 3, 2, 11, 15, tzinfo=UTC),
         datetime(2026, 3, 3, 3, 15, tzinfo=UTC)),
        (Hours(22 * 60, 6 * 60), NIGHT, None),
        (Hours(22 * 60, 6 * 60), NOON, datetime(2026, 3, 2, 16, 15, tzinfo=UTC)),
        (Hours(22 * 60, 6 * 60), datetime(2026, 3, 2, 0, 14, tzinfo=UTC), None),
        (None, NIGHT, None),
    ],
)  # fmt: skip
def test_outside_the_safe_hours_nobody_is_contacted_and_it_is_said_when(
    hours: Hours | None, now: datetime, not_before: datetime | None
) -> None:
    found = asked(replace(SITA, hours=hours), now=now)

    assert found.not_before == not_before
    assert found.why is (Why.OUTSIDE_HOURS if not_before else Why.ALLOWED)
    assert found.may_contact is (not_before is None)
    assert found.channel is SMS


def test_a_code_somebody_waits_for_is_sent_at_night() -> None:
    assert asked(replace(SITA, hours=NINE_TO_FIVE), purpose=CODE, now=NIGHT).may_contact


def test_who_answers_may_not_be_who_is_called() -> None:
    person = replace(SITA, has_code_word=True, never_leave_message=True, language="en")
    found = asked(person, channel=PHONE)

    assert (found.code_word_required, found.leave_message) == (True, False)
    assert (found.language, asked().leave_message) == ("en", True)
