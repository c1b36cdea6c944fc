"""Words that people type, on their way in; for `Annotated[str, Words(…), AfterValidator(…)]`."""

from libs.common.errors import Unfit

_MARKS = dict.fromkeys([0x00AD, 0x200B, 0xFEFF, *range(0x202A, 0x202F), *range(0x2060, 0x206A)])
"""They show nothing, and hide or turn what stands beside them. The joiners U+200C and U+200D are
not among them: Nepali is written with those."""


def legible(text: str) -> str:
    """`text` as it is. Raises Unfit if there is nothing to be seen in it."""
    if not any(char.isprintable() and not char.isspace() for char in text):
        raise Unfit("There is nothing to read in it.")
    return text


def named(text: str) -> str:
    """A name or an address without marks that would show it as another. Raises Unfit as above."""
    return legible(text.translate(_MARKS).strip())
