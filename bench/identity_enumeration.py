"""Whether time tells who is known: the same question about known and unknown people, in turns.

`python -m bench.identity_enumeration`: exit 1 when two medians are two milliseconds apart.
"""

import argparse
import asyncio
import random
import statistics
import string
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from libs.common.logging import start_logging
from libs.common.testing.stage import until
from scripts.demo.api import connect
from scripts.demo.people import a_phone
from scripts.torture.systems import Embedded

APART_MILLIS = 2.0
KNOWN_LOGIN = "admin"
PATIENCE_SECONDS = 120.0
CLIENTS = 8
PLENTY = str(10**8)
UNCOUNTED = {
    "USERS_OTP_PER_CONTACT": PLENTY,
    "USERS_OTP_PER_MINUTE": PLENTY,
    "USERS_LOGIN_TRIES": PLENTY,
}
"""One contact is asked about hundreds of times here."""
REQUEST, VERIFY = "/api/v1/auth/otp/request", "/api/v1/auth/otp/verify"

Ask = Callable[[], dict[str, Any]]


@dataclass(frozen=True)
class Compared:
    """Medians in milliseconds, and what the difference is to be judged by."""

    known: float
    unknown: float
    spread: float
    """Between the quartiles of all of them: what one run differs from another by itself."""

    @property
    def apart(self) -> float:
        """How far the medians are from one another."""
        return abs(self.known - self.unknown)


async def main(samples: int, codes: int, argon_kib: str | None) -> bool:
    """Measure and print; whether everybody was answered alike."""
    with tempfile.TemporaryDirectory(prefix="redress-bench-") as name, ExitStack() as stack:
        argon = {"USERS_ARGON_MEMORY_KIB": argon_kib} if argon_kib else {}
        system = Embedded(Path(name), **UNCOUNTED, **argon)
        stack.callback(system.end)
        await system.start()
        async with connect(system.base) as http:
            known = a_phone()
            await _prove(http, await _challenges(http, system.data, [known]))
            requests = await _compared(
                http, REQUEST, lambda: _otp(known), lambda: _otp(a_phone()), samples
            )
            passwords = await _compared(
                http, "/oauth/token", lambda: _login(KNOWN_LOGIN), lambda: _login(_name()), samples
            )
            given = await _challenges(http, system.data, [a_phone() for _ in range(codes)])
            rate = await _prove(http, given)
    for what, found in (("OTP request", requests), ("wrong password", passwords)):
        print(
            f"{what:15} known {found.known:7.2f} ms, unknown {found.unknown:7.2f} ms, "
            f"apart {found.apart:.2f} ms (expected: under {APART_MILLIS:.0f}; "
            f"quartiles {found.spread:.2f} apart)"
        )
    print(f"{'OTP verify':15} {rate:.0f} a second, {CLIENTS} clients, {codes} new people")
    return all(found.apart < APART_MILLIS for found in (requests, passwords))


async def _compared(
    http: httpx2.AsyncClient, path: str, known: Ask, unknown: Ask, samples: int
) -> Compared:
    """Ask in turns, in an order nobody foresees: what else the machine does hits both alike."""
    millis: dict[Ask, list[float]] = {known: [], unknown: []}
    for _ in range(samples):
        for ask in random.sample([known, unknown], 2):
            body = ask()
            began = time.perf_counter()
            answer = await http.post(path, **body)
            millis[ask].append((time.perf_counter() - began) * 1_000)
            if answer.status_code not in {202, 400}:
                raise httpx2.HTTPError(f"{path} → {answer.status_code} {answer.text[:200]}")
    first, _, third = statistics.quantiles([*millis[known], *millis[unknown]], n=4)
    medians = statistics.median(millis[known]), statistics.median(millis[unknown])
    return Compared(*medians, spread=third - first)


async def _challenges(
    http: httpx2.AsyncClient, data: Path, phones: list[str]
) -> list[tuple[str, str]]:
    """Challenges and their codes, as the folder of what was sent says them."""
    found = []
    for phone in phones:
        answer = await http.post(REQUEST, **_otp(phone))
        found.append(str(answer.json()["data"]["challenge_id"]))
    paths = [data / "outbox" / f"{challenge_id}.txt" for challenge_id in found]
    await until(lambda: all(path.exists() for path in paths), seconds=PATIENCE_SECONDS, every=0.2)
    codes = [_code(path.read_text()) for path in paths]
    return list(zip(found, codes, strict=True))


async def _prove(http: httpx2.AsyncClient, given: list[tuple[str, str]]) -> float:
    """Show every code once; how many a second that makes."""
    waiting = iter(given)

    async def client() -> None:
        for challenge_id, code in waiting:
            body = {"challenge_id": challenge_id, "code": code}
            (await http.post(VERIFY, json=body)).raise_for_status()

    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    return len(given) / (time.perf_counter() - began)


def _code(text: str) -> str:
    words = text.partition("\n\n")[2].split()
    return next(word for word in words if word.isdecimal() and len(word) == len("123456"))


def _otp(phone: str) -> dict[str, Any]:
    return {"json": {"phone_number": phone, "channel": "sms", "language": "en"}}


def _login(username: str) -> dict[str, Any]:
    form = {"grant_type": "password", "username": username, "password": "a wrong pass phrase"}
    return {"data": form}


def _name() -> str:
    return "".join(random.choices(string.ascii_lowercase, k=len(KNOWN_LOGIN)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.identity_enumeration")
    parser.add_argument("--samples", type=int, default=200)
    parser.add_argument("--codes", type=int, default=200)
    parser.add_argument(
        "--argon-kib", help="cheaper hashes, under which the rest of the way shows (default: 65536)"
    )
    given = parser.parse_args()
    start_logging(level="error", form="console")
    sys.exit(0 if asyncio.run(main(given.samples, given.codes, given.argon_kib)) else 1)
