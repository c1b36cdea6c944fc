"""Passwords: hard to guess (zxcvbn), hard to try (argon2id); both off the event loop."""

import asyncio
import base64
import re
import secrets
import unicodedata
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar, TypeVar

from argon2 import DEFAULT_PARALLELISM, DEFAULT_TIME_COST
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from zxcvbn import zxcvbn  # type: ignore[import-untyped]

from libs.common.errors import Invalid, TooManyRequests
from libs.common.ids import ALPHABET

T = TypeVar("T")
AT_ONCE = 2
"""One hash takes 64 MiB and a tenth of a second of a core."""
IN_LINE = 16
"""No more than are served in time: a crowd is refused, and does not look like a service down."""
LOWEST_SCORE = 3
"""Of 0 to 4: safe from whoever has stolen the hashes, at ten thousand guesses a second."""
LOOKED_AT = 72
"""Characters the estimate reads: it takes 30 ms for as many, and ever longer for more."""
SHORTEST_WORD = 3
NATIONAL_DIGITS = 10
_WORD_ENDS = re.compile(r"[\W_]+")


class PasswordTooWeak(Invalid):
    """The password is easily guessed; `suggestions` say what would help."""

    code = "PASSWORD_TOO_WEAK"

    def __init__(self, suggestions: list[str]) -> None:
        super().__init__("This password is easily guessed.", suggestions=suggestions)
        self.suggestions = suggestions


class PasswordsBusy(TooManyRequests):
    """So many passwords are being looked at that this one would not be in time."""

    code = "PASSWORDS_BUSY"
    headers: ClassVar[dict[str, str]] = {"Retry-After": "2"}


class Passwords:
    """Hashes and checks passwords."""

    def __init__(self, *, memory_kib: int) -> None:
        self._argon2 = PasswordHash((Argon2Hasher(memory_cost=memory_kib),))
        # A thread goes on when nobody waits for it any more: it is threads that are counted.
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="argon2")
        self._in_line = 0
        self._nobodys = _unmatched(memory_kib)

    async def hash(self, password: str) -> str:
        """What is kept of `password`. Raises PasswordsBusy."""
        return await self._in_turn(self._argon2.hash, _one_spelling(password))

    async def matches(self, password: str, kept: str | None) -> bool:
        """Whether `password` is the one `kept`; takes as long when there is none.

        Raises PasswordsBusy.
        """
        is_right = await self._in_turn(
            self._argon2.verify, _one_spelling(password), kept or self._nobodys
        )
        return is_right and kept is not None

    def check_room(self) -> None:
        """Raises PasswordsBusy."""
        if self._in_line >= IN_LINE:
            raise PasswordsBusy("Too many sign in just now. Try again in a moment.")

    async def _in_turn(self, work: Callable[..., T], *given: str) -> T:
        self.check_room()
        self._in_line += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work, *given)
        finally:
            self._in_line -= 1


async def check_strength(password: str, *, about: Iterable[str | None]) -> None:
    """Refuse a password that is guessed from lists or patterns.

    What is known `about` its owner counts for nothing: the rest has to be strong without it.
    Raises PasswordTooWeak.
    """
    known = {word for text in about if text for word in _words(text)}
    rest = password[:LOOKED_AT]
    for word in sorted(known, key=len, reverse=True):
        rest = re.sub(re.escape(word), " ", rest, flags=re.IGNORECASE)
    found = await asyncio.to_thread(zxcvbn, rest.strip() or " ", user_inputs=list(known))
    if found["score"] < LOWEST_SCORE:
        feedback = found["feedback"]
        suggestions = [feedback["warning"], *feedback["suggestions"]]
        raise PasswordTooWeak([each for each in suggestions if each])


def new_password() -> str:
    """A password to be read off a screen once: 100 bits, in five groups."""
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(4)) for _ in range(5)).lower()


def _one_spelling(password: str) -> str:
    """As RFC 8265, 4.2 has it: keyboards spell `é` and Devanagari in more than one way."""
    return unicodedata.normalize("NFC", password)


def _unmatched(memory_kib: int) -> str:
    """A hash of nothing: checking against it costs what checking a real one costs."""
    salt, digest = (
        base64.b64encode(secrets.token_bytes(size)).rstrip(b"=").decode() for size in (16, 32)
    )
    costs = f"m={memory_kib},t={DEFAULT_TIME_COST},p={DEFAULT_PARALLELISM}"
    return f"$argon2id$v=19${costs}${salt}${digest}"


def _words(text: str) -> set[str]:
    """What of `text` is no secret: all of it, its words, and a phone number without its country."""
    plain = text.casefold()
    parts = {plain, *_WORD_ENDS.split(plain)}
    if plain.startswith("+") and plain[1:].isdecimal():
        parts.add(plain[-NATIONAL_DIGITS:])
    return {part for part in parts if len(part) >= SHORTEST_WORD}
