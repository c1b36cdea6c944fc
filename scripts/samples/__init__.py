"""The project's own sample data: complaints in three scripts, and a photo made by code."""

import json
from dataclasses import dataclass
from pathlib import Path

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Sample:
    """A complaint somebody might make; `categories` are the codes an officer would choose."""

    id: str
    language: str
    text: str
    place: str
    categories: tuple[str, ...]
    is_seah: bool = False


def samples() -> list[Sample]:
    """All of them."""
    rows = json.loads((_HERE / "complaints.json").read_text(encoding="utf-8"))
    return [Sample(**{**row, "categories": tuple(row["categories"])}) for row in rows]
