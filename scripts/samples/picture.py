"""Photos made by code: what a phone would send, its GPS position included."""

import io

from PIL import Image, ImageDraw

WIDTH, HEIGHT = 2400, 1350
GPS_TAG = 0x8825
ARTIST_TAG = 0x013B
SECRET = "Sita's phone"
"""What the camera wrote into the photo, and must be gone from what is served."""


def photo(caption: str = "water tap, ward 5") -> bytes:
    """A JPEG wider than the working copy may be, with a position and an artist in its EXIF."""
    picture = Image.new("RGB", (WIDTH, HEIGHT), (176, 205, 224))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, HEIGHT * 2 // 3, WIDTH, HEIGHT), fill=(139, 115, 85))
    draw.rectangle((1100, 500, 1300, 1000), fill=(120, 120, 125))
    draw.rectangle((1300, 560, 1500, 640), fill=(120, 120, 125))
    draw.ellipse((1460, 640, 1520, 720), fill=(60, 110, 180))
    draw.text((60, 60), caption, fill=(20, 20, 20), font_size=64)
    exif = Image.Exif()
    exif[ARTIST_TAG] = SECRET
    exif.get_ifd(GPS_TAG).update({1: "N", 2: (27.0, 43.0, 1.7), 3: "E", 4: (85.0, 19.0, 26.4)})
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=90, exif=exif)
    return out.getvalue()


def drawing() -> bytes:
    """A small PNG."""
    picture = Image.new("RGB", (320, 200), (240, 240, 240))
    ImageDraw.Draw(picture).line((0, 0, 320, 200), fill=(200, 40, 40), width=6)
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def size_of(content: bytes) -> tuple[int, int]:
    """Width and height."""
    with Image.open(io.BytesIO(content)) as picture:
        return picture.size


def has_exif(content: bytes) -> bool:
    """Whether a camera's words are still in it."""
    with Image.open(io.BytesIO(content)) as picture:
        return bool(picture.getexif()) or SECRET.encode() in content
