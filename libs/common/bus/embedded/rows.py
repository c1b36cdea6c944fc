"""What passes between the file and the queues in memory."""

from dataclasses import dataclass

from libs.common.bus.protocol import Message


@dataclass(slots=True, eq=False)
class Row:
    """A message in one queue. `attempts` counts the deliveries begun, as the file knows them.

    `reserved`: the next delivery is among them already.
    """

    seq: int
    message: Message
    attempts: int
    reserved: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """Rows in order, and whether more follow."""

    rows: list[Row]
    more: bool


class Room:
    """How many messages a queue would hand out at once; read by the writer's thread."""

    free = 0
