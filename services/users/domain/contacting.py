"""May somebody be contacted, how, and when: one rule for everything that calls, writes or rings.

Whoever is watched at home must not be betrayed by a message. So nothing is sent on a channel that
was not allowed, nor outside the hours that are safe; and of a restricted case nothing at all is
said but on channels the person named.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from enum import StrEnum

from services.users.models import ConsentPurpose, ContactChannel

KATHMANDU = timezone(timedelta(hours=5, minutes=45), "Asia/Kathmandu")
"""Nepal has one offset all the year."""
BY_PHONE = (ContactChannel.SMS, ContactChannel.WHATSAPP, ContactChannel.PHONE)
FIRST_TRIED = (ContactChannel.SMS, ContactChannel.WHATSAPP, ContactChannel.EMAIL)
"""What is chosen from when nobody said which; nobody is called unless they like that best."""


class ContactPurpose(StrEnum):
    """What somebody is to be told."""

    CASE_NEWS = "case_news"
    ONE_TIME_CODE = "one_time_code"
    FOLLOW_UP = "follow_up"
    RESEARCH = "research"


NEEDS = {
    ContactPurpose.CASE_NEWS: ConsentPurpose.CONTACT,
    ContactPurpose.FOLLOW_UP: ConsentPurpose.CONTACT,
    ContactPurpose.RESEARCH: ConsentPurpose.RESEARCH,
}
"""What ends it when it was taken back. A code is asked for by whoever gets it, this minute."""
MUST_BE_GIVEN = frozenset({ConsentPurpose.RESEARCH})
"""Silence is no consent to these."""


class Why(StrEnum):
    """What a decision hangs on."""

    ALLOWED = "allowed"
    ERASED = "erased"
    NO_CONSENT = "no_consent"
    CHANNEL_NOT_ALLOWED = "channel_not_allowed"
    NO_ADDRESS = "no_address"
    OUTSIDE_HOURS = "outside_hours"


@dataclass(frozen=True, slots=True)
class Hours:
    """A stretch of the day in Kathmandu, in minutes; one past midnight begins after it ends."""

    begin: int
    end: int

    def hold(self, minute: int) -> bool:
        """Whether `minute` of the day lies within."""
        if self.begin < self.end:
            return self.begin <= minute < self.end
        return minute >= self.begin or minute < self.end

    def next_after(self, now: datetime) -> datetime:
        """When they begin next."""
        here = now.astimezone(KATHMANDU)
        midnight = here.replace(hour=0, minute=0, second=0, microsecond=0)
        begins = midnight + timedelta(minutes=self.begin)
        return (begins if begins > here else begins + timedelta(days=1)).astimezone(now.tzinfo)


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of how somebody wants to be spoken to."""

    language: str = "ne"
    channel: ContactChannel | None = None
    safe_channels: frozenset[ContactChannel] | None = None
    """The only ones they allow; none said is any, an empty set is none at all."""
    hours: Hours | None = None
    has_code_word: bool = False
    never_leave_message: bool = False
    consents: Mapping[ConsentPurpose, bool] = field(default_factory=dict)
    has_phone: bool = False
    has_email: bool = False
    is_erased: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether somebody may be contacted this minute, and how."""

    may_contact: bool
    why: Why
    language: str
    channel: ContactChannel | None = None
    not_before: datetime | None = None
    leave_message: bool = False
    code_word_required: bool = False


def decide(
    person: Standing,
    *,
    purpose: ContactPurpose,
    channel: ContactChannel | None,
    is_restricted: bool,
    now: datetime,
) -> Decision:
    """Whether, where and when; `channel` is the one that is asked for, or none in particular."""
    if person.is_erased:
        return Decision(False, Why.ERASED, person.language)
    if not _agreed(person, purpose):
        return Decision(False, Why.NO_CONSENT, person.language)
    allowed = [each for each in _wanted(person, channel) if _allows(person, each, is_restricted)]
    if not allowed:
        return Decision(False, Why.CHANNEL_NOT_ALLOWED, person.language)
    reachable = [each for each in allowed if _reaches(person, each)]
    if not reachable:
        return Decision(False, Why.NO_ADDRESS, person.language)
    is_asleep = purpose is not ContactPurpose.ONE_TIME_CODE and not _is_time(person.hours, now)
    return Decision(
        not is_asleep,
        Why.OUTSIDE_HOURS if is_asleep else Why.ALLOWED,
        person.language,
        channel=reachable[0],
        not_before=person.hours.next_after(now) if is_asleep and person.hours else None,
        leave_message=not is_restricted and not person.never_leave_message,
        code_word_required=person.has_code_word,
    )


def _agreed(person: Standing, purpose: ContactPurpose) -> bool:
    needed = NEEDS.get(purpose)
    return needed is None or person.consents.get(needed, needed not in MUST_BE_GIVEN)


def _wanted(person: Standing, channel: ContactChannel | None) -> list[ContactChannel]:
    if channel is not None:
        return [channel]
    liked = [person.channel] if person.channel else []
    return liked + [each for each in FIRST_TRIED if each not in liked]


def _allows(person: Standing, channel: ContactChannel, is_restricted: bool) -> bool:
    if person.safe_channels is None:
        return not is_restricted
    return channel in person.safe_channels


def _reaches(person: Standing, channel: ContactChannel) -> bool:
    """Whether the vault has an address for it. What chat and messengers reach, chat knows."""
    if channel in BY_PHONE:
        return person.has_phone
    return channel is not ContactChannel.EMAIL or person.has_email


def _is_time(hours: Hours | None, now: datetime) -> bool:
    here = now.astimezone(KATHMANDU)
    return hours is None or hours.hold(here.hour * 60 + here.minute)
