"""Words of people on their way in (reliability.md section 4, row 33)."""

import pytest

from libs.common.errors import Unfit
from libs.common.web.texts import legible, named


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("Sita\u202eamhs", "Sitaamhs"),
        ("\u2066Sita\u2069", "Sita"),
        ("Si\u200bta\ufeff Sha\u00adrma", "Sita Sharma"),
        ("\u200b Sita", "Sita"),
        # Joiners are letters' neighbours in Nepali, and stay.
        ("गर्\u200dयो क्\u200cष", "गर्\u200dयो क्\u200cष"),
        ("धरान-५, O'Brien", "धरान-५, O'Brien"),
    ],
)
def test_a_name_is_kept_as_it_is_read(typed: str, read: str) -> None:
    assert named(typed) == read


@pytest.mark.parametrize("text", ["\u200b", "\u202e\u2066", "\u200c", " \u00ad ", "\u2060"])
def test_what_cannot_be_seen_is_no_name(text: str) -> None:
    for read in (named, legible):
        with pytest.raises(Unfit):
            read(text)
