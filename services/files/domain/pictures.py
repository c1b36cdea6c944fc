"""What the head of a picture says, read without decoding it.

A head that cannot be read says nothing here: whoever decodes the picture, in a child that may be
killed, finds out. What can be told at the door is told at the door.
"""

import mmap
from collections.abc import Iterator
from dataclasses import dataclass

Bytes = bytes | mmap.mmap

JPEG_MAGIC = b"\xff\xd8\xff"
PNG_MAGIC = b"\x89PNG\r\n\x1a\n"

_SIZED = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_SCAN = 0xDA
_MARK = 0xFF
_BARE = frozenset({0x01, *range(0xD0, 0xD8)})
_END_OF_JPEG = b"\xff\xd9"
_PNG_HEAD = 8


@dataclass(frozen=True, slots=True)
class Look:
    """The size a picture claims, and whether its pixels begin and never end."""

    pixels: int = 0
    is_cut_off: bool = False


def look_at_jpeg(content: Bytes) -> Look:
    """The claims of a JPEG."""
    pixels = 0
    for marker, start, end in _segments(content):
        if marker in _SIZED:
            height, width = _number(content, start + 1, 2), _number(content, start + 3, 2)
            pixels = width * height
        if marker == _SCAN:
            return Look(pixels, is_cut_off=content.find(_END_OF_JPEG, end) < 0)
    return Look(pixels)


def look_at_png(content: Bytes) -> Look:
    """The claims of a PNG."""
    pixels, has_data = 0, False
    for kind, start in _chunks(content):
        if kind == b"IHDR":
            pixels = _number(content, start, 4) * _number(content, start + 4, 4)
        if kind == b"IEND":
            return Look(pixels)
        has_data = has_data or kind == b"IDAT"
    return Look(pixels, is_cut_off=has_data)


def _segments(content: Bytes) -> Iterator[tuple[int, int, int]]:
    """The marker of each JPEG segment, and where its content begins and ends."""
    at = 2
    while at + 4 <= len(content) and content[at] == _MARK:
        marker = content[at + 1]
        if marker == _MARK:
            at += 1
            continue
        if marker in _BARE:
            at += 2
            continue
        end = at + 2 + _number(content, at + 2, 2)
        if end < at + 4 or end > len(content):
            return
        yield marker, at + 4, end
        at = end


def _chunks(content: Bytes) -> Iterator[tuple[bytes, int]]:
    """The kind of each PNG chunk that has begun, and where its content begins."""
    at = len(PNG_MAGIC)
    while at + _PNG_HEAD <= len(content):
        kind = bytes(content[at + 4 : at + _PNG_HEAD])
        if not kind.isalpha():
            return
        yield kind, at + _PNG_HEAD
        at += _PNG_HEAD + _number(content, at, 4) + 4


def _number(content: Bytes, at: int, length: int) -> int:
    return int.from_bytes(content[at : at + length], "big")
