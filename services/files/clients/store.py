"""The upload folder: bytes arrive aside, and appear in their place whole or not at all."""

import asyncio
import errno
import mmap
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from typing import IO, Any, TypeVar

from libs.common.errors import AppError
from libs.common.ids import new_id

T = TypeVar("T")
CHUNK = 256 * 1024
ARRIVALS = ".arriving"
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class InsufficientStorage(AppError):
    """There is no room for these bytes; nothing of them was kept."""

    status = HTTPStatus.INSUFFICIENT_STORAGE
    code = "INSUFFICIENT_STORAGE"


@dataclass
class Arrival:
    """Bytes on their way in. Beyond `limit` they are counted and not kept."""

    path: Path
    file: IO[bytes]
    limit: int
    size: int = 0
    digest: Any = field(default_factory=sha256)

    async def write(self, chunk: bytes) -> None:
        """Take the next bytes."""
        self.size += len(chunk)
        if self.size <= self.limit:
            await _in_thread(lambda: self._take(chunk))

    async def finish(self) -> None:
        """Make sure the disk has them."""
        await _in_thread(self._sync)

    async def judged(self, judge: Callable[[bytes | mmap.mmap], T]) -> T:
        """What `judge` says of the bytes, which are mapped and not copied."""
        return await _in_thread(lambda: self._mapped(judge))

    @property
    def sha256(self) -> str:
        """The digest of what was kept."""
        return str(self.digest.hexdigest())

    def _take(self, chunk: bytes) -> None:
        self.file.write(chunk)
        self.digest.update(chunk)

    def _sync(self) -> None:
        self.file.flush()
        os.fsync(self.file.fileno())

    def drop(self) -> None:
        """Forget the bytes, unless they were placed."""
        self.file.close()
        self.path.unlink(missing_ok=True)

    def _mapped(self, judge: Callable[[bytes | mmap.mmap], T]) -> T:
        self.file.flush()
        if os.fstat(self.file.fileno()).st_size == 0:
            return judge(b"")
        with mmap.mmap(self.file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            return judge(mapped)


class Store:
    """Files below one folder, named by relative paths of ours."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @asynccontextmanager
    async def arrival(self, *, limit: int) -> AsyncIterator[Arrival]:
        """Take in bytes; leaving the block forgets those that were not placed."""
        path = self._root / ARRIVALS / new_id()
        file = await _in_thread(lambda: _opened_new(path))
        arrival = Arrival(path, file, limit)
        try:
            yield arrival
        finally:
            arrival.drop()

    async def place(self, arrival: Arrival, at: str) -> None:
        """Move finished bytes to their place, replacing what lies there, in one step."""
        await _in_thread(lambda: _moved(arrival.path, self._root / at))

    async def open(self, at: str) -> IO[bytes] | None:
        """The file at a place, or None when there is none."""

        def opened() -> IO[bytes] | None:
            with suppress(FileNotFoundError):
                return (self._root / at).open("rb")
            return None

        return await _in_thread(opened)

    async def remove(self, *places: str | None) -> None:
        """Forget what lies at `places`, if anything does."""

        def removed() -> None:
            for at in places:
                if at:
                    (self._root / at).unlink(missing_ok=True)

        await _in_thread(removed)

    async def sweep(
        self, known: Callable[[list[str]], Awaitable[set[str]]], *, before: float, batch: int = 500
    ) -> int:
        """Remove what is older than `before` and belongs to nobody; answer how many."""
        found = await _in_thread(lambda: list(self._older(before)))
        count = 0
        for start in range(0, len(found), batch):
            some = found[start : start + batch]
            orphans = set(some) - await known(some)
            await self.remove(*orphans)
            count += len(orphans)
        return count

    def _older(self, before: float) -> Iterator[str]:
        for folder, _, names in os.walk(self._root):
            for name in names:
                path = Path(folder, name)
                with suppress(FileNotFoundError):
                    if path.stat().st_mtime < before:
                        yield path.relative_to(self._root).as_posix()


async def pieces(file: IO[bytes], *, start: int, length: int) -> AsyncIterator[bytes]:
    """`length` bytes of an open file from `start` on; it is closed at the end."""
    try:
        await asyncio.to_thread(file.seek, start)
        while length > 0:
            chunk = await asyncio.to_thread(file.read, min(CHUNK, length))
            if not chunk:
                return
            length -= len(chunk)
            yield chunk
    finally:
        file.close()


async def _in_thread(work: Callable[[], T]) -> T:
    try:
        return await asyncio.to_thread(work)
    except OSError as error:
        if error.errno in _FULL:
            raise InsufficientStorage("There is no room for this file right now.") from error
        raise


def _opened_new(path: Path) -> IO[bytes]:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("x+b")


def _moved(path: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    path.replace(to)
    for each in (to.parent, to.parent.parent):
        folder = os.open(each, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
