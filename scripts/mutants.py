"""`make mutants`: take each guarantee out of a copy of the tree; its tests must go red.

A test that stays green without the thing it should prove, proves nothing.
"""

import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
TREE = ("libs", "services", "tests", "pyproject.toml")
SECONDS = 300
GREEN, RED = 0, 1
"""What pytest answers; anything else means that no test ran."""


@dataclass(frozen=True)
class Mutant:
    """One guarantee, the lines that give it, what is left without them, and who should notice."""

    name: str
    file: str
    given: str
    left: str
    tests: tuple[str, ...]


MESSAGING = "tests/contract/test_messaging.py"
GUARANTEES = "tests/contract/test_guarantees.py"
FILING = "tests/service/grievance/test_filing_routes.py"
CASES = "tests/service/grievance/test_case_routes.py"
ACTIONS = "tests/service/grievance/test_action_routes.py"
LOG = "tests/contract/test_log.py"
STRANGERS = "tests/contract/proxy/test_strangers.py"

MUTANTS = (
    Mutant(
        "outbox: the fact is written with what made it true",
        "libs/common/db/uow.py",
        "        self.insert(\n            self._uow.ground.outbox,",
        "        dict(\n            into=self._uow.ground.outbox,",
        (MESSAGING, FILING),
    ),
    Mutant(
        "inbox: a redelivery is a no-op",
        "libs/common/messaging/consumer.py",
        "if not await tx.first_time(self.service, envelope.id):",
        "if await tx.first_time(self.service, envelope.id) is None:",
        (MESSAGING,),
    ),
    Mutant(
        "publish confirm: only what the bus confirmed is marked",
        "libs/common/messaging/relay.py",
        "count = await self._bus.publish(messages)",
        "count = len(messages) + 0 * await self._bus.publish(messages)",
        (MESSAGING,),
    ),
    Mutant(
        "idempotency row: a repeated request is done once",
        "libs/common/db/uow.py",
        "                if request:\n                    await idempotency.claim(",
        "                if request and not request:\n                    await idempotency.claim(",
        (GUARANTEES, FILING),
    ),
    Mutant(
        "BEGIN IMMEDIATE: a writer says so from the beginning",
        "libs/common/db/engine.py",
        '"BEGIN IMMEDIATE" if writing else "BEGIN"',
        '"BEGIN" if writing else "BEGIN"',
        (GUARANTEES,),
    ),
    Mutant(
        "version check: nobody overwrites what they did not read",
        "libs/common/web/units.py",
        "if wanted is not None and wanted != current:",
        "if wanted is not None and wanted > 2**31:",
        (ACTIONS,),
    ),
    Mutant(
        "ownership check: a case is there for who filed it",
        "services/grievance/repository/seeing.py",
        "own = Grievance.filed_by == caller.id",
        'own = Grievance.filed_by != ""',
        (CASES,),
    ),
    Mutant(
        "position: the log is read in the order in which its events can be seen",
        "libs/common/messaging/log.py",
        "place = table.c.position\n",
        'place = table.c.seq.label("position")\n',
        (LOG,),
    ),
    Mutant(
        "pause before admission: a stranger's body is not read",
        "services/gateway/proxy/door.py",
        "self.flow.pause_reading()  # whose body it is decides whether it is read",
        "self.flow.resume_reading()",
        (STRANGERS,),
    ),
)


def run(mutant: Mutant | None) -> tuple[int, str]:
    """The tests on a copy with `mutant` in it; pytest's exit code and its last line."""
    with tempfile.TemporaryDirectory(prefix="redress-mutant-") as folder:
        copy = Path(folder)
        _copy(copy)
        if mutant:
            _mutate(copy / mutant.file, mutant)
        tests = mutant.tests if mutant else sorted({t for each in MUTANTS for t in each.tests})
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests]
        done = subprocess.run(
            command, cwd=copy, capture_output=True, text=True, timeout=SECONDS, check=False
        )
    lines = (done.stdout + done.stderr).strip().splitlines()
    if done.returncode not in {GREEN, RED}:
        return done.returncode, "\n".join(lines[-20:])
    return done.returncode, next(
        line for line in reversed(lines) if " passed" in line or " failed" in line
    )


def _copy(folder: Path) -> None:
    for name in TREE:
        source = ROOT / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, folder / name, ignore=ignored)
        else:
            shutil.copy(source, folder / name)


def _mutate(path: Path, mutant: Mutant) -> None:
    """Replace exactly one place. Raises LookupError when the code has moved on."""
    text = path.read_text()
    if text.count(mutant.given) != 1:
        raise LookupError(
            f"{mutant.file} no longer holds once what this mutant replaces"
            f" ({mutant.name}): bring scripts/mutants.py up to date"
        )
    path.write_text(text.replace(mutant.given, mutant.left))


def main() -> int:
    """Exit code 0 when the unchanged tree is green and every mutant red."""
    code, said = run(None)
    print(f"unchanged: {said}", flush=True)
    if code != GREEN:
        return 1
    dead = 0
    with ThreadPoolExecutor(2) as pool:
        for mutant, (code, said) in zip(MUTANTS, pool.map(run, MUTANTS), strict=True):
            dead += code == RED
            verdict = {RED: "red  ", GREEN: "GREEN"}.get(code, "BROKEN")
            print(f"{verdict} without {mutant.name}\n        {said}", flush=True)
    print(f"\n{dead} of {len(MUTANTS)}")
    return 0 if dead == len(MUTANTS) else 1


if __name__ == "__main__":
    sys.exit(main())
