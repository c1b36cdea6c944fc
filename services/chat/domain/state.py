"""Where a conversation stands: what was asked last, and what was told so far. Sealed at rest."""

from enum import StrEnum

from pydantic import BaseModel, Field


class Slot(StrEnum):
    """What the next message is taken for."""

    OFFER = "offer"
    DESCRIPTION = "description"
    PLACE = "place"
    CONTACT = "contact"
    CONTACT_NAME = "contact_name"
    CONTACT_PHONE = "contact_phone"
    PHOTO = "photo"
    CONFIRM = "confirm"
    FILING = "filing"


FORM = frozenset(Slot) - {Slot.OFFER, Slot.FILING}
"""The slots of the guided filing."""


class Draft(BaseModel):
    """What would be filed."""

    description: str = ""
    municipality: str | None = None
    ward: int | None = None
    place: str | None = None
    name: str | None = None
    phone: str | None = None
    file_ids: list[str] = []

    @property
    def is_anonymous(self) -> bool:
        """Whether nobody could be called about it."""
        return self.name is None and self.phone is None


class State(BaseModel):
    """The memory of one conversation between two messages."""

    slot: Slot | None = None
    draft: Draft = Field(default_factory=Draft)
    is_editing: bool = False
    is_gentle: bool = False
    token: str | None = None
    filing_id: str | None = None
    filed_token: str | None = None
    grievance_id: str | None = None
    other_language: str | None = None
    asked_locale: str | None = None

    @property
    def is_in_form(self) -> bool:
        """Whether a guided filing is under way: it keeps its turn until it ends."""
        return self.slot in FORM

    def drop_draft(self) -> None:
        """Forget what was being told."""
        self.slot = None
        self.draft = Draft()
        self.is_editing = False
        self.is_gentle = False
        self.token = None
