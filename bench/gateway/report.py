"""The figures as a table, the ratios as one line, and how they stand to what is asked."""

from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from bench.gateway.bodies import Large, beside
from bench.gateway.fronts import DIRECT, ES256, NGINX, OURS, TUNED
from bench.gateway.paths import FILE_BYTES, MIB
from bench.gateway.rounds import Runs, against, middle

ONE, MANY = 1, 32
QUIET = 0.05
COLUMNS = ("req/s", "÷ ES256", "CPU µs", "p50 ms", "added", "p99 ms", "added")
HEAD = " " * 16 + "".join(f"{column:>9}" for column in COLUMNS)
BODY_COLUMNS = ("MB/s up", "MB/s down", "RSS MiB", "growth")
BODY_HEAD = " " * 16 + "".join(f"{column:>11}" for column in BODY_COLUMNS)


@dataclass(frozen=True)
class Ratio:
    """One figure that holds on any machine, and its bound."""

    name: str
    value: float
    at_least: float | None = None
    at_most: float | None = None

    @property
    def is_met(self) -> bool:
        """Whether it is within its bound."""
        return (self.at_least is None or self.value >= self.at_least) and (
            self.at_most is None or self.value <= self.at_most
        )

    def __str__(self) -> str:
        bound = f">= {self.at_least:g}" if self.at_least is not None else f"<= {self.at_most:g}"
        return f"{self.name} {self.value:.2f} ({bound}: {'met' if self.is_met else 'MISSED'})"


def ratios(small: dict[int, Runs], large: dict[str, Large]) -> list[Ratio]:
    """What performance.md section 1 sets targets for."""
    one, many = small[ONE], small[MANY]

    def rate(runs: Runs, other: str) -> float:
        return against(runs, OURS, other, lambda ours, its: ours.rate / its.rate)

    def p99(runs: Runs) -> float:
        return against(runs, OURS, ES256, lambda ours, its: ours.p99 / its.p99)

    added = against(one, OURS, DIRECT, lambda ours, its: ours.p50 - its.p50)
    return [
        Ratio("rate ÷ HAProxy ES256", rate(many, ES256), at_least=2.0),
        Ratio("rate ÷ nginx", rate(many, NGINX), at_least=0.35),
        Ratio("added p50 ms, 1 connection", added, at_most=0.3),
        Ratio("p99 ÷ HAProxy ES256", p99(many), at_most=1.0),
        Ratio("p99 ÷ HAProxy ES256, 1 connection", p99(one), at_most=1.0),
        Ratio("memory MiB for bodies", large[OURS].growth, at_most=FILE_BYTES / MIB),
    ]


def table(small: dict[int, Runs]) -> list[str]:
    """A block for each number of connections, a line for each front."""
    lines = []
    for connections, runs in small.items():
        lines += ["", f"{connections} connection{'s' if connections > 1 else ''}", HEAD]
        lines += [_line(runs, front) for front in runs]
    return lines


def _line(runs: Runs, front: str) -> str:
    ratio = against(runs, front, ES256, lambda its, haproxy: its.rate / haproxy.rate)
    added50 = against(runs, front, DIRECT, lambda its, direct: its.p50 - direct.p50)
    added99 = against(runs, front, DIRECT, lambda its, direct: its.p99 - direct.p99)
    return (
        f"{front:16}{middle(runs, front, lambda run: run.rate):>9.0f}{ratio:>9.2f}"
        f"{middle(runs, front, lambda run: run.cpu):>9.1f}"
        f"{middle(runs, front, lambda run: run.p50):>9.3f}{added50:>9.3f}"
        f"{middle(runs, front, lambda run: run.p99):>9.3f}{added99:>9.3f}"
    )


def quiet(small: dict[int, Runs]) -> str:
    """How far the figures can be believed; and what a busy machine leaves true."""
    every = [run.strangers for runs in small.values() for each in runs.values() for run in each]
    cpu = against(small[MANY], OURS, ES256, lambda ours, its: its.cpu / ours.cpu)
    share = sum(every) / len(every)
    verdict = "quiet enough" if share < QUIET else "TOO BUSY to judge rates and latencies"
    return (
        f"others took {share:.0%} of the fronts' core: {verdict};"
        f" by CPU alone ours does {cpu:.2f} x HAProxy ES256"
    )


def bodies(found: dict[str, Large]) -> list[str]:
    """What 10 MB bodies did."""
    lines = ["", "10 MB bodies, 4 connections", BODY_HEAD]
    lines += [
        f"{name:16}{median(one.up):>11.0f}{median(one.down):>11.0f}"
        f"{one.before:>11.1f}{one.growth:>11.1f}"
        for name, one in found.items()
    ]
    for other in (NGINX, TUNED):
        up, down = beside(found, other)
        lines.append(f"ours ÷ {other}: up {up:.2f}, down {down:.2f}")
    return lines


def as_json(small: dict[int, Runs], large: dict[str, Large]) -> dict[str, Any]:
    """Everything, run by run."""
    return {
        "ratios": {
            ratio.name: {"value": ratio.value, "met": ratio.is_met}
            for ratio in ratios(small, large)
        },
        "quiet": quiet(small),
        "small": {
            str(number): {front: [asdict(run) for run in each] for front, each in runs.items()}
            for number, runs in small.items()
        },
        "bodies": {name: asdict(one) for name, one in large.items()},
    }
