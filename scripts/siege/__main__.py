"""`python -m scripts.siege [proof …] [--quick]`: exit code 1 when one of them does not hold."""

import argparse
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Awaitable
from pathlib import Path
from typing import Protocol

import uvloop

from libs.common.logging import start_logging
from libs.common.testing.private import ServerFailed, ServerMissing
from scripts.siege import client, drain, frozen, overload, slowloris, stores, stranger
from scripts.siege.cores import allow_many_sockets
from scripts.siege.processes import busy
from scripts.siege.reporting import Check, show
from scripts.torture.programs import DidNotStart


class Proof(Protocol):
    """Something that must hold, tried on a system of its own in an empty folder."""

    def __call__(self, folder: Path, *, is_quick: bool) -> Awaitable[list[Check]]: ...


PROOFS: dict[str, Proof] = {
    "client": client.prove,
    "stranger": stranger.prove,
    "slowloris": slowloris.prove,
    "drain": drain.prove,
    "frozen": frozen.prove,
    "stores": stores.prove,
    "overload": overload.prove,
}


async def _prove(name: str, *, is_quick: bool) -> bool:
    folder = Path(tempfile.mkdtemp(prefix=f"redress-siege-{name}-"))
    print(f"\n{name} (in {folder}; {busy():.1f} cores were busy before)", flush=True)
    began = time.monotonic()
    try:
        checks = await PROOFS[name](folder, is_quick=is_quick)
    except (DidNotStart, ServerFailed, TimeoutError) as failure:
        reason = str(failure) or "it took too long"
        checks = [Check("the proof itself", reason, "comes to an end", holds=False)]
    has_held = show(f"{name} after {time.monotonic() - began:.0f} s", checks)
    if has_held:
        shutil.rmtree(folder)
    else:
        print(f"  kept for a look: {folder}")
    return has_held


def main() -> int:
    """Run what was named, or everything."""
    parser = argparse.ArgumentParser(prog="python -m scripts.siege", description=__doc__)
    parser.add_argument("proofs", nargs="*", metavar="proof", help=", ".join(PROOFS))
    parser.add_argument("--quick", action="store_true", help="shorter, fewer rounds, same checks")
    given = parser.parse_args()
    if unknown := set(given.proofs) - PROOFS.keys():
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(PROOFS)}")
    allow_many_sockets()
    start_logging(level="error", form="console")
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    names = given.proofs or list(PROOFS)
    try:
        held = {name: uvloop.run(_prove(name, is_quick=given.quick)) for name in names}
    except ServerMissing as missing:
        sys.stderr.write(f"siege: {missing}\n")
        return 1
    broken = [name for name, has_held in held.items() if not has_held]
    print(f"  DOES NOT HOLD: {', '.join(broken)}" if broken else "  all of it holds")
    return 1 if broken else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
