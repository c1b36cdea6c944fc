"""What the kernel says of a process: memory, bytes read, and the connections it holds."""

import os
import time
from contextlib import suppress
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
ESTABLISHED_TABLE = Path("/proc/net/tcp")
LOCAL, REMOTE, INODE = 1, 2, 9


def resident_kib(pid: int) -> int:
    """Resident memory."""
    return _status(pid, "VmRSS")


def peak_kib(pid: int) -> int:
    """The most it was, since `forget_peak`."""
    return _status(pid, "VmHWM")


def forget_peak(pid: int) -> None:
    """Begin a new peak."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def bytes_read(pid: int) -> int:
    """Bytes its read calls returned so far, sockets included (libuv reads them with `read`)."""
    lines = Path(f"/proc/{pid}/io").read_text().splitlines()
    return int(lines[0].partition(":")[2])


def held(port: int, client: str) -> set[int]:
    """The client's ports whose connections to `port` a process still holds.

    What a process closed and the kernel still sends has no inode any more.
    """
    address = "".join(f"{int(part):02X}" for part in reversed(client.split(".")))
    found = set()
    for line in ESTABLISHED_TABLE.read_text().splitlines()[1:]:
        fields = line.split()
        peer, _, peer_port = fields[REMOTE].partition(":")
        is_ours = fields[LOCAL].endswith(f":{port:04X}") and peer == address
        if is_ours and fields[INODE] != "0":
            found.add(int(peer_port, 16))
    return found


def busy(seconds: float = 1.0) -> float:
    """How many cores are busy just now, with whatever it is."""
    first = _busy_ticks()
    time.sleep(seconds)
    return (_busy_ticks() - first) / TICKS / seconds


class Effort:
    """CPU seconds this process, the load client, spends meanwhile."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._cpu = time.process_time()

    @property
    def share(self) -> float:
        """The part of one core it took."""
        return (time.process_time() - self._cpu) / max(1e-9, time.monotonic() - self._began)

    def each(self, count: int) -> float:
        """Microseconds for each of `count` requests."""
        return (time.process_time() - self._cpu) * 1e6 / max(1, count)


def _busy_ticks() -> int:
    fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    user, nice, system, _idle, _wait, hard, soft, *_ = map(int, fields)
    return user + nice + system + hard + soft


def _status(pid: int, name: str) -> int:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1])
    return 0
