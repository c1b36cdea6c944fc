"""Reads answers off a connection: heads, lengths, chunks; no more of HTTP/1.1 than load needs."""

from dataclasses import dataclass
from http import HTTPStatus

END = b"\r\n\r\n"
BODILESS = frozenset({204, 304})


@dataclass(slots=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[bytes, bytes]
    body: bytes

    @property
    def ends_line(self) -> bool:
        """Whether this was the last answer of its connection."""
        return self.headers.get(b"connection", b"").lower() == b"close"


class Cut(Exception):
    """The connection ended in the middle of an answer, or before it."""


class AnswerReader:
    """Takes bytes as they come, and gives an answer when it is whole."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._head: tuple[int, dict[bytes, bytes]] | None = None
        self._chunks: list[bytes] = []

    @property
    def has_begun(self) -> bool:
        """Whether a part of an answer is here."""
        return bool(self._bytes) or self._head is not None

    def feed(self, data: bytes) -> Answer | None:
        """The answer, once `data` completes it."""
        self._bytes += data
        while self._head is None:
            end = self._bytes.find(END)
            if end < 0:
                return None
            status, headers = _head(bytes(self._bytes[:end]))
            del self._bytes[: end + len(END)]
            if status >= HTTPStatus.OK:
                self._head = status, headers
        return self._body()

    def ended(self) -> Answer | None:
        """The answer whose body ends with the connection. Raises Cut for what is not one."""
        if self._head is None:
            raise Cut("no answer")
        _, headers = self._head
        if b"content-length" in headers or b"transfer-encoding" in headers:
            raise Cut("cut in the middle of an answer")
        return self._done(bytes(self._bytes), len(self._bytes))

    def _body(self) -> Answer | None:
        assert self._head is not None
        status, headers = self._head
        if status in BODILESS:
            return self._done(b"", 0)
        if b"chunked" in headers.get(b"transfer-encoding", b""):
            return self._chunked()
        length = headers.get(b"content-length")
        if length is None or len(self._bytes) < int(length):
            return None
        return self._done(bytes(self._bytes[: int(length)]), int(length))

    def _chunked(self) -> Answer | None:
        while True:
            line = self._bytes.find(b"\r\n")
            if line < 0:
                return None
            size = int(bytes(self._bytes[:line]).partition(b";")[0], 16)
            end = line + 2 + size + 2
            if len(self._bytes) < end:
                return None
            if size == 0:
                return self._done(b"".join(self._chunks), end)
            self._chunks.append(bytes(self._bytes[line + 2 : end - 2]))
            del self._bytes[:end]

    def _done(self, body: bytes, taken: int) -> Answer:
        assert self._head is not None
        status, headers = self._head
        del self._bytes[:taken]
        self._head, self._chunks = None, []
        return Answer(status, headers, body)


def _head(text: bytes) -> tuple[int, dict[bytes, bytes]]:
    first, *lines = text.split(b"\r\n")
    headers = {}
    for line in lines:
        name, _, value = line.partition(b":")
        headers[name.strip().lower()] = value.strip()
    return int(first.split(b" ", 2)[1]), headers
