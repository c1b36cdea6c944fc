"""Making the working copy of a photo. This runs in a child process and imports little.

The copy is decoded and written anew, so nothing of the original survives but its pixels: no
place, no serial number, no comment, no script.
"""

import io
import struct
import zlib
from dataclasses import dataclass

from PIL import Image, ImageOps

MAX_WIDTH = 1920
MAX_HEIGHT = 30_000
MAX_PIXELS = 40_000_000
MAX_COPY_BYTES = 10 * 1024 * 1024
QUALITY = 85
READY = "ready"

_SIDEWAYS = frozenset({5, 6, 7, 8})
_ORIENTATION = 0x0112
_CORRUPT = (
    OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, AttributeError,
    EOFError, OverflowError, struct.error, zlib.error,
)  # fmt: skip
"""What Pillow raises at a picture that is none, as the years have shown."""


@dataclass(frozen=True, slots=True)
class Copy:
    """A working copy, or the code that says why there is none."""

    outcome: str
    content: bytes = b""
    width: int = 0
    height: int = 0


def working_copy(original: bytes) -> Copy:
    """The photo upright, at most 1920 wide, written anew."""
    Image.MAX_IMAGE_PIXELS = None  # The limit here is ours, and refuses instead of warning.
    try:
        with Image.open(io.BytesIO(original), formats=["JPEG", "PNG"]) as image:
            if image.width * image.height > MAX_PIXELS:
                return Copy("IMAGE_TOO_LARGE")
            return _copied(image)
    except _CORRUPT:
        return Copy("CORRUPT_FILE")


def _copied(image: Image.Image) -> Copy:
    box = (MAX_WIDTH, MAX_HEIGHT)
    if image.getexif().get(_ORIENTATION) in _SIDEWAYS:
        box = (MAX_HEIGHT, MAX_WIDTH)
    # Smaller first: a JPEG is then decoded small, and turning it upright is cheap.
    image.thumbnail(box, Image.Resampling.LANCZOS)
    upright = ImageOps.exif_transpose(image)
    if upright.mode.startswith("I"):
        # Pillow cuts sixteen bits of grey off at 255 where it should scale them.
        upright = upright.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    has_alpha = upright.has_transparency_data
    clean = upright.convert("RGBA" if has_alpha else "L" if upright.mode in {"1", "L"} else "RGB")
    clean.info = {}
    file = io.BytesIO()
    if has_alpha:
        clean.save(file, "PNG")
    else:
        clean.save(file, "JPEG", quality=QUALITY)
    content = file.getvalue()
    if len(content) > MAX_COPY_BYTES:
        return Copy("IMAGE_TOO_LARGE")
    return Copy(READY, content, clean.width, clean.height)
