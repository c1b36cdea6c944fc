"""Identity: what checking a token costs, and how many can sign in, as ratios of this machine.

`python -m bench.identity [tokens] [passwords]`: all of them without any.
"""

import argparse
import asyncio
import itertools
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

import httpx2
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from libs.common.bus.factory import open_bus
from libs.common.logging import start_logging
from libs.common.principal import Role
from libs.common.settings import SharedSettings
from libs.common.tokens import PublicKeys, Signer, Verifier
from services.users.app import PASSWORD_FILE, create_app
from services.users.domain.passwords import AT_ONCE
from services.users.settings import UsersSettings

TOKENS = 2_000
LOOKS = 200_000
SIGN_INS = 10
ROUNDS = 4
CLIENTS = 4
MICROS = 1_000_000


class Row(NamedTuple):
    """One line of the table."""

    what: str
    figure: str
    remark: str = ""


async def tokens(folder: Path) -> list[Row]:
    """A token that was never seen, and one that was."""
    signer = Signer.at("users", folder / "keys")
    verifier = Verifier(PublicKeys(folder / "keys"), "grievance")
    given = [signer.sign(f"user:{n}", Role.CITIZEN, session=f"s-{n}") for n in range(TOKENS)]
    verifier.verify(signer.sign("user:0", Role.CITIZEN))
    first = _seconds(verifier, given)
    again = _seconds(verifier, list(itertools.islice(itertools.cycle(given[:100]), LOOKS)))
    return [
        Row(
            "token verification, first time", f"{first * MICROS:.0f} µs", "a signature, and claims"
        ),
        Row(
            "token verification, seen before",
            f"{again * MICROS:.2f} µs",
            f"1/{first / again:.0f} of the first time",
        ),
    ]


def _seconds(verifier: Verifier, given: list[str]) -> float:
    began = time.perf_counter()
    for token in given:
        verifier.verify(token)
    return (time.perf_counter() - began) / len(given)


async def passwords(folder: Path) -> list[Row]:
    """Signing in by password, beside the bare hashes it cannot do without."""
    shared = SharedSettings(data_dir=folder, keys_dir=folder / "keys")
    settings = UsersSettings(shared=shared, login_tries=10**6, totp_required_for=frozenset())
    bus = open_bus(f"embedded://{folder / 'bus.db'}", name="users")
    app = create_app(settings, bus=bus)
    try:
        async with app.router.lifespan_context(app):
            password = (folder / PASSWORD_FILE).read_text().strip()
            bare = own = 0.0
            for _ in range(ROUNDS):  # in turns: what else the machine does hits both alike
                bare += await _hashes()
                own += await _sign_ins(httpx2.ASGITransport(app), password)
    finally:
        await bus.close()
    return [
        Row(
            "password sign-in, four clients",
            f"{ROUNDS * SIGN_INS / own:.1f} a second",
            f"{bare / own:.2f} x bare argon2id hashes, {AT_ONCE} at a time"
            f" ({ROUNDS * SIGN_INS / bare:.1f} a second)",
        )
    ]


async def _hashes() -> float:
    argon2 = PasswordHash((Argon2Hasher(),))
    kept = argon2.hash("an invented pass phrase")
    turns = asyncio.Semaphore(AT_ONCE)

    async def check() -> None:
        async with turns:
            await asyncio.to_thread(argon2.verify, "an invented pass phrase", kept)

    began = time.perf_counter()
    await asyncio.gather(*(check() for _ in range(SIGN_INS)))
    return time.perf_counter() - began


async def _sign_ins(transport: httpx2.AsyncBaseTransport, password: str) -> float:
    form = {"grant_type": "password", "username": "admin", "password": password}
    left = iter(range(SIGN_INS))
    async with httpx2.AsyncClient(transport=transport, base_url="http://bench") as http:

        async def client() -> None:
            for _ in left:
                (await http.post("/oauth/token", data=form)).raise_for_status()

        began = time.perf_counter()
        await asyncio.gather(*(client() for _ in range(CLIENTS)))
        return time.perf_counter() - began


BENCHES: dict[str, Callable[[Path], Awaitable[list[Row]]]] = {
    "tokens": tokens,
    "passwords": passwords,
}


async def identity(*names: str) -> list[Row]:
    """The rows of the sub-benches named; of all without any."""
    rows = []
    for name in names or BENCHES:
        with tempfile.TemporaryDirectory(prefix="redress-bench-") as folder:
            rows += await BENCHES[name](Path(folder))
    return rows


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.identity", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*BENCHES, []], default=[])
    start_logging(level="error", form="console")
    for row in asyncio.run(identity(*parser.parse_args().names)):
        print(f"{row.what:41} {row.figure:39} {row.remark}".rstrip(), flush=True)
