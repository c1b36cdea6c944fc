"""Keyset pages: a cursor names the last row seen, so page one million costs what page one does."""

import base64
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, tuple_

from libs.common.errors import Invalid

MAX_LIMIT = 100


class InvalidCursor(Invalid):
    """A cursor this API did not give."""

    code = "INVALID_CURSOR"


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last row of a page: when it was made, and its id."""

    at: datetime
    id: str

    def __str__(self) -> str:
        """The opaque form clients send back."""
        raw = json.dumps([self.at.isoformat(), self.id], separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    @classmethod
    def parse(cls, text: str) -> "Cursor":
        """Read the opaque form. Raises InvalidCursor."""
        try:
            padded = text + "=" * (-len(text) % 4)
            at, row = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
            cursor = cls(datetime.fromisoformat(at), str(row))
        except (ValueError, TypeError):
            raise InvalidCursor("This cursor was not given by this list.") from None
        if cursor.at.tzinfo is None or not cursor.id.isascii() or "\0" in cursor.id:
            raise InvalidCursor("This cursor was not given by this list.")
        return cursor


def newest_first(
    query: Select[Any],
    at: ColumnElement[datetime],
    row: ColumnElement[str],
    *,
    after: Cursor | None,
    limit: int,
) -> Select[Any]:
    """`query`, newest first, beyond `after`; a row more than `limit` says there is a next page."""
    if after is not None:
        query = query.where(tuple_(at, row) < tuple_(after.at, after.id))
    return query.order_by(at.desc(), row.desc()).limit(limit + 1)
