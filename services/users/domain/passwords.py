"""Passwords: argon2id, off the event loop, two at a time."""

import asyncio
import base64
import secrets

from argon2 import DEFAULT_PARALLELISM, DEFAULT_TIME_COST
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from libs.common.ids import ALPHABET

AT_ONCE = 2
"""One hash takes 64 MiB and a tenth of a second of a core."""


class Passwords:
    """Hashes and checks passwords."""

    def __init__(self, *, memory_kib: int) -> None:
        self._argon2 = PasswordHash((Argon2Hasher(memory_cost=memory_kib),))
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._nobodys = _unmatched(memory_kib)

    async def hash(self, password: str) -> str:
        """What is kept of `password`."""
        async with self._turns:
            return await asyncio.to_thread(self._argon2.hash, password)

    async def matches(self, password: str, kept: str | None) -> bool:
        """Whether `password` is the one `kept`; takes as long when there is none."""
        async with self._turns:
            is_right = await asyncio.to_thread(self._argon2.verify, password, kept or self._nobodys)
        return is_right and kept is not None


def new_password() -> str:
    """A password to be read off a screen once: 100 bits, in five groups."""
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(4)) for _ in range(5)).lower()


def _unmatched(memory_kib: int) -> str:
    """A hash of nothing: checking against it costs what checking a real one costs."""
    salt, digest = (
        base64.b64encode(secrets.token_bytes(size)).rstrip(b"=").decode() for size in (16, 32)
    )
    costs = f"m={memory_kib},t={DEFAULT_TIME_COST},p={DEFAULT_PARALLELISM}"
    return f"$argon2id$v=19${costs}${salt}${digest}"
