"""The data files beside the code: read once, on first use, and named by their content.

They are JSON so that a reviewer can change a word without touching code; `version` ties every
stored reading to the exact words that produced it.
"""

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent / "data"


@cache
def version() -> str:
    """The name of the present data: the same files give the same name on every machine."""
    digest = hashlib.sha256()
    for path in sorted(_FOLDER.glob("*.json")):
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return f"offline-{digest.hexdigest()[:12]}"


@cache
def english_words() -> frozenset[str]:
    """Common English words, which are never taken for Romanised Nepali."""
    return frozenset(load("english_words")["words"].split())


def load(name: str) -> Any:
    """The content of `data/<name>.json`; callers keep what they build from it, not this."""
    return json.loads((_FOLDER / f"{name}.json").read_text(encoding="utf-8"))
