"""Working copies: upright, small enough, and nothing of the camera in them."""

import io
import resource
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from services.tasks.domain.imaging import working_copy

FIXTURES = Path(__file__).parents[4] / "shared" / "fixtures" / "media"


def opened(content: bytes) -> Image.Image:
    copy = working_copy(content)
    assert copy.outcome == "ready"
    image = Image.open(io.BytesIO(copy.content))
    assert image.size == (copy.width, copy.height)
    return image


def saved(image: Image.Image, form: str = "JPEG", **more: object) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **more)
    return file.getvalue()


def marked(width: int = 200, height: int = 100) -> Image.Image:
    """A picture with a red top left corner."""
    image = Image.new("RGB", (width, height), "blue")
    ImageDraw.Draw(image).rectangle((0, 0, width // 4, height // 4), fill="red")
    return image


@pytest.mark.parametrize(
    ("orientation", "size", "corner"),
    [
        (1, (200, 100), (0, 0)),
        (2, (200, 100), (1, 0)),
        (3, (200, 100), (1, 1)),
        (4, (200, 100), (0, 1)),
        (5, (100, 200), (0, 0)),
        (6, (100, 200), (1, 0)),
        (7, (100, 200), (1, 1)),
        (8, (100, 200), (0, 1)),
    ],
)
def test_the_copy_is_upright(
    orientation: int, size: tuple[int, int], corner: tuple[int, int]
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = opened(saved(marked(), exif=exif))

    assert image.size == size
    at = (corner[0] * (size[0] - 5) + 2, corner[1] * (size[1] - 5) + 2)
    pixel = image.getpixel(at)
    assert isinstance(pixel, tuple)
    red, _, blue = pixel
    assert (red > 200, blue < 60) == (True, True)


@pytest.mark.parametrize(
    ("size", "orientation", "found"),
    [
        ((4000, 3000), 1, (1920, 1440)),
        ((4000, 3000), 6, (1920, 2560)),
        ((1920, 10), 1, (1920, 10)),
        ((1921, 3842), 1, (1920, 3840)),
        ((100, 5000), 1, (100, 5000)),
        ((1, 1), 1, (1, 1)),
    ],
)
def test_the_copy_is_at_most_1920_wide(
    size: tuple[int, int], orientation: int, found: tuple[int, int]
) -> None:
    """S1-22: the width one sees, not the one the sensor had."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert opened(saved(Image.new("RGB", size, "teal"), exif=exif)).size == found


def test_nothing_but_pixels_survives() -> None:
    exif = Image.Exif()
    exif[0x010F], exif[0x013B] = "CanaryCam", "Canary Artist"
    exif.get_ifd(0x8825)[1] = "N"
    jpeg = saved(marked(), exif=exif, comment=b"canary <script>", icc_profile=b"canary" * 30)
    png = Image.new("RGBA", (9, 9), (1, 2, 3, 4))
    png.info["canary"] = "canary"
    for content in (jpeg + b"canary", saved(png, "PNG", exif=exif, icc_profile=b"canary" * 9)):
        assert b"anary" in content
        copy = working_copy(content)
        assert copy.outcome == "ready"
        assert b"anary" not in copy.content
        image = Image.open(io.BytesIO(copy.content))
        assert not image.getexif()
        assert not {"comment", "icc_profile", "exif"} & image.info.keys()


@pytest.mark.parametrize(
    ("mode", "form", "found"),
    [
        ("RGB", "JPEG", "JPEG"),
        ("L", "JPEG", "JPEG"),
        ("CMYK", "JPEG", "JPEG"),
        ("RGB", "PNG", "JPEG"),
        ("1", "PNG", "JPEG"),
        ("P", "PNG", "JPEG"),
        ("I;16", "PNG", "JPEG"),
        ("RGBA", "PNG", "PNG"),
        ("LA", "PNG", "PNG"),
    ],
)
def test_only_what_can_be_seen_through_stays_a_png(mode: str, form: str, found: str) -> None:
    assert opened(saved(Image.new(mode, (20, 10)), form)).format == found


def test_sixteen_bits_of_grey_are_not_all_white() -> None:
    image = opened(saved(Image.new("I;16", (8, 8), 0x4000), "PNG"))
    pixel = image.convert("L").getpixel((4, 4))
    assert isinstance(pixel, int | float)
    assert 56 <= pixel <= 72


def png(width: int, height: int, rows: bytes) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + check

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("content", "outcome"),
    [
        (b"", "CORRUPT_FILE"),
        (b"GIF89a", "CORRUPT_FILE"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(2036), "CORRUPT_FILE"),
        (b"\x89PNG\r\n\x1a\n" + bytes(500), "CORRUPT_FILE"),
        (png(10, 10, b""), "CORRUPT_FILE"),
        (png(10, 10, b"no deflate"), "CORRUPT_FILE"),
        (png(0, 10, b""), "CORRUPT_FILE"),
        (png(30000, 30000, b""), "IMAGE_TOO_LARGE"),
        (saved(marked())[:-400], "CORRUPT_FILE"),
        (saved(Image.new("RGB", (8, 8)), "BMP"), "CORRUPT_FILE"),
    ],
)
def test_a_picture_that_is_none_says_why(content: bytes, outcome: str) -> None:
    assert working_copy(content).outcome == outcome


def test_a_bomb_is_not_decoded() -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert working_copy(png(30000, 30000, zlib.compress(bytes(1000)))).outcome == "IMAGE_TOO_LARGE"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000


@pytest.mark.skipif(not FIXTURES.exists(), reason="the media fixtures are not on this machine")
def test_a_photo_from_a_phone_loses_its_place_and_stands_upright() -> None:
    """fixtures/media: GPS 27.7172N 85.3240E, orientation 6, artist, serial number."""
    image = opened((FIXTURES / "photo_exif_gps.jpg").read_bytes())
    assert image.size == (1200, 1600)
    assert not image.getexif()
    assert opened((FIXTURES / "photo_12mp_under_5mb.jpg").read_bytes()).width == 1920
    polyglot = working_copy((FIXTURES / "jpg_html_comment_polyglot.jpg").read_bytes())
    assert b"<script" not in polyglot.content
