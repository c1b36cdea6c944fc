"""Codes as people type them."""

import unicodedata

from libs.common.phones import ascii_digits


def typed(code: str) -> str:
    """A code as it is kept, whatever script its digits are in and however it is grouped."""
    plain = unicodedata.normalize("NFKC", code)
    return ascii_digits("".join(char for char in plain if char.isalnum()))
