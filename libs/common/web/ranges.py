"""Which bytes of something are sent (RFC 9110, 14): all of them, or the part that was asked for."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from libs.common.errors import AppError

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


class RangeNotSatisfiable(AppError):
    """There are no such bytes."""

    status = HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
    code = "RANGE_NOT_SATISFIABLE"

    def __init__(self, size: int) -> None:
        super().__init__("There are no such bytes.", size=size)
        self.headers = {"Content-Range": f"bytes */{size}"}  # type: ignore[misc]


@dataclass(frozen=True, slots=True)
class Part:
    """The bytes from `start` on, up to `end`, of `size`."""

    start: int
    end: int
    size: int

    @classmethod
    def of(cls, headers: Mapping[str, str], size: int) -> "Part":
        """What a request's headers ask for. Raises RangeNotSatisfiable.

        Several ranges, and other units, are ignored as RFC 9110 allows; so is any range that holds
        only of a state (If-Range): what is sent here has no validator that could be the same.
        """
        match = _RANGE.fullmatch(headers.get("range", "").strip())
        if match is None or match.groups() == ("", "") or "if-range" in headers:
            return cls(0, size, size)
        first, last = match.groups()
        if not first:
            start, end = max(0, size - int(last)), size
        else:
            start, end = int(first), min(size, int(last) + 1 if last else size)
        if start >= end:
            raise RangeNotSatisfiable(size)
        return cls(start, end, size)

    @property
    def length(self) -> int:
        """How many bytes that is."""
        return self.end - self.start

    @property
    def status(self) -> int:
        """What it is answered with."""
        return HTTPStatus.OK if self.length == self.size else HTTPStatus.PARTIAL_CONTENT

    @property
    def headers(self) -> dict[str, str]:
        """What is said of it."""
        found = {"Accept-Ranges": "bytes", "Content-Length": str(self.length)}
        if self.status == HTTPStatus.PARTIAL_CONTENT:
            found["Content-Range"] = f"bytes {self.start}-{self.end - 1}/{self.size}"
        return found
