"""Give every service of the installation a new signing key, while everything runs.

The public half is there at once, and signs after a while: whoever verifies has read it by then, so
no good token is refused. The old half stays until no token of it can be alive; a later rotation
drops it. `--now --withdraw` is for a key somebody else has: its tokens are refused within seconds,
and those of the new key may be, for half a minute.
"""

import argparse
import sys
from datetime import UTC, datetime

from libs.common.settings import SERVICES, SharedSettings
from libs.common.tokens import AFTER_SECONDS, UnderWay, rotate

PROGRAMS = ("gateway", *SERVICES)


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
    if given.after < 35 and not given.now:  # noqa: PLR2004 - who verifies looks every 30 seconds
        parser.error("whoever verifies looks at the keys every 30 seconds: --after is 35 or more")
    keys = SharedSettings().keys
    for service in given.services or PROGRAMS:
        try:
            done = rotate(service, keys, after=given.after, withdraw=given.withdraw)
        except UnderWay as error:
            sys.stderr.write(f"rotate-keys: {error} Wait, or --now --withdraw.\n")
            return 1
        at = datetime.fromtimestamp(done.signs_from, UTC)
        dropped = f"; dropped {', '.join(done.dropped)}" if done.dropped else ""
        print(f"{service}: {done.kid} signs from {at:%H:%M:%S} UTC{dropped}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
