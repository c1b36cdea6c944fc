"""Phone numbers: one spelling (E.164) for every way a person in Nepal writes one."""

import re
import unicodedata

import phonenumbers

from libs.common.errors import Invalid

REGION = "NP"
_WRITTEN = re.compile(r"\+?[0-9(][0-9 ().\-]{4,38}", re.ASCII)


class InvalidPhone(Invalid):
    """Not a phone number in any spelling."""

    code = "INVALID_PHONE_NUMBER"


def ascii_digits(written: str) -> str:
    """`written` with the decimal digits of every script as 0 to 9: `१८:००` is `18:00`."""
    return "".join(
        char if (digit := unicodedata.decimal(char, None)) is None else str(digit)
        for char in written
    )


def e164(written: str) -> str:
    """`written` as E.164: `९८१२३४५६७८`, `00977 981-2345678` and `+9779812345678` are one number.

    Decimal digits of every script count; superscripts and circled digits are not digits. A number
    that is possible but not allotted passes: the sources' own example is one.
    """
    plain = ascii_digits(written.strip().replace("\uff0b", "+"))
    if not _WRITTEN.fullmatch(plain):
        raise InvalidPhone("This is not a phone number.")
    if plain.startswith("00"):
        plain = "+" + plain[2:]
    try:
        number = phonenumbers.parse(plain, REGION)
    except phonenumbers.NumberParseException:
        raise InvalidPhone("This is not a phone number.") from None
    if not phonenumbers.is_possible_number(number):
        raise InvalidPhone("This phone number has too few or too many digits.")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
