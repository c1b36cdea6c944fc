"""What is asked for, and who answers it."""

import json
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
MIB = 1024 * 1024
FILE_BYTES = 10 * MIB
ANSWER_BYTES = 200

SMALL = "/api/v1/bench"
DOWN = "/api/v1/bench/file"
UP = "/api/v1/bench/upload"

HELLO = b"GET / HTTP/1.0\r\n\r\n"


def _answer() -> str:
    frame = {"status": "success", "data": "", "message": None}
    missing = ANSWER_BYTES - len(json.dumps(frame))
    return json.dumps({**frame, "data": "x" * missing})


ANSWER = _answer()


@dataclass(frozen=True)
class Targets:
    """The ports behind every front."""

    upstream: int
    sink: int
