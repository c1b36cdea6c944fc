"""Give every service of the installation a new signing key, while everything runs.

The public half is there at once, and signs after a while: whoever verifies has read it by then, so
no good token is refused. The old half stays until no token of it can be alive; a later rotation
drops it. `--now --withdraw` is for a key somebody else has: its tokens are refused within seconds,
and those of the new key may be, for half a minute.
"""

import argparse
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from libs.common.cli import STOPPED, keep_to_owner
from libs.common.settings import SERVICES, SharedSettings
from libs.common.tokens import AFTER_SECONDS, UnderWay, rotate

PROGRAMS = ("gateway", *SERVICES)
LEAST, MOST = 35, 3600


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.rotate_keys", description=__doc__)
    parser.add_argument("services", nargs="*", help=f"of {', '.join(PROGRAMS)}; all without any")
    parser.add_argument(
        "--after",
        type=float,
        default=AFTER_SECONDS,
        help=f"seconds until the new key signs (default {AFTER_SECONDS:.0f}; not under 35)",
    )
    parser.add_argument("--now", action="store_true", help="with --withdraw: at once")
    parser.add_argument("--withdraw", action="store_true", help="with --now: drop the old key")
    given = parser.parse_args()
    if given.now is not given.withdraw:
        parser.error("--now and --withdraw go together: they refuse good tokens")
    if unknown := set(given.services) - set(PROGRAMS):
        parser.error(f"there is no service {', '.join(sorted(unknown))}")
    if not LEAST <= given.after <= MOST and not given.now:
        parser.error(f"whoever verifies looks every 30 seconds: --after is {LEAST} to {MOST}")
    shared = SharedSettings()
    keep_to_owner(shared)
    keys = shared.keys
    if not keys.is_dir():
        sys.stderr.write(f"rotate-keys: there are no keys in {keys}: is REDRESS_DATA_DIR right?\n")
        return 1
    try:
        rotate_all(given.services or PROGRAMS, keys, given.after, withdraw=given.withdraw)
    except UnderWay as error:
        sys.stderr.write(f"rotate-keys: {error} Wait, or --now --withdraw.\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("\nrotate-keys: stopped; called again in a minute, it goes on.\n")
        return STOPPED
    return 0


def rotate_all(services: Iterable[str], keys: Path, after: float, *, withdraw: bool) -> None:
    """Give each of them a new key, and say so. Raises UnderWay."""
    for service in services:
        done = rotate(service, keys, after=after, withdraw=withdraw)
        at = datetime.fromtimestamp(done.signs_from, UTC)
        dropped = f"; dropped {', '.join(done.dropped)}" if done.dropped else ""
        print(f"{service}: {done.kid} signs from {at:%H:%M:%S} UTC{dropped}")


if __name__ == "__main__":
    sys.exit(main())
