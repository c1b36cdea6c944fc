"""Codes as people type them."""

import unicodedata


def typed(code: str) -> str:
    """A code as it is kept, whatever script its digits are in and however it is grouped."""
    plain = (char for char in unicodedata.normalize("NFKC", code) if char.isalnum())
    return "".join(_digit(char) for char in plain)


def _digit(char: str) -> str:
    found = unicodedata.decimal(char, None)
    return char if found is None else str(found)
