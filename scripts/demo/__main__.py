"""`python -m scripts.demo --port 8000 [--fixtures DIR]`: the main path, played and printed."""

import argparse
import asyncio
import sys
import time
from pathlib import Path

import httpx2

from scripts.demo import doors, story
from scripts.demo.api import Caller, Unexpected, connect
from scripts.demo.authored import authored
from scripts.demo.own import own
from scripts.demo.people import Account, administrator

TOTAL_SECONDS = 170


async def play(base: str, account: Account, fixtures: Path | None) -> bool:
    """Everything, one after the other; whether all came out as it should."""
    async with connect(base) as http, asyncio.timeout(TOTAL_SECONDS):
        anyone = Caller(http, is_loud=True)
        staff = await story.play(anyone, account)
        await doors.play(anyone, staff)
        if fixtures:
            return await authored(Caller(http), staff, fixtures)
        return await own(Caller(http), staff)


def main() -> int:
    """Exit code 0 when everything came out as it should."""
    parser = argparse.ArgumentParser(prog="python -m scripts.demo", description=__doc__)
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--fixtures", type=Path, help="a folder with data/ and media/")
    parser.add_argument("--admin-password", help="instead of the one in var/admin-password")
    parser.add_argument("--admin-totp", help="instead of the secret in var/admin-totp")
    given = parser.parse_args()
    began = time.monotonic()
    base = f"http://127.0.0.1:{given.port}"
    try:
        account = administrator(given.admin_password, given.admin_totp)
        is_fine = asyncio.run(play(base, account, given.fixtures))
    except (httpx2.TransportError, TimeoutError, Unexpected) as failure:
        what = str(failure) or type(failure).__name__
        sys.stderr.write(f"\ndemo: {what}\n      Is `make run` running at {base}?\n")
        return 1
    print(f"\n{time.monotonic() - began:.1f} s")
    return 0 if is_fine else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
