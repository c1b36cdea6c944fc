"""The verdict at the door: what a file is, by its bytes, and whether it is taken.

Dangerous or hopeless files are refused before anything is kept. A picture is decoded later, in a
child of the tasks service that may be killed.
"""

from dataclasses import dataclass

from libs.common.errors import Invalid, TooLarge, UnsupportedType
from services.files.domain import naming
from services.files.domain.pictures import (
    JPEG_MAGIC,
    PNG_MAGIC,
    Bytes,
    Look,
    look_at_jpeg,
    look_at_png,
)
from services.files.models import FileType

MAX_IMAGE_BYTES = 5 * 1024 * 1024
MAX_PIXELS = 40_000_000
_EXTENSIONS = frozenset({"jpg", "jpeg", "jpe", "jfif", "png"})


class UnknownFileType(Invalid):
    """Not image, document or voice."""

    code = "UNKNOWN_FILE_TYPE"


class FileTypeUnsupported(UnsupportedType):
    """The bytes are of a kind that is not taken; the message says what is."""

    code = "FILE_TYPE_UNSUPPORTED"


class EmptyFile(Invalid):
    """There is nothing in it."""

    code = "EMPTY_FILE"


class FileTooLarge(TooLarge):
    """More bytes than this type of file may have."""

    code = "FILE_TOO_LARGE"


class ImageTooLarge(Invalid):
    """More pixels than anybody needs to see what happened."""

    code = "IMAGE_TOO_LARGE"


class CorruptFile(Invalid):
    """The picture begins and never ends: the upload was cut off."""

    code = "CORRUPT_FILE"


@dataclass(frozen=True, slots=True)
class Content:
    """What the bytes are."""

    mime_type: str
    extension: str


JPEG = Content("image/jpeg", "jpg")
PNG = Content("image/png", "png")


def accepted_type(wanted: str) -> FileType:
    """The type somebody says a file is. Raises UnknownFileType or FileTypeUnsupported."""
    try:
        found = FileType(wanted)
    except ValueError:
        raise UnknownFileType(
            "A file is an image, a document or a voice.", known=list(FileType)
        ) from None
    if found is not FileType.IMAGE:
        raise FileTypeUnsupported(f"A {found} is not accepted yet. Send a photo as JPEG or PNG.")
    return found


def check_size(size: int) -> None:
    """Raises EmptyFile or FileTooLarge."""
    if size == 0:
        raise EmptyFile("The file is empty.")
    if size > MAX_IMAGE_BYTES:
        raise FileTooLarge("A photo may have at most 5 MiB.", limit=MAX_IMAGE_BYTES)


def check_name(name: str | None) -> None:
    """Raises NameWithoutExtension, or FileTypeUnsupported when it names another kind of file."""
    if name is not None and naming.extension(name) not in _EXTENSIONS:
        raise FileTypeUnsupported("Send a photo as JPEG or PNG; its name ends in .jpg or .png.")


def judge(content: Bytes) -> Content:
    """What an image is. Raises FileTypeUnsupported, ImageTooLarge or CorruptFile."""
    found = sniffed(content)
    look = look_at_jpeg(content) if found is JPEG else look_at_png(content)
    _check_look(look)
    return found


def sniffed(content: Bytes) -> Content:
    """JPEG or PNG, by the first bytes. Raises FileTypeUnsupported."""
    head = bytes(content[:12])
    if head.startswith(JPEG_MAGIC):
        return JPEG
    if head.startswith(PNG_MAGIC):
        return PNG
    if head[4:8] == b"ftyp":
        raise FileTypeUnsupported(
            "This photo is in Apple's HEIC format. Send it as JPEG or PNG; on an iPhone: "
            "Settings, Camera, Formats, Most Compatible."
        )
    raise FileTypeUnsupported("This is not a JPEG or PNG. Send the photo as JPEG or PNG.")


def _check_look(look: Look) -> None:
    if look.pixels > MAX_PIXELS:
        raise ImageTooLarge("A photo may have at most 40 megapixels.", limit=MAX_PIXELS)
    if look.is_cut_off:
        raise CorruptFile("The photo is cut off. Send it again.")
