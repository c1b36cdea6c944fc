"""National ids: one spelling for every way a citizenship number is written down."""

import unicodedata

from libs.common.errors import Invalid

SHORTEST = 4


class InvalidNationalId(Invalid):
    """Too few letters and digits to be anybody's number."""

    code = "INVALID_NATIONAL_ID"


def normalised(written: str) -> str:
    """`written` as its letters and digits: `१२-०१-७५/०१२३` and `12 01 75 0123` are one number.

    Decimal digits of every script count; superscripts and circled digits are not digits.
    """
    plain = "".join(_plain(char) for char in written)
    if len(plain) < SHORTEST:
        raise InvalidNationalId("This is not a national id.")
    return plain


def _plain(char: str) -> str:
    digit = unicodedata.decimal(char, None)
    if digit is not None:
        return str(digit)
    return unicodedata.normalize("NFKC", char).upper() if char.isalpha() else ""
