"""How somebody wants to be spoken to, and how it is safe to."""

from dataclasses import dataclass, replace
from typing import Any

from libs.common.clock import utc_now
from libs.common.contracts.users import UserUpdated
from libs.common.db.uow import Transaction
from libs.common.errors import Invalid
from libs.common.principal import Principal, Role
from services.users.domain.auditing import record
from services.users.domain.contacting import Hours
from services.users.domain.placing import works_in
from services.users.domain.staffing import check_may_give
from services.users.models import Act, ContactChannel, Preference, User
from services.users.repository.privacy import PreferenceRepository

MINUTES = range(24 * 60)
CODE_WORD = "preferences.code_word"


class ReasonMissing(Invalid):
    """Whoever speaks for somebody else says how they know."""

    code = "REASON_REQUIRED"


class ChannelNotSafe(Invalid):
    """Nobody wants to be spoken to where they say it is not safe."""

    code = "CHANNEL_NOT_SAFE"


@dataclass(frozen=True, slots=True)
class Preferences:
    """What somebody said of it; version 0 is nothing yet."""

    language: str = "ne"
    channel: ContactChannel | None = None
    safe_channels: tuple[ContactChannel, ...] | None = None
    hours: Hours | None = None
    code_word: str | None = None
    never_leave_message: bool = False
    version: int = 0

    @property
    def is_safe(self) -> bool:
        """Whether the channel they like best is one of those they named, if they named any."""
        return self.channel is None or not self.safe_channels or self.channel in self.safe_channels

    def safely(self) -> "Preferences":
        """The same without a wish for a channel they do not allow."""
        return self if self.is_safe else replace(self, channel=None)


async def preferences_of(tx: Transaction, user: User) -> Preferences:
    """What `user` said, the code word in plain text."""
    row = await PreferenceRepository(tx.session).of(user.user_id)
    if row is None:
        return Preferences()
    has_hours = row.safe_from is not None and row.safe_until is not None
    return Preferences(
        language=row.language,
        channel=ContactChannel(row.channel) if row.channel else None,
        safe_channels=None
        if row.safe_channels is None
        else tuple(ContactChannel(each) for each in row.safe_channels),
        hours=Hours(row.safe_from or 0, row.safe_until or 0) if has_hours else None,
        code_word=await _code_word(tx, user, row),
        never_leave_message=row.never_leave_message,
        version=row.version,
    )


async def change(
    tx: Transaction,
    user: User,
    before: Preferences,
    said: dict[str, Any],
    *,
    by: Principal,
    reason: str | None,
) -> Preferences:
    """Write down what is `said` now; what is left out stays as `before`, as far as it is safe.

    Raises ReasonMissing, ChannelNotSafe, RoleNotYours, ScopeNotYours.
    """
    await check_may_speak_for(tx, by, user, reason)
    now = replace(before, **said, version=before.version + 1)
    if said.get("channel") and not now.is_safe:
        raise ChannelNotSafe("The channel you like best is one of the safe ones.")
    now = now.safely()
    await keep(tx, user, now)
    tx.publish(UserUpdated(user_id=user.user_id, fields=["preferences"]))
    record(tx, Act.PREFERENCES_CHANGED, by=by, about=user.principal_id, reason=reason)
    return now


async def check_may_speak_for(
    tx: Transaction, by: Principal, user: User, reason: str | None
) -> None:
    """Raises ReasonMissing when `by` is somebody else, and does not say how they know.

    Of staff it is said by whoever may appoint them: else RoleNotYours, ScopeNotYours.
    """
    if by.id == user.principal_id:
        return
    if user.is_staff:
        check_may_give(by, Role(user.role), await works_in(tx, user))
    if reason is None:
        raise ReasonMissing("Say how you know what this person wants.")


async def keep(tx: Transaction, user: User, wanted: Preferences) -> None:
    """Write `wanted` down as what `user` said."""
    code_word = None
    if wanted.code_word is not None:
        key = await tx.vault.key(user.principal_id)
        code_word = key.seal(CODE_WORD, str(user.user_id), wanted.code_word)
    row = await PreferenceRepository(tx.session).of(user.user_id)
    if row is None:
        row = Preference(user_id=user.user_id)
        tx.session.add(row)
    row.language, row.channel = wanted.language, wanted.channel
    row.safe_channels = None if wanted.safe_channels is None else list(wanted.safe_channels)
    row.safe_from = wanted.hours.begin if wanted.hours else None
    row.safe_until = wanted.hours.end if wanted.hours else None
    row.code_word = code_word
    row.never_leave_message = wanted.never_leave_message
    row.version, row.updated_at = wanted.version, utc_now()


def stricter(one: Preferences, other: Preferences) -> Preferences:
    """What keeps both promises when two people turn out to be one; `one` wins where both may."""
    channels = _both(one.safe_channels, other.safe_channels)
    hours = one.hours or other.hours
    if one.hours and other.hours:
        hours = _overlap(one.hours, other.hours)
        if hours is None:
            # No hour is safe by both: nobody is contacted before somebody asks them.
            hours, channels = one.hours, ()
    first, second = (one, other) if one.version else (other, one)
    return Preferences(
        language=first.language,
        channel=first.channel or second.channel,
        safe_channels=channels,
        hours=hours,
        code_word=one.code_word or other.code_word,
        never_leave_message=one.never_leave_message or other.never_leave_message,
        version=one.version + 1,
    ).safely()


def _both(
    one: tuple[ContactChannel, ...] | None, other: tuple[ContactChannel, ...] | None
) -> tuple[ContactChannel, ...] | None:
    if one is None or other is None:
        return other if one is None else one
    return tuple(each for each in one if each in other)


def _overlap(one: Hours, other: Hours) -> Hours | None:
    """The longest stretch within both."""
    both = [one.hold(minute) and other.hold(minute) for minute in MINUTES]
    begins = [minute for minute in MINUTES if both[minute] and not both[minute - 1]]
    stretches = [(_length(both, begin), begin) for begin in begins]
    if not stretches:
        return None
    length, begin = max(stretches)
    return Hours(begin, (begin + length) % len(MINUTES))


def _length(both: list[bool], begin: int) -> int:
    return next(n for n in MINUTES if not both[(begin + n) % len(MINUTES)])


async def _code_word(tx: Transaction, user: User, row: Preference) -> str | None:
    if row.code_word is None:
        return None
    key = (await tx.vault.surviving_keys([user.principal_id])).get(user.principal_id)
    return key.open(CODE_WORD, str(user.user_id), row.code_word) if key else None
