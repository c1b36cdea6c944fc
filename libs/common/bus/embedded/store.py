"""The broker's file. Every method runs in the writer's thread, inside a transaction it opened."""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from libs.common.bus.embedded.rows import Page, Room, Row
from libs.common.bus.protocol import DeadLetter, Message
from libs.common.clock import utc_now

CACHED_PAGES = -8_000
WAL_BYTES_KEPT = 16 * 2**20

_SCHEMA = """
CREATE TABLE IF NOT EXISTS queues (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS bindings (
    queue INTEGER NOT NULL REFERENCES queues (id),
    topic TEXT NOT NULL,
    restricted INTEGER NOT NULL,
    PRIMARY KEY (queue, topic)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS messages (
    seq INTEGER PRIMARY KEY,
    queue INTEGER NOT NULL REFERENCES queues (id),
    id TEXT NOT NULL,
    topic TEXT NOT NULL,
    body BLOB NOT NULL,
    restricted INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    reason TEXT,
    parked_at TEXT
);
CREATE INDEX IF NOT EXISTS messages_waiting ON messages (queue, seq) WHERE parked_at IS NULL;
CREATE INDEX IF NOT EXISTS messages_parked ON messages (queue, seq) WHERE parked_at IS NOT NULL;
"""


class Store:
    """Tables and the statements on them."""

    def __init__(self, path: Path) -> None:
        path.touch(mode=0o600)
        self._db = sqlite3.connect(path, isolation_level=None, cached_statements=64)
        for pragma in (
            "journal_mode = WAL",
            "synchronous = FULL",
            "secure_delete = ON",
            f"cache_size = {CACHED_PAGES}",
            f"journal_size_limit = {WAL_BYTES_KEPT}",
        ):
            self._db.execute(f"PRAGMA {pragma}")
        self._db.executescript(_SCHEMA)
        self._last = int(self._one("SELECT coalesce(max(seq), 0) FROM messages"))
        self._routes: dict[str, list[tuple[int, str, bool]]] | None = None

    def begin(self) -> None:
        """Begin to write."""
        self._db.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        """Return once everything since `begin` is on disk."""
        self._db.execute("COMMIT")

    def rollback(self) -> None:
        """Undo everything since `begin`."""
        self._routes = None
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")

    def close(self) -> None:
        """Leave one file behind, without a log beside it."""
        self._db.close()

    def touch(self) -> None:
        """Write something small: whether the disk takes it is the question."""
        version = int(self._one("PRAGMA user_version"))
        self._db.execute(f"PRAGMA user_version = {(version + 1) % 2**31}")

    def depths(self) -> dict[str, int]:
        """Every queue, and how many messages are in it."""
        return dict(
            self._db.execute(
                "SELECT name, (SELECT count(*) FROM messages"
                " WHERE queue = queues.id AND parked_at IS NULL) FROM queues"
            )
        )

    def declare(self, queue: str, topics: Iterable[str], *, restricted: bool) -> None:
        """Make `queue` exist, bound to exactly `topics`."""
        self._db.execute("INSERT OR IGNORE INTO queues (name) VALUES (?)", (queue,))
        key = self._key(queue)
        self._db.execute("DELETE FROM bindings WHERE queue = ?", (key,))
        self._db.executemany(
            "INSERT INTO bindings VALUES (?, ?, ?)",
            [(key, topic, restricted) for topic in dict.fromkeys(topics)],
        )
        self._routes = None

    def publish(
        self, messages: Sequence[Message], rooms: Mapping[str, Room]
    ) -> dict[str, list[Row]]:
        """Write a row for every message and queue it goes to; answer them by queue.

        Rows that `rooms` has room for are handed out at once: they are written as delivered once,
        so that no delivery waits for a second commit to be counted.
        """
        placed: dict[str, list[Row]] = defaultdict(list)
        values: list[tuple[Any, ...]] = []
        for message in messages:
            for key, queue in self._targets(message):
                self._last += 1
                room = rooms.get(queue)
                reserved = room is not None and len(placed[queue]) < room.free
                row = Row(self._last, message, int(reserved), reserved)
                placed[queue].append(row)
                values.append(
                    (row.seq, key, message.id, message.topic, message.body, message.restricted,
                     row.attempts)
                )  # fmt: skip
        self._db.executemany(
            "INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?, NULL, NULL)", values
        )
        return placed

    def page(self, queue: str, *, after: int, count: int, size: int) -> Page:
        """The next waiting rows: at most `count` of them, and not many more than `size` bytes."""
        found = self._db.execute(
            "SELECT seq, id, topic, body, restricted, attempts FROM messages"
            " WHERE queue = ? AND parked_at IS NULL AND seq > ? ORDER BY seq",
            (self._key(queue), after),
        )
        rows: list[Row] = []
        for seq, id_, topic, body, restricted, attempts in found:
            if len(rows) == count or size < 0:
                found.close()
                return Page(rows, more=True)
            rows.append(Row(seq, Message(id_, topic, body, bool(restricted)), attempts))
            size -= len(body)
        return Page(rows, more=False)

    def count(self, seqs: Sequence[int]) -> None:
        """These are about to be delivered once more."""
        self._db.executemany(
            "UPDATE messages SET attempts = attempts + 1 WHERE seq = ?", [(seq,) for seq in seqs]
        )

    def drop(self, seqs: Sequence[int]) -> None:
        """These were received."""
        self._db.executemany("DELETE FROM messages WHERE seq = ?", [(seq,) for seq in seqs])

    def park(self, seq: int, reason: str) -> None:
        """Put a message aside."""
        self._db.execute(
            "UPDATE messages SET reason = ?, parked_at = ? WHERE seq = ?",
            (reason, utc_now().isoformat(), seq),
        )

    def dead(self, queue: str, limit: int) -> list[DeadLetter]:
        """The oldest parked messages."""
        found = self._db.execute(
            "SELECT id, topic, body, restricted, attempts, reason, parked_at FROM messages"
            " WHERE queue = ? AND parked_at IS NOT NULL ORDER BY seq LIMIT ?",
            (self._key(queue), limit),
        )
        return [
            DeadLetter(
                Message(id_, topic, body, bool(restricted)),
                queue=queue,
                reason=reason,
                attempts=attempts,
                parked_at=datetime.fromisoformat(parked_at),
            )
            for id_, topic, body, restricted, attempts, reason, parked_at in found
        ]

    def parked(self, queue: str) -> int:
        """How many messages were put aside."""
        return int(
            self._one(
                "SELECT count(*) FROM messages WHERE queue = ? AND parked_at IS NOT NULL",
                self._key(queue),
            )
        )

    def redrive(self, queue: str, ids: Sequence[str] | None, limit: int) -> int:
        """Move up to `limit` parked messages to the end of the queue, as if never delivered."""
        chosen = None if ids is None else json.dumps(ids)
        found = self._db.execute(
            "SELECT seq FROM messages WHERE queue = ?1 AND parked_at IS NOT NULL"
            " AND (?2 IS NULL OR id IN (SELECT value FROM json_each(?2))) ORDER BY seq LIMIT ?3",
            (self._key(queue), chosen, limit),
        ).fetchall()
        moved = [(self._last + place, seq) for place, (seq,) in enumerate(found, start=1)]
        self._last += len(moved)
        self._db.executemany(
            "UPDATE messages SET seq = ?, attempts = 0, reason = NULL, parked_at = NULL"
            " WHERE seq = ?",
            moved,
        )
        return len(moved)

    def _targets(self, message: Message) -> list[tuple[int, str]]:
        if self._routes is None:
            self._routes = defaultdict(list)
            for key, queue, topic, restricted in self._db.execute(
                "SELECT queues.id, name, topic, restricted FROM bindings"
                " JOIN queues ON queues.id = queue"
            ):
                self._routes[topic].append((key, queue, bool(restricted)))
        bound = [*self._routes.get(message.topic, ()), *self._routes.get("#", ())]
        allowed = [
            (k, queue) for k, queue, restricted in bound if restricted or not message.restricted
        ]
        return list(dict.fromkeys(allowed))

    def _key(self, queue: str) -> int:
        return int(self._one("SELECT coalesce(max(id), 0) FROM queues WHERE name = ?", queue))

    def _one(self, query: str, *values: object) -> Any:
        return self._db.execute(query, values).fetchone()[0]
