"""What two people wanted, when they turn out to be one."""

import pytest

from services.users.domain.contacting import Hours
from services.users.domain.preferring import Preferences, stricter
from services.users.models import ContactChannel

SMS, EMAIL, PHONE = ContactChannel.SMS, ContactChannel.EMAIL, ContactChannel.PHONE
NOTHING = Preferences()


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        (None, None, None),
        (None, (SMS,), (SMS,)),
        ((SMS,), None, (SMS,)),
        ((SMS, EMAIL), (EMAIL, PHONE), (EMAIL,)),
        ((SMS,), (EMAIL,), ()),
        ((), None, ()),
    ],
)
def test_only_channels_both_allowed_are_allowed(
    one: tuple[ContactChannel, ...] | None,
    other: tuple[ContactChannel, ...] | None,
    both: tuple[ContactChannel, ...] | None,
) -> None:
    """Issue 4, merge of duplicates."""
    found = stricter(Preferences(safe_channels=one), Preferences(safe_channels=other))

    assert found.safe_channels == both


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        (None, Hours(60, 120), Hours(60, 120)),
        (Hours(540, 1020), Hours(720, 1200), Hours(720, 1020)),
        (Hours(1320, 360), Hours(1380, 120), Hours(1380, 120)),
        (Hours(1320, 360), Hours(300, 600), Hours(300, 360)),
        (Hours(600, 601), Hours(600, 601), Hours(600, 601)),
        (Hours(600, 500), Hours(480, 660), Hours(600, 660)),
    ],
)
def test_only_hours_both_called_safe_are_safe(one: Hours | None, other: Hours, both: Hours) -> None:
    assert stricter(Preferences(hours=one), Preferences(hours=other)).hours == both


def test_two_who_share_no_safe_hour_are_not_contacted_before_somebody_asks() -> None:
    found = stricter(Preferences(hours=Hours(0, 60)), Preferences(hours=Hours(120, 180)))

    assert found.safe_channels == ()


def test_a_promise_to_one_of_them_is_kept_to_both() -> None:
    told = Preferences(language="en", code_word="umbrella", never_leave_message=True, version=3)

    for found in (stricter(NOTHING, told), stricter(told, NOTHING)):
        assert (found.language, found.code_word, found.never_leave_message) == (
            "en",
            "umbrella",
            True,
        )


def test_what_the_survivor_likes_goes_first() -> None:
    one = Preferences(language="ne", channel=SMS, code_word="mine", version=1)
    other = Preferences(language="en", channel=EMAIL, code_word="yours", version=1)
    found = stricter(one, other)

    assert (found.language, found.channel, found.code_word, found.version) == ("ne", SMS, "mine", 2)


def test_a_wish_for_a_channel_the_other_did_not_allow_is_forgotten() -> None:
    one = Preferences(channel=EMAIL, safe_channels=(SMS, EMAIL), version=1)

    assert stricter(one, Preferences(safe_channels=(SMS,), version=1)).channel is None
    assert stricter(one, Preferences(safe_channels=(EMAIL,), version=1)).channel is EMAIL
