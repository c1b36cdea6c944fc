"""Paths: one spelling each. What two readers could read differently leads nowhere."""

import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from libs.common.errors import BadRequest, NotFound
from services.gateway.domain.refusals import UriTooLong

MAX_TARGET = 8192
MAX_PATH = 6144
KEPT = 512
"""Bytes of a target worth remembering: most are asked for again and again."""
_ABSOLUTE = re.compile(rb"https?://([^/?#]*)", re.IGNORECASE)
_PLAIN = re.compile(rb"(?:/[A-Za-z0-9_~!$&'()*+,;=:@-][A-Za-z0-9._~!$&'()*+,;=:@-]*)*/?")
_ESCAPED = re.compile(rb"(?:/[A-Za-z0-9._~!$&'()*+,;=:@%-]+)*/?")
_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_DOTS = frozenset({b".", b".."})


class Target(NamedTuple):
    """What is asked for, taken apart."""

    said: bytes
    """As it came."""
    passed_on: bytes
    """As a service is asked for it."""
    path: str
    """As it is looked up."""
    query: bytes
    authority: bytes | None
    """The host it names itself, as if to a proxy."""


def read(target: bytes) -> Target:
    """Take a target apart. Raises BadRequest, NotFound, UriTooLong."""
    return _known(target) if len(target) <= KEPT else _read(target)


def _read(said: bytes) -> Target:
    target = said
    authority: bytes | None = None
    if not target.startswith(b"/"):
        whole = _ABSOLUTE.match(target)
        if whole is None:
            raise BadRequest("The address is malformed.")
        authority, target = whole[1], target[whole.end() :]
        if not target.startswith(b"/"):
            target = b"/" + target
    raw_path, _, query = target.partition(b"?")
    if b"#" in target:
        raise BadRequest("The address is malformed.")
    spelled, path = clean(raw_path, query)
    return Target(said, spelled + b"?" + query if query else spelled, path, query, authority)


_known = lru_cache(maxsize=4096)(_read)
ROOT = Target(b"/", b"/", "/", b"", None)


def clean(raw_path: bytes, query: bytes) -> tuple[bytes, str]:
    """A path as it is passed on, and as it is looked up; both without a trailing slash.

    Raises NotFound for empty and dotted segments, escaped slashes, control characters and what is
    no UTF-8; UriTooLong; BadRequest for an escape that is none.
    """
    if len(raw_path) > MAX_PATH or len(raw_path) + len(query) > MAX_TARGET:
        raise UriTooLong("The address is too long.")
    if not query.isascii():
        raise BadRequest("The query is not ASCII: escape it.")
    if raw_path == b"/":
        return raw_path, "/"
    if _PLAIN.fullmatch(raw_path):
        raw_path = raw_path.removesuffix(b"/")
        return raw_path, raw_path.decode("ascii")
    return _unescaped(raw_path)


def _unescaped(raw_path: bytes) -> tuple[bytes, str]:
    if _BAD_ESCAPE.search(raw_path):
        raise BadRequest("The address is malformed.")
    if not _ESCAPED.fullmatch(raw_path):
        raise NotFound("There is nothing here.")
    raw_path = raw_path.removesuffix(b"/")
    segments = [unquote_to_bytes(segment) for segment in raw_path.split(b"/")[1:]]
    try:
        texts = [segment.decode("utf-8") for segment in segments]
    except UnicodeDecodeError:
        raise NotFound("There is nothing here.") from None
    if any(_is_elsewhere(segment) for segment in segments):
        raise NotFound("There is nothing here.")
    if any(not text.isprintable() for text in texts):
        raise NotFound("There is nothing here.")
    return raw_path, "/" + "/".join(texts)


def _is_elsewhere(segment: bytes) -> bool:
    """Whether some reader would take a segment for a way up, or for more than one."""
    return segment.partition(b";")[0] in _DOTS or b"/" in segment or b"\\" in segment
