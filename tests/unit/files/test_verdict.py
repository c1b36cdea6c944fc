"""The verdict at the door: tables of bytes and what becomes of them."""

import io
import struct
import zlib

import pytest
from PIL import Image

from libs.common.errors import AppError
from services.files.domain.pictures import look_at_jpeg, look_at_png
from services.files.domain.verdict import JPEG, MAX_PIXELS, PNG, judge

PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
JFIF = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"


def a_picture(form: str, **more: object) -> bytes:
    file = io.BytesIO()
    Image.effect_noise((30, 20), 90).convert("RGB").save(file, form, **more)
    return file.getvalue()


def chunk(kind: bytes, content: bytes) -> bytes:
    body = kind + content
    return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))


def png_head(width: int, height: int) -> bytes:
    return PNG_MAGIC + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))


def jpeg_head(width: int, height: int) -> bytes:
    return JFIF + b"\xff\xc0\x00\x11\x08" + struct.pack(">HH", height, width) + b"\x03" + bytes(9)


@pytest.mark.parametrize("more", [{}, {"progressive": True}, {"exif": b"Exif\x00\x00\xff\xd9"}])
def test_a_whole_jpeg_is_one(more: dict[str, object]) -> None:
    content = a_picture("JPEG", **more)
    assert judge(content) is JPEG
    assert look_at_jpeg(content).pixels == 600
    assert judge(content + b"trailing") is JPEG


def test_a_whole_png_is_one() -> None:
    content = a_picture("PNG")
    assert judge(content) is PNG
    assert look_at_png(content).pixels == 600
    assert judge(content + b"trailing") is PNG


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
@pytest.mark.parametrize("share", [0.9, 0.99])
def test_a_picture_that_was_cut_off_is_corrupt(form: str, share: float) -> None:
    content = a_picture(form)
    with pytest.raises(AppError) as refusal:
        judge(content[: int(len(content) * share)])
    assert refusal.value.code == "CORRUPT_FILE"


@pytest.mark.parametrize(
    "content",
    [
        JFIF[:12],
        JFIF[:20] + b"\r\n" * 500,
        JFIF + bytes(500),
        b"\xff\xd8\xff" + b"\xff" * 500,
        b"\xff\xd8\xff\xe0\x00\x00" + bytes(50),
        jpeg_head(0, 0),
        PNG_MAGIC,
        PNG_MAGIC + bytes(500),
        PNG_MAGIC + b"\xff" * 500,
        png_head(8, 8),
        png_head(8, 8) + b"garbage" * 9,
    ],
)
def test_a_head_that_cannot_be_read_is_not_judged_here(content: bytes) -> None:
    assert judge(content) in {JPEG, PNG}


@pytest.mark.parametrize(
    ("head", "is_too_large"),
    [
        (png_head(8000, 5000), False),
        (png_head(8000, 5001), True),
        (png_head(2**31 - 1, 2**31 - 1), True),
        (jpeg_head(8000, 5000), False),
        (jpeg_head(65535, 65535), True),
    ],
)
def test_pixels_are_counted_from_the_head(head: bytes, is_too_large: bool) -> None:
    """Nothing is decoded: these heads have no pixels behind them."""
    assert MAX_PIXELS == 8000 * 5000
    if not is_too_large:
        judge(head)
        return
    with pytest.raises(AppError) as refusal:
        judge(head + chunk(b"IDAT", b"") if head.startswith(PNG_MAGIC) else head)
    assert refusal.value.code == "IMAGE_TOO_LARGE"


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        (b"\x00\x00\x00\x18ftypheic", "HEIC"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "JPEG or PNG"),
        (b"<html><script>", "JPEG or PNG"),
        (b"<svg onload=x>", "JPEG or PNG"),
        (b"MZ\x90\x00", "JPEG or PNG"),
        (b"PK\x03\x04", "JPEG or PNG"),
        (b"GIF89a", "JPEG or PNG"),
        (b"%PDF-1.4", "JPEG or PNG"),
        (b"\xff\xd8", "JPEG or PNG"),
        (b"\x89PNG\n", "JPEG or PNG"),
        (b" \xff\xd8\xff", "JPEG or PNG"),
    ],
)
def test_what_is_no_jpeg_and_no_png_says_what_to_send(content: bytes, hint: str) -> None:
    with pytest.raises(AppError, match=hint) as refusal:
        judge(content)
    assert (refusal.value.status, refusal.value.code) == (415, "FILE_TYPE_UNSUPPORTED")


def test_a_jpeg_of_marks_alone_is_read_in_an_instant() -> None:
    """A head made to be slow: two million markers without content."""
    look_at_jpeg(b"\xff\xd8" + b"\xff\x01" * 1_000_000)
    look_at_png(PNG_MAGIC + (bytes(4) + b"aAaA" + bytes(4)) * 100_000)
