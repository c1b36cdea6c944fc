"""The part of a queue that is in memory: its next rows; the rest waits in the file."""

from collections import deque
from collections.abc import Sequence

from libs.common.bus.embedded.rows import Page, Row

ROWS = 512
BYTES = 8 * 2**20


class Window:
    """Rows in order up to `read`; while `is_behind`, more follow in the file."""

    def __init__(self, *, is_behind: bool) -> None:
        self.is_behind = is_behind
        self.read = 0
        self._rows: deque[Row] = deque()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def wants_page(self) -> bool:
        """Whether it is time to read on."""
        return self.is_behind and len(self._rows) < ROWS // 2 and self._bytes < BYTES // 2

    def offer(self, rows: Sequence[Row]) -> None:
        """Take in rows just written at the end, as long as there is room."""
        for row in rows:
            if self.is_behind or len(self._rows) >= ROWS or self._bytes >= BYTES:
                self.is_behind = True
                return
            self._append(row)

    def add(self, page: Page) -> None:
        """Take in what was read from the file."""
        for row in page.rows:
            self._append(row)
        self.is_behind = page.more

    def put_back(self, rows: Sequence[Row]) -> None:
        """Let these, in this order, be the next ones."""
        self._rows.extendleft(reversed(rows))
        self._bytes += sum(len(row.message.body) for row in rows)

    def take(self, count: int) -> list[Row]:
        """The next `count` rows, or all there are."""
        rows = [self._rows.popleft() for _ in range(min(count, len(self._rows)))]
        self._bytes -= sum(len(row.message.body) for row in rows)
        return rows

    def _append(self, row: Row) -> None:
        self._rows.append(row)
        self._bytes += len(row.message.body)
        self.read = row.seq
