"""Whether time tells who is known: the same question about known and unknown people, in pairs.

`python -m bench.identity_enumeration`: exit 1 unless it is sure (95 %, by bootstrap) that the
median of the differences within the pairs is under two milliseconds. What else the machine does
hits both halves of a pair alike, and the quickest of three askings is what it hit least.

A password's hash takes fifty times what is done around it, and its noise would drown that. So the
way is timed with cheap hashes, and the hash by itself, at its full price, by the processor's clock.
"""

import argparse
import asyncio
import random
import statistics
import string
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
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
from services.users.domain.passwords import Passwords
from services.users.settings import UsersSettings

APART_MILLIS = 2.0
WARMING = 20
"""Pairs before the first that counts: caches, pools and threads are there by then."""
TRIES = 3
AT_MOST = 5
"""Times the samples that were asked for, where they do not decide."""
RESAMPLED = 4_000
CHEAP_KIB = "64"
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
Pair = tuple[float, float]


@dataclass(frozen=True)
class Compared:
    """Milliseconds: both medians, and the median of what known took longer than unknown."""

    pairs: int
    known: float
    unknown: float
    apart: float
    least: float
    most: float
    """Between these two it lies, in 95 of 100 such runs."""

    @classmethod
    def of(cls, pairs: Sequence[Pair]) -> "Compared":
        """What pairs of known and unknown tell; the same pairs tell the same again."""
        chance = random.Random(len(pairs))
        apart = [known - unknown for known, unknown in pairs]
        medians = sorted(
            statistics.median(chance.choices(apart, k=len(apart))) for _ in range(RESAMPLED)
        )
        least, *_, most = statistics.quantiles(medians, n=40)
        known, unknown = (statistics.median(each) for each in zip(*pairs, strict=True))
        return cls(len(pairs), known, unknown, statistics.median(apart), least, most)

    @property
    def is_alike(self) -> bool:
        """Whether it is sure that nobody tells them apart."""
        return max(-self.least, self.most) < APART_MILLIS

    @property
    def is_apart(self) -> bool:
        """Whether it is sure that somebody could."""
        return max(self.least, -self.most) > APART_MILLIS

    @property
    def verdict(self) -> str:
        """What is known now, in words."""
        if self.is_alike:
            return "alike"
        return "apart" if self.is_apart else "undecided: the machine is too busy"


async def main(samples: int, codes: int) -> bool:
    """Measure and print; whether everybody was answered alike."""
    with tempfile.TemporaryDirectory(prefix="redress-bench-") as name, ExitStack() as stack:
        system = Embedded(Path(name), **UNCOUNTED, USERS_ARGON_MEMORY_KIB=CHEAP_KIB)
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
    hashes = await _hashed(samples)
    compared = {"OTP request": requests, "wrong password": passwords, "its hash": hashes}
    for what, found in compared.items():
        print(
            f"{what:15} known {found.known:7.2f} ms, unknown {found.unknown:7.2f} ms, "
            f"known takes {found.apart:+.2f} ms longer, 95 %: {found.least:+.2f} … "
            f"{found.most:+.2f} (expected: within ±{APART_MILLIS:.0f}; {found.pairs} pairs): "
            f"{found.verdict}"
        )
    print(f"{'OTP verify':15} {rate:.0f} a second, {CLIENTS} clients, {codes} new people")
    return all(found.is_alike for found in compared.values())


async def _compared(
    http: httpx2.AsyncClient, path: str, known: Ask, unknown: Ask, samples: int
) -> Compared:
    """Ask one at a time, in pairs, each in an order nobody foresees."""

    async def pair() -> Pair:
        took: dict[Ask, list[float]] = {known: [], unknown: []}
        for ask in random.sample([known, unknown] * TRIES, 2 * TRIES):
            took[ask].append(await _asked(http, path, ask()))
        return min(took[known]), min(took[unknown])

    for _ in range(WARMING):
        await pair()
    return await _decided(pair, samples)


async def _decided(pair: Callable[[], Awaitable[Pair]], samples: int) -> Compared:
    """What so many pairs tell; on a busy machine, what some times as many do."""
    pairs: list[Pair] = []
    for _ in range(AT_MOST):
        pairs += [await pair() for _ in range(samples)]
        found = Compared.of(pairs)
        if found.is_alike or found.is_apart:
            break
    return found


async def _hashed(samples: int) -> Compared:
    """Check a wrong password against a hash that is kept, and against none."""
    passwords = Passwords(memory_kib=UsersSettings.model_fields["argon_memory_kib"].default)
    kept = await passwords.hash("a right pass phrase")

    async def pair() -> Pair:
        order = random.sample([kept, None], 2)
        took = {each: await _checked(passwords, each) for each in order}
        return took[kept], took[None]

    return await _decided(pair, samples)


async def _checked(passwords: Passwords, kept: str | None) -> float:
    """How many milliseconds of a processor it took to refuse a password."""
    began = time.process_time()
    await passwords.matches("a wrong pass phrase", kept)
    return (time.process_time() - began) * 1_000


async def _asked(http: httpx2.AsyncClient, path: str, body: dict[str, Any]) -> float:
    """How many milliseconds an answer took."""
    began = time.perf_counter()
    answer = await http.post(path, **body)
    millis = (time.perf_counter() - began) * 1_000
    if answer.status_code not in {202, 400}:
        raise httpx2.HTTPError(f"{path} → {answer.status_code} {answer.text[:200]}")
    return millis


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
    given = parser.parse_args()
    start_logging(level="error", form="console")
    sys.exit(0 if asyncio.run(main(given.samples, given.codes)) else 1)
