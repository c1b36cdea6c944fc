"""What the form asks, what it would file, and the buttons under both."""

import secrets

from services.chat.domain.speaking import Button, Voice
from services.chat.domain.state import Draft, Slot, State
from services.chat.domain.turn import Moment, Source, Turn

EXCERPT = 1_000
ORDER = (Slot.DESCRIPTION, Slot.PLACE, Slot.CONTACT, Slot.PHOTO, Slot.CONFIRM)
GENTLE_ORDER = (Slot.DESCRIPTION, Slot.CONTACT, Slot.CONFIRM)
EDITABLE = (Slot.DESCRIPTION, Slot.PLACE, Slot.CONTACT, Slot.PHOTO)


def ask(moment: Moment, slot: Slot) -> Turn:
    """Ask for `slot`; the next message is taken for its answer."""
    moment.state.slot = slot
    if slot is Slot.CONFIRM:
        text, buttons = summary(moment.state, moment.voice)
        return Turn("inform", "\n\n".join([*moment.notes, text]), buttons, source=Source.FORM)
    key = f"ask_{slot}"
    if slot is Slot.CONTACT and moment.state.is_gentle:
        key = "ask_contact_gentle"
    return Turn("inform", moment.say(key), answers_to(moment, slot), source=Source.FORM)


def summary(state: State, voice: Voice) -> tuple[str, list[Button]]:
    """Everything that would be filed, and the buttons under it; its token is good for just this."""
    state.token = state.token or secrets.token_urlsafe(9)
    text = voice.say(
        "confirm",
        description=_excerpt(state.draft.description),
        place=state.draft.place or voice.word("no_place"),
        contact=_contact_of(state.draft, voice),
        photos=len(state.draft.file_ids),
    )
    return text, [
        voice.button("yes", "confirm", token=state.token),
        voice.button("edit", "edit"),
        voice.button("cancel", "cancel"),
    ]


def _excerpt(text: str) -> str:
    return text if len(text) <= EXCERPT else f"{text[:EXCERPT]}…"


def _contact_of(draft: Draft, voice: Voice) -> str:
    if draft.is_anonymous:
        return voice.word("anonymous")
    return ", ".join(part for part in (draft.name, draft.phone) if part)


def home(moment: Moment) -> list[Button]:
    """The buttons of somebody who is not in the middle of something."""
    voice = moment.voice
    return [
        voice.button("file", "file"),
        voice.button("status", "status"),
        voice.button("help", "help"),
    ]


def answers_to(moment: Moment, slot: Slot) -> list[Button]:
    voice = moment.voice
    if slot is Slot.CONTACT:
        return [voice.button("anonymous", "anonymous"), voice.button("contact", "contact")]
    if slot is Slot.DESCRIPTION:
        return [voice.button("cancel", "cancel")]
    return [voice.button("skip", "skip")]


def edit_buttons(moment: Moment) -> list[Button]:
    voice = moment.voice
    order = GENTLE_ORDER if moment.state.is_gentle else ORDER
    parts = [slot.value for slot in order if slot in EDITABLE]
    return [voice.button(f"edit_{part}", "edit", slot=part) for part in parts]
