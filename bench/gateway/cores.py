"""Who runs where: the front alone on one core, what loads it and what answers it on others."""

import os
from pathlib import Path

from libs.common.testing.private import binary

THREE = 3
USER, NICE, SYSTEM, STEAL = 0, 1, 2, 7
"""Fields of a core's line in /proc/stat, counted from behind its name."""
TICKS = os.sysconf("SC_CLK_TCK")


class Cores:
    """With two cores upstream and load share one; with one nothing is kept apart."""

    def __init__(self) -> None:
        cores = sorted(os.sched_getaffinity(0))
        self.front = cores[0]
        self.load = cores[1] if len(cores) > 1 else cores[0]
        self.upstream = cores[2] if len(cores) >= THREE else self.load

    def __str__(self) -> str:
        return f"fronts on core {self.front}, upstream on {self.upstream}, load on {self.load}"


def pinned(core: int, command: list[str]) -> list[str]:
    """The command, kept on one core. The process stays the same: its id is the program's."""
    return [binary("taskset", "util-linux"), "-c", str(core), *command]


def busy_seconds(core: int) -> float:
    """What programs, or a host that gave the core to another guest, took of it so far."""
    lines = Path("/proc/stat").read_text().splitlines()
    found = next(line for line in lines if line.startswith(f"cpu{core} ")).split()[1:]
    return sum(int(found[field]) for field in (USER, NICE, SYSTEM, STEAL)) / TICKS
