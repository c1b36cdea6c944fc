"""What is shown of somebody: enough to recognise one's own, too little to look anybody up."""

import re

import phonenumbers

HIDDEN = "****"
SHORT = 2
"""Letters before the @ of which none is shown."""
_MOBILE = re.compile(r"\+9779[0-9]{9}")


def masked_name(name: str | None) -> str | None:
    """`Sita Sharma` is `S*** S***`."""
    return " ".join(f"{word[0]}***" for word in name.split()) if name else None


def masked_phone(number: str | None) -> str | None:
    """`+9779812345678` is `+97798****5678`.

    Of a mobile of ours the two digits are shown that name its network; of any other number the
    country and its end, and of what is no number nothing.
    """
    if not number:
        return None
    try:
        country = f"+{phonenumbers.parse(number).country_code}"
    except phonenumbers.NumberParseException:
        return HIDDEN
    network = 2 if _MOBILE.fullmatch(number) else 0
    digits = number.removeprefix(country)
    return country + digits[:network] + masked_but_end(digits)


def masked_email(email: str | None) -> str | None:
    """`sita@example.org` is `s***@example.org`; of one or two letters none is shown."""
    if not email:
        return None
    local, _, domain = email.rpartition("@")
    return f"{local[:1] if len(local) > SHORT else ''}***@{domain}"


def masked_but_end(text: str) -> str:
    """`****0123`: four at the end at most, half of it at most, and four hidden if there are."""
    shown = max(0, min(4, len(text) // 2, len(text) - len(HIDDEN)))
    return HIDDEN + text[len(text) - shown :]
