"""What a tree of processes takes, from /proc."""

import os
from contextlib import suppress
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
MIB = 2**20
AFTER_NAME = 2
PARENT, USER, SYSTEM, PAGES = 1, 11, 12, 21
"""Fields of /proc/<pid>/stat, counted from behind the name."""


def tree(pid: int) -> list[int]:
    """The process and all it started."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            parents[int(path.name)] = int(_stat(int(path.name))[PARENT])
    family = [pid]
    for member in family:
        family.extend(child for child, parent in parents.items() if parent == member)
    return family


def cpu_seconds(pids: list[int]) -> float:
    """CPU time the processes took so far."""
    total = 0.0
    for pid in pids:
        with suppress(OSError):
            stat = _stat(pid)
            total += (int(stat[USER]) + int(stat[SYSTEM])) / TICKS
    return total


def resident_mib(pids: list[int]) -> float:
    """Resident memory of the processes, summed: what they share is counted for each."""
    total = 0
    for pid in pids:
        with suppress(OSError):
            total += int(_stat(pid)[PAGES]) * PAGE
    return total / MIB


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[AFTER_NAME].split()
