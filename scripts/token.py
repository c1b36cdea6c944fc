"""Print an access token of the administrator of a running system (`make token`)."""

import argparse
import asyncio
import sys

import httpx2

from scripts.demo.api import Caller, Unexpected, connect
from scripts.demo.people import Account, administrator, sign_in


async def token(base: str, account: Account) -> str:
    async with connect(base) as http:
        return (await sign_in(Caller(http), account)).token or ""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.token", description=__doc__)
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--admin-password", help="instead of the one in var/admin-password")
    parser.add_argument("--admin-totp", help="instead of the secret in var/admin-totp")
    given = parser.parse_args()
    base = f"http://127.0.0.1:{given.port}"
    try:
        account = administrator(given.admin_password, given.admin_totp)
        print(asyncio.run(token(base, account)))
    except (httpx2.TransportError, Unexpected) as failure:
        sys.stderr.write(f"token: {failure}\n       Is `make run` running at {base}?\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
