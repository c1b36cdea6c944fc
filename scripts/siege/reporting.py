"""What a proof found, beside what it has to find."""

from collections.abc import Iterable
from dataclasses import dataclass

HOLDS, BROKEN, NOTED = "ok", "FAIL", "-"
SHOWN_REASONS = 5


@dataclass(frozen=True)
class Check:
    """One line of a proof: measured against required. `holds` is None where nothing is required."""

    what: str
    measured: str
    required: str
    holds: bool | None

    @property
    def word(self) -> str:
        """How it went."""
        if self.holds is None:
            return NOTED
        return HOLDS if self.holds else BROKEN


def at_most(what: str, measured: float, limit: float, unit: str = "", digits: int = 2) -> Check:
    """A figure that must not be exceeded."""
    shown = f"{measured:.{digits}f}{unit}"
    return Check(what, shown, f"≤ {limit:g}{unit}", measured <= limit)


def at_least(what: str, measured: float, limit: float, unit: str = "", digits: int = 2) -> Check:
    """A figure that must be reached."""
    shown = f"{measured:.{digits}f}{unit}"
    return Check(what, shown, f"≥ {limit:g}{unit}", measured >= limit)


def none_of(what: str, found: int, out_of: int, reasons: Iterable[str] = ()) -> Check:
    """Something of which there may be none; the commonest reasons say what it was."""
    counted: dict[str, int] = {}
    for reason in reasons:
        counted[reason] = counted.get(reason, 0) + 1
    worst = sorted(counted.items(), key=lambda pair: -pair[1])[:SHOWN_REASONS]
    why = "; ".join(f"{times} x {reason}" for reason, times in worst)
    return Check(what, f"{found} of {out_of}" + (f" ({why})" if why else ""), "0", found == 0)


def noted(what: str, measured: str) -> Check:
    """A figure to compare others with, or why something was left out."""
    return Check(what, measured, "", None)


def say(text: str) -> None:
    """Tell whoever watches how far it is."""
    print(f"  {text}", flush=True)


def show(name: str, checks: list[Check]) -> bool:
    """Print the table of a proof; whether nothing in it is broken."""
    print(f"\n  {name}")
    width = max((len(check.what) for check in checks), default=0)
    for check in checks:
        required = f"   (required {check.required})" if check.required else ""
        print(f"    {check.word:5} {check.what:{width}}  {check.measured}{required}")
    print(flush=True)
    return all(check.holds is not False for check in checks)
