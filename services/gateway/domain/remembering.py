"""What is remembered has an end, and there are two ways to it."""

from collections import OrderedDict
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


def keep(memory: dict[K, V], key: K, value: V, limit: int) -> None:
    """Remember one more; when there is no room, forget all the others."""
    if len(memory) >= limit:
        memory.clear()
    memory[key] = value


def keep_newest(memory: OrderedDict[K, V], key: K, value: V, limit: int) -> None:
    """Remember one more; when there is no room, forget the oldest."""
    memory[key] = value
    memory.move_to_end(key)
    if len(memory) > limit:
        memory.popitem(last=False)
