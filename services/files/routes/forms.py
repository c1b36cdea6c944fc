"""Forms read as they arrive: the file goes to the disk, and memory stays what it was."""

from dataclasses import dataclass, field

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from libs.common.errors import BadRequest
from services.files.clients.store import CHUNK, Arrival

MAX_PARTS = 10
MAX_FIELD_BYTES = 4096
FILE = "file"


class MalformedForm(BadRequest):
    """The form is not one, or was cut off."""

    code = "MALFORMED_FORM"


@dataclass
class Form:
    """A form that was read: its fields, and the name of its file if it had one."""

    fields: dict[str, str] = field(default_factory=dict)
    file_name: str | None = None


async def read_form(request: Request, arrival: Arrival) -> Form:
    """Read a form, its file into `arrival`. Raises MalformedForm."""
    reader = _Reader(_boundary(request))
    waiting = bytearray()
    async for chunk in request.stream():
        waiting += reader.read(chunk)
        if len(waiting) >= CHUNK:
            await arrival.write(bytes(waiting))
            waiting.clear()
    if waiting:
        await arrival.write(bytes(waiting))
    return reader.finished()


def _boundary(request: Request) -> bytes:
    _, options = parse_options_header(request.headers.get("content-type", ""))
    boundary = options.get(b"boundary")
    if not boundary:
        raise MalformedForm("The form says no boundary.")
    return boundary


class _Reader:
    """Takes a form apart. Bytes of the file come out of `read`; the rest is in `finished`."""

    def __init__(self, boundary: bytes) -> None:
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin,
                    "on_header_field": self._header_name,
                    "on_header_value": self._header_value,
                    "on_header_end": self._header_end,
                    "on_headers_finished": self._name,
                    "on_part_data": self._data,
                    "on_part_end": self._end,
                    "on_end": self._finish,
                },
            )
        except FormParserError:
            raise MalformedForm("The form's boundary is too long.") from None
        self._form = Form()
        self._parts = 0
        self._is_finished = False
        self._file = bytearray()
        self._begin_part()

    def read(self, chunk: bytes) -> bytes:
        """Take the next bytes of the form; answer those of the file."""
        try:
            self._parser.write(chunk)
        except FormParserError:
            raise MalformedForm("The form is malformed.") from None
        found = bytes(self._file)
        self._file.clear()
        return found

    def finished(self) -> Form:
        """The form. Raises MalformedForm when its end never came."""
        if not self._is_finished:
            raise MalformedForm("The form was cut off.")
        return self._form

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise MalformedForm(f"A form has at most {MAX_PARTS} parts.")
        self._begin_part()

    def _begin_part(self) -> None:
        self._header = [bytearray(), bytearray()]
        self._disposition = b""
        self._field = ""
        self._value: bytearray | None = None

    def _header_name(self, chunk: bytes, start: int, end: int) -> None:
        self._header[0] += chunk[start:end]

    def _header_value(self, chunk: bytes, start: int, end: int) -> None:
        self._header[1] += chunk[start:end]

    def _header_end(self) -> None:
        if self._header[0].lower() == b"content-disposition":
            self._disposition = bytes(self._header[1])
        self._header = [bytearray(), bytearray()]

    def _name(self) -> None:
        _, options = parse_options_header(self._disposition)
        self._field = _text(options.get(b"name", b""))
        file_name = options.get(b"filename")
        if not self._field or self._field in self._form.fields:
            raise MalformedForm("Each part of a form has a name of its own.")
        if file_name is None:
            self._value = bytearray()
            return
        if self._field != FILE or self._form.file_name is not None:
            raise MalformedForm("Send one file, in the field `file`.")
        self._form.file_name = file_name.decode(errors="replace")

    def _data(self, chunk: bytes, start: int, end: int) -> None:
        if self._value is None:
            self._file += chunk[start:end]
            return
        self._value += chunk[start:end]
        if len(self._value) > MAX_FIELD_BYTES:
            raise MalformedForm("A field of the form is too long.")

    def _end(self) -> None:
        if self._value is not None:
            self._form.fields[self._field] = _text(bytes(self._value))

    def _finish(self) -> None:
        self._is_finished = True


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise MalformedForm("A field of the form is not UTF-8.") from None
