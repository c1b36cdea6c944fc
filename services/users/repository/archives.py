"""The folder of exports. An archive is sealed piece by piece as it comes in, and never lies plain.

Each has a key of its own. A piece is bound to its number, and the last one says that it is the
last: nothing can be left out, put elsewhere or cut off.
"""

import asyncio
import os
import secrets
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import IO

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from libs.common.clock import utc_now
from libs.common.ids import new_id

PIECE = 256 * 1024
TAG_BYTES = 16
KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Kept:
    """An archive that lies in its place: where, what opens it, and what it was."""

    stored_as: str
    key: bytes
    size: int
    sha256: str


class Archives:
    """Sealed files in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def keep(self, content: AsyncIterable[bytes], *, limit: int) -> Kept | None:
        """Seal `content` as it comes; None, and nothing kept, when it is more than `limit`."""
        name, key, digest, size = f"{new_id()}.sealed", secrets.token_bytes(KEY_BYTES), sha256(), 0
        path = self._folder / name
        file = await asyncio.to_thread(_opened_new, path)
        is_whole = False
        try:
            cipher, number = AESGCM(key), 0
            async for piece, is_last in _pieces(content):
                size += len(piece)
                if size > limit:
                    return None
                digest.update(piece)
                nonce = _nonce(number, is_last=is_last)
                await asyncio.to_thread(file.write, cipher.encrypt(nonce, piece, name.encode()))
                number += 1
            await asyncio.to_thread(_synced, file)
            is_whole = True
        finally:
            file.close()
            if not is_whole:
                await self.remove(name)
        return Kept(name, key, size, digest.hexdigest())

    async def opened(
        self, stored_as: str, key: bytes, *, start: int, end: int
    ) -> AsyncIterator[bytes]:
        """The bytes from `start` to `end`, opened piece by piece. Raises FileNotFoundError."""
        file = await asyncio.to_thread((self._folder / stored_as).open, "rb")
        return self._read(file, AESGCM(key), stored_as.encode(), start, end)

    async def remove(self, *names: str) -> None:
        """Forget what lies there, if anything does."""

        def removed() -> None:
            for name in names:
                (self._folder / name).unlink(missing_ok=True)

        await asyncio.to_thread(removed)

    async def older_than(self, age: timedelta) -> list[str]:
        """Every archive that was written so long ago."""
        before = utc_now().timestamp() - age.total_seconds()

        def listed() -> list[str]:
            with suppress(FileNotFoundError):
                found = self._folder.iterdir()
                return [path.name for path in found if path.stat().st_mtime < before]
            return []

        return await asyncio.to_thread(listed)

    @staticmethod
    async def _read(
        file: IO[bytes], cipher: AESGCM, name: bytes, start: int, end: int
    ) -> AsyncIterator[bytes]:
        try:
            number = start // PIECE
            file.seek(number * (PIECE + TAG_BYTES))
            sealed = await asyncio.to_thread(file.read, PIECE + TAG_BYTES)
            while sealed and number * PIECE < end:
                following = await asyncio.to_thread(file.read, PIECE + TAG_BYTES)
                nonce = _nonce(number, is_last=not following)
                begins = number * PIECE
                yield cipher.decrypt(nonce, sealed, name)[max(0, start - begins) : end - begins]
                number, sealed = number + 1, following
        finally:
            file.close()


async def _pieces(content: AsyncIterable[bytes]) -> AsyncIterator[tuple[bytes, bool]]:
    """`content` in pieces of one size; with each, whether it is the last."""
    held = bytearray()
    async for chunk in content:
        held += chunk
        while len(held) > PIECE:
            yield bytes(held[:PIECE]), False
            del held[:PIECE]
    yield bytes(held), True


def _nonce(number: int, *, is_last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([is_last])


def _opened_new(path: Path) -> IO[bytes]:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _synced(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())
