"""Measure, print a table, write nothing (but the JSON one asks for).

Fronts take turns in rounds on one core, wrk and the upstream have another; each figure is the
median of the rounds, each ratio the median of what two neighbours in one round gave. Tokens are
ES256, a thousand different ones. nginx and HAProxy write no log; ours writes a line a request.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

from bench.gateway import bodies, report, rounds
from bench.gateway.cores import Cores
from bench.gateway.credentials import Credentials
from bench.gateway.fronts import running
from bench.gateway.load import Load, Spoiled
from bench.gateway.profiled import profiled
from bench.gateway.rounds import Plan
from libs.common.testing.private import ServerFailed, ServerMissing

FULL = Plan(rounds=5, seconds=2, ours_seconds=5, body_rounds=3, body_seconds=1)
QUICK = Plan(rounds=2, seconds=1, ours_seconds=3, body_rounds=1, body_seconds=1)
MISSING = 2


def main(arguments: argparse.Namespace) -> None:
    """Do what was asked for."""
    with tempfile.TemporaryDirectory(prefix="redress-bench-gateway-") as name:
        credentials, cores = Credentials.make(Path(name)), Cores()
        load = Load(cores, credentials.tokens)
        if arguments.profile:
            print(profiled(arguments.profile, cores, credentials, load, arguments.seconds))
            return
        _compare(arguments, cores, credentials, load)


def _compare(
    arguments: argparse.Namespace, cores: Cores, credentials: Credentials, load: Load
) -> None:
    began, plan = time.monotonic(), QUICK if arguments.quick else FULL
    with running(cores, credentials) as field:
        small = rounds.measure(field, load, plan)
        large = bodies.measure(field, load, plan)
    took = time.monotonic() - began
    print(f"{plan.rounds} rounds in {took:.0f} s; {cores}")
    print("\n".join([*report.table(small), *report.bodies(large), "", report.quiet(small)]))
    print(" · ".join(map(str, report.ratios(small, large))))
    if arguments.json:
        arguments.json.write_text(json.dumps(report.as_json(small, large), indent=1) + "\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.gateway", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="under 45 s, two short rounds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every run there, too")
    parser.add_argument(
        "--profile",
        nargs="?",
        const="samples",
        choices=["samples", "calls"],
        help="load only our gateway, and print where its time goes (calls: cProfile)",
    )
    parser.add_argument("--seconds", type=int, default=10, help="how long to profile")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        main(_arguments())
    except ServerMissing as missing:
        sys.stderr.write(f"bench.gateway: {missing}\n")
        sys.exit(MISSING)
    except (Spoiled, ServerFailed) as failure:
        sys.stderr.write(f"bench.gateway: {failure}\n")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
