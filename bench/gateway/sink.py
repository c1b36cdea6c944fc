"""Where uploads end: `python -m bench.gateway.sink PORT` reads bodies and keeps nothing.

The kernel is asked to drop the bytes (MSG_TRUNC), so that what the sink costs is nobody's limit.
"""

import os
import re
import socket
import sys
import threading
from collections.abc import Mapping

from bench.gateway.cores import pinned
from bench.gateway.paths import HELLO, ROOT
from libs.common.testing.private import PrivateServer, answers

HEAD_BYTES = 64 * 1024
STEP = 4 * 1024 * 1024
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
CHUNKED = re.compile(rb"\r\ntransfer-encoding:", re.IGNORECASE)
ANSWER = b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


class Sink(PrivateServer):
    """This program, as a server of the bench."""

    def __init__(self, core: int) -> None:
        self._core = core
        super().__init__()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _prepare(self) -> None:
        self._program = [sys.executable, "-m", "bench.gateway.sink", str(self.port)]

    def _environment(self) -> Mapping[str, str]:
        return os.environ | {"PYTHONPATH": str(ROOT)}

    def _command(self) -> list[str]:
        return pinned(self._core, self._program)

    def _is_ready(self) -> bool:
        return answers(self.port, HELLO) == b"H"


def swallow(connection: socket.socket) -> None:
    """Answer one client until it goes."""
    nowhere = bytearray(STEP)
    with connection:
        while True:
            head = b""
            while b"\r\n\r\n" not in head:
                more = connection.recv(HEAD_BYTES)
                if not more:
                    return
                head += more
            head, _, begun = head.partition(b"\r\n\r\n")
            if CHUNKED.search(head):
                connection.sendall(ANSWER % b"411 Length Required")
                return
            found = LENGTH.search(head)
            left = (int(found[1]) if found else 0) - len(begun)
            while left > 0:
                dropped = connection.recv_into(nowhere, min(left, STEP), socket.MSG_TRUNC)
                if not dropped:
                    return
                left -= dropped
            connection.sendall(ANSWER % b"200 OK")


def main(port: int) -> None:
    """Serve until killed."""
    with socket.create_server(("127.0.0.1", port)) as listening:
        while True:
            connection, _ = listening.accept()
            threading.Thread(target=swallow, args=(connection,), daemon=True).start()


if __name__ == "__main__":
    main(int(sys.argv[1]))
