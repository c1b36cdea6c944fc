"""Facts the files service tells."""

from typing import ClassVar

from libs.common.events import Event


class _AboutFile(Event):
    about: ClassVar[str] = "file_id"

    file_id: str
    grievance_id: str | None = None


class FileReceived(_AboutFile):
    """Bytes of an allowed type are stored; they have not been looked into yet."""

    topic: ClassVar[str] = "file.received.v1"

    file_type: str


class FileReady(_AboutFile):
    """The working copy exists: resized, re-encoded, without what the camera wrote into it."""

    topic: ClassVar[str] = "file.ready.v1"


class FileRejected(_AboutFile):
    """The bytes are not what they claimed to be; they will not be served."""

    topic: ClassVar[str] = "file.rejected.v1"

    reason: str


class FileDeleted(_AboutFile):
    """The file is gone."""

    topic: ClassVar[str] = "file.deleted.v1"
