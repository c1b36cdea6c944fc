"""10 MB bodies up and down over four connections: how fast, and whether memory stays flat."""

from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from bench.gateway.fronts import DIRECT, NGINX, OURS, TUNED, Field, Front
from bench.gateway.load import Load
from bench.gateway.paths import DOWN, FILE_BYTES, MIB, UP
from bench.gateway.rounds import Plan
from bench.processes import resident_mib

CONNECTIONS = 4
FRONTS = (DIRECT, NGINX, TUNED, OURS)
PEAK_ONLY = "5"


@dataclass
class Large:
    """What bodies did to one front."""

    up: list[float] = field(default_factory=list)
    down: list[float] = field(default_factory=list)
    """Megabytes a second, one figure for each round."""
    before: float = 0.0
    peak: float = 0.0
    """Resident memory in MiB when bodies began, and at most while they passed."""

    @property
    def growth(self) -> float:
        """MiB of memory the bodies took."""
        return self.peak - self.before


def measure(field_: Field, load: Load, plan: Plan) -> dict[str, Large]:
    """Bodies through the fronts in turn."""
    found = {name: Large() for name in FRONTS}
    for name, large in found.items():
        pids = field_.fronts[name].pids
        _forget_peak(pids)
        large.before = resident_mib(pids)
    for _ in range(plan.body_rounds):
        for name, large in found.items():
            front = field_.fronts[name]
            large.up.append(_up(front, load, plan.body_seconds))
            large.down.append(_down(front, load, plan.body_seconds))
    for name, large in found.items():
        large.peak = _peak(field_.fronts[name].pids)
    return found


def beside(found: dict[str, Large], other: str) -> tuple[float, float]:
    """Our rate up and down, divided by another's of the same round."""
    ours, its = found[OURS], found[other]
    up = median(a / b for a, b in zip(ours.up, its.up, strict=True))
    down = median(a / b for a, b in zip(ours.down, its.down, strict=True))
    return up, down


def _up(front: Front, load: Load, seconds: int) -> float:
    url = front.url(UP)
    result = load.run(url, connections=CONNECTIONS, seconds=seconds, body=FILE_BYTES)
    return result.rate * FILE_BYTES / MIB


def _down(front: Front, load: Load, seconds: int) -> float:
    result = load.run(front.url(DOWN), connections=CONNECTIONS, seconds=seconds)
    return result.bytes / result.seconds / MIB


def _forget_peak(pids: list[int]) -> None:
    for pid in pids:
        Path(f"/proc/{pid}/clear_refs").write_text(PEAK_ONLY)


def _peak(pids: list[int]) -> float:
    total = 0
    for pid in pids:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        total += sum(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
    return total / 1024
