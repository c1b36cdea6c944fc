"""One process at a time: the mirror in memory is only right while nobody else writes the file."""

import fcntl
import os
from pathlib import Path


class BusInUse(OSError):
    """Another process holds the embedded bus."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path} is in use by another process. The embedded bus belongs to one process: run "
            "all services with `python -m services`, or set REDRESS_BUS_URL (amqp://…) to run "
            "them as separate processes."
        )


class Lock:
    """An advisory lock that ends with the process, however the process ends."""

    def __init__(self, path: Path) -> None:
        self._file = path.with_name(path.name + ".lock")
        self._path = path
        self._descriptor: int | None = None

    def take(self) -> None:
        """Raises BusInUse."""
        descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            raise BusInUse(self._path) from None
        self._descriptor = descriptor

    def release(self) -> None:
        """Let the next process in. The file stays: removing it would let two in."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
