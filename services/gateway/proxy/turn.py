"""What a turn of the loop has to send goes out at its end, together.

Whoever is written to has to be woken, which costs as much as the writing; who gets the next message
while awake from the last one has not.
"""

import asyncio
from collections.abc import Callable


class Turn:
    """The messages of the turn under way."""

    def __init__(self) -> None:
        self._due: list[Callable[[], None]] = []

    def ends_with(self, send: Callable[[], None]) -> None:
        """Call `send`, which raises nothing, when all that came in this turn was looked at."""
        if not self._due:
            asyncio.get_running_loop().call_soon(self._end)
        self._due.append(send)

    def _end(self) -> None:
        due, self._due = self._due, []
        for send in due:
            send()
