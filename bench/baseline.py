"""What the same machine does without us: a bare ASGI echo, and bare durable inserts.

`python -m bench.baseline PORT` serves the echo.
"""

import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path

import uvicorn
from starlette.types import Receive, Scope, Send

INSERTS = 300


async def echo(_: Scope, receive: Receive, send: Send) -> None:
    """Read the body, and answer 201 with a body like that of a filing."""
    while (await receive()).get("more_body"):
        continue
    body = b'{"status":"success","data":{"grievance_id":"GRV-2026-7K3MQX-4"},"message":null}'
    head = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 201, "headers": head})
    await send({"type": "http.response.body", "body": body})


def durable_inserts(folder: Path) -> float:
    """Single-row transactions a second, each on disk before the next begins."""
    with closing(sqlite3.connect(folder / "baseline.db", isolation_level=None)) as db:
        for statement in (
            "PRAGMA journal_mode=WAL",
            "PRAGMA synchronous=FULL",
            "CREATE TABLE rows (id INTEGER PRIMARY KEY, body BLOB)",
        ):
            db.execute(statement)
        began = time.perf_counter()
        for _ in range(INSERTS):
            db.execute("BEGIN IMMEDIATE")
            db.execute("INSERT INTO rows (body) VALUES (?)", (b"x" * 800,))
            db.execute("COMMIT")
        return INSERTS / (time.perf_counter() - began)


if __name__ == "__main__":
    uvicorn.run(
        echo,
        port=int(sys.argv[1]),
        http="httptools",
        loop="uvloop",
        lifespan="off",
        access_log=False,
        log_level="error",
    )
