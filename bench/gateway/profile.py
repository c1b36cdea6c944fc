"""Where the gateway's time goes, as seen from inside.

`calls` is cProfile: it counts every call, and makes small functions look dear. `samples` looks at
the running line every few milliseconds of CPU (the kernel's tick): true in proportion. What C and
the kernel do is put down to the line that asked for it, or to the first line of the callback that
comes next.
"""

import cProfile
import pstats
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FrameType

INTERVAL_SECONDS = 0.001
TOP = 40
Main = Callable[[], None]


def by_calls(main: Main, file: Path) -> None:
    """Run `main` under cProfile."""
    profile = cProfile.Profile()
    try:
        profile.runcall(main)
    finally:
        with file.open("w") as out:
            stats = pstats.Stats(profile, stream=out)
            stats.sort_stats("tottime").print_stats(TOP)


def by_samples(main: Main, file: Path) -> None:
    """Run `main`, and note now and then where it is."""
    lines: Counter[tuple[str, str, int]] = Counter()

    def note(_: int, frame: FrameType | None) -> None:
        if frame:
            code = frame.f_code
            lines[code.co_filename, code.co_qualname, frame.f_lineno or 0] += 1

    signal.signal(signal.SIGPROF, note)
    # Without it what the kernel was waited for would end with an error.
    signal.siginterrupt(signal.SIGPROF, False)
    signal.setitimer(signal.ITIMER_PROF, INTERVAL_SECONDS, INTERVAL_SECONDS)
    try:
        main()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        file.write_text("\n".join(_table(lines)) + "\n")


def _table(lines: Counter[tuple[str, str, int]]) -> list[str]:
    total = lines.total() or 1
    functions: Counter[tuple[str, str]] = Counter()
    for (file, function, _), count in lines.items():
        functions[file, function] += count
    found = [f"{total} samples, own time by function; hottest lines behind it"]
    for (file, function), count in functions.most_common(TOP):
        own = Counter(
            {
                line: times
                for (f, name, line), times in lines.items()
                if (f, name) == (file, function)
            }
        )
        hottest = ", ".join(f"{line} {times / total:.1%}" for line, times in own.most_common(3))
        place = "/".join(Path(file).parts[-3:])
        found.append(f"{count / total:6.1%}  {function:45} {place}  {hottest}")
    return found


PROFILERS: dict[str, Callable[[Main, Path], None]] = {"calls": by_calls, "samples": by_samples}
