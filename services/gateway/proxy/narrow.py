"""How much is read at a time: little of who is not known.

What is left in the socket was not read, costs no memory of ours, and slows its sender down.
"""

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from services.gateway.proxy.door import Door

NARROW = 16 * 1024
WIDE_ROOM = memoryview(bytearray(256 * 1024))
"""What any connection reads into: it is copied before another one reads."""
NARROW_ROOM = WIDE_ROOM[:NARROW]


class Narrow(asyncio.BufferedProtocol):
    """Reads for a door, as much as it has room for: uvloop asks nobody else for a buffer."""

    def __init__(self, door: "Door") -> None:
        self._door = door
        self._received = door.data_received
        self.eof_received = door.eof_received  # type: ignore[method-assign]
        self.connection_lost = door.connection_lost  # type: ignore[method-assign]
        self.pause_writing = door.pause_writing  # type: ignore[method-assign]
        self.resume_writing = door.resume_writing  # type: ignore[method-assign]

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - asyncio's
        return WIDE_ROOM if self._door.takes_much else NARROW_ROOM

    def buffer_updated(self, nbytes: int) -> None:
        self._received(WIDE_ROOM[:nbytes].tobytes())
