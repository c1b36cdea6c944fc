"""What every service tells the audit log."""

from typing import Any, ClassVar

from pydantic import Field

from libs.common.events import Event


class AuditRecorded(Event):
    """Somebody did something to something: ids and codes, in the transaction of the act.

    What is too long for the log is refused with the act: an act nobody could tell of is none.
    """

    topic: ClassVar[str] = "audit.recorded.v1"
    about: ClassVar[str] = "target"

    who: str = Field(max_length=100)
    """Whose act it was: a principal's id, or what of ours did it (`command line`)."""
    role: str | None = Field(default=None, max_length=40)
    act: str = Field(max_length=40)
    target: str = Field(max_length=100)
    """What it was done to: `user:12`, `case:GRV-…`, `key:…`; `-` for nothing one could name."""
    reason: str | None = Field(default=None, max_length=50)
    details: dict[str, Any] = {}
    is_restricted: bool = False
    """Whether only those may read of it who may know of restricted cases."""
