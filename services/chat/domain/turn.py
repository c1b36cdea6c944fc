"""One turn of the talk: what it is decided from, and what comes of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from services.chat.domain.answering import FaqBook
from services.chat.domain.hearing import Heard
from services.chat.domain.speaking import Button, Voice
from services.chat.domain.state import State

CERTAIN = 1.0


class Source(StrEnum):
    """What decided a reply."""

    BUTTON = "button"
    FORM = "form"
    RULES = "rules"
    FAQ = "faq"
    FALLBACK = "fallback"


@dataclass(frozen=True, slots=True)
class Case:
    """A case of this conversation, as far as events told."""

    grievance_id: str
    status: str


@dataclass(frozen=True, slots=True)
class FileNow:
    """The citizen has confirmed: keep the draft and file it."""


@dataclass(frozen=True, slots=True)
class AcceptNow:
    """The citizen accepts the proposed resolution of a case."""

    grievance_id: str


Effect = FileNow | AcceptNow


@dataclass(slots=True)
class Turn:
    """The reply, why it is given, and what has to happen outside before it can be."""

    intent: str
    text: str = ""
    buttons: Sequence[Button] = ()
    confidence: float = CERTAIN
    source: Source = Source.RULES
    effect: Effect | None = None


@dataclass(slots=True)
class Moment:
    """Everything a reply is decided from. `state` is changed as the talk goes on."""

    state: State
    heard: Heard
    voice: Voice
    cases: Sequence[Case]
    faqs: FaqBook
    files: tuple[str, ...] = ()
    notes: list[str] = field(default_factory=list)
    """What is said before the reply itself."""

    def say(self, key: str, **values: object) -> str:
        """The reply `key` in the language of the talk, after the notes."""
        return "\n\n".join([*self.notes, self.voice.say(key, **values)])
