"""Names people give to files: kept for display, in any script; never used as a path."""

import re
import unicodedata

from libs.common.errors import Invalid

MAX_BYTES = 255
_JOINERS = frozenset("\u200c\u200d")
"""Nepali spelling needs them; every other invisible character only deceives."""

_OWN_ID = re.compile(r"[A-Za-z0-9._-]{1,50}")
_FOLDER = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,49}")
UNATTACHED = "unattached"


class NameWithoutExtension(Invalid):
    """Nothing in the name says what kind of file it is."""

    code = "FILE_NAME_WITHOUT_EXTENSION"


def plain(name: str) -> str:
    """The last part of `name` as given, without what cannot be seen, in at most 255 bytes."""
    name = re.split(r"[/\\]", name)[-1]
    shown = "".join(
        char for char in name if char in _JOINERS or unicodedata.category(char)[0] != "C"
    ).strip()
    return _shortened(shown)


def extension(name: str) -> str:
    """The lower-case extension of a plain name. Raises NameWithoutExtension."""
    _, dot, found = name.rpartition(".")
    if not dot or not found.strip():
        raise NameWithoutExtension("Give the file a name that ends in .jpg or .png.")
    return found.strip().lower()


def is_file_id(text: str) -> bool:
    """Whether `text` could be the id of a file."""
    return _OWN_ID.fullmatch(text) is not None


def place(folder: str, grievance_id: str | None, file_id: str, ending: str) -> str:
    """Where a file's bytes lie, below the upload folder."""
    named = grievance_id is not None and _FOLDER.fullmatch(grievance_id)
    return f"{folder}/{grievance_id if named else UNATTACHED}/{file_id}.{ending}"


def _shortened(name: str) -> str:
    if len(name.encode()) <= MAX_BYTES:
        return name
    stem, dot, ending = name.rpartition(".")
    room = MAX_BYTES - len(f"{dot}{ending}".encode())
    if room < 1:
        return name.encode()[:MAX_BYTES].decode(errors="ignore")
    return f"{stem.encode()[:room].decode(errors='ignore')}{dot}{ending}"
