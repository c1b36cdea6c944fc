"""The guided filing: one question at a time, and nothing filed before a clear yes.

Each slot has a step that takes the next message for its answer. Somebody who tells of abuse is
asked for as little as can be: how to be reached, if at all, and whether to file.
"""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from libs.common.phones import InvalidPhone, e164
from libs.language.entities import extract
from libs.language.locating import nearest
from services.chat.domain.asking import (
    GENTLE_ORDER,
    ORDER,
    answers_to,
    ask,
    edit_buttons,
    home,
)
from services.chat.domain.state import Draft, Slot
from services.chat.domain.turn import FileNow, Moment, Source, Turn

MAX_FILES = 10
MAX_PLACE = 500
MAX_NAME = 100
MAX_WARD = 99

_NUMBER = re.compile(r"\+?\d[\d ().\-]{5,}\d")


def begin(moment: Moment, description: str) -> Turn:
    """Start filing `description`; its photos came along with it."""
    state = moment.state
    files, gentle = state.draft.file_ids, state.is_gentle
    state.drop_draft()
    state.is_gentle = gentle
    state.draft = Draft(description=description, file_ids=files)
    add_files(moment)
    moment.notes.append(moment.voice.say("noted_gentle" if state.is_gentle else "noted"))
    return _go_on(moment, Slot.DESCRIPTION)


def begin_blank(moment: Moment) -> Turn:
    """Start filing, and ask what happened."""
    moment.state.drop_draft()
    add_files(moment)
    return ask(moment, Slot.DESCRIPTION)


def add_files(moment: Moment) -> None:
    """Put the photos of this message into the draft, up to what a case takes."""
    draft = moment.state.draft
    together = list(dict.fromkeys([*draft.file_ids, *moment.files]))
    if len(together) > MAX_FILES:
        moment.notes.append(moment.voice.say("photos_too_many"))
    draft.file_ids = together[:MAX_FILES]


def step(moment: Moment) -> Turn:
    """Take the message for the answer to what was asked last."""
    slot = moment.state.slot
    assert slot is not None  # noqa: S101 - a form that runs has asked for something
    if slot is not Slot.PHOTO:
        add_files(moment)
    return _STEPS[slot](moment)


def edit(moment: Moment, slot: Slot | None) -> Turn:
    """Go back to one part of the summary; without one, ask which."""
    state = moment.state
    if slot is None:
        text = moment.say("ask_edit")
        return Turn("edit", text, edit_buttons(moment), source=Source.FORM)
    state.is_editing = True
    state.token = None
    if slot is Slot.PHOTO:
        state.draft.file_ids = []
    if slot is Slot.CONTACT:
        state.draft.name = state.draft.phone = None
    return ask(moment, slot)


def _describe(moment: Moment) -> Turn:
    if not moment.heard.is_readable:
        key = "photo_needs_text" if moment.files else "ask_description"
        return Turn("inform", moment.say(key), source=Source.FORM)
    moment.state.draft.description = moment.heard.text
    moment.notes.append(moment.voice.say("noted_gentle" if moment.state.is_gentle else "noted"))
    return _go_on(moment, Slot.DESCRIPTION)


def _locate(moment: Moment) -> Turn:
    draft = moment.state.draft
    if moment.heard.means("skip", "deny"):
        draft.municipality = draft.ward = draft.place = None
        return _go_on(moment, Slot.PLACE)
    if not moment.heard.words:
        return ask(moment, Slot.PLACE)
    if len(moment.heard.text) > MAX_PLACE:
        moment.notes.append(moment.voice.say("place_too_long"))
        return ask(moment, Slot.PLACE)
    found = extract(moment.heard.text)
    wards = [ward for ward in found.wards if 0 < ward <= MAX_WARD]
    draft.municipality = nearest(found.places)
    draft.ward = wards[0] if wards else None
    draft.place = moment.heard.text
    return _go_on(moment, Slot.PLACE)


def _reach(moment: Moment) -> Turn:
    """Anonymous, or a name, or a name and a number in one message."""
    draft = moment.state.draft
    if moment.heard.means("anonymous", "skip", "deny"):
        draft.name = draft.phone = None
        return _go_on(moment, Slot.CONTACT)
    if moment.heard.means("contact", "affirm"):
        draft.name = draft.phone = None
        return ask(moment, Slot.CONTACT_NAME)
    if moment.heard.is_question:
        return ask(moment, Slot.CONTACT)
    return _name(moment)


def _name(moment: Moment) -> Turn:
    draft = moment.state.draft
    if moment.heard.means("anonymous"):
        draft.name = draft.phone = None
        return _go_on(moment, Slot.CONTACT)
    if moment.heard.means("skip"):
        draft.name = None
        return ask(moment, Slot.CONTACT_PHONE)
    name, phone = _split(moment.heard.text)
    if phone:
        draft.phone = phone
    if name is None:
        if not phone:
            moment.notes.append(moment.voice.say("name_unclear"))
        return ask(moment, Slot.CONTACT_NAME)
    draft.name = name
    return _go_on(moment, Slot.CONTACT) if draft.phone else ask(moment, Slot.CONTACT_PHONE)


def _phone(moment: Moment) -> Turn:
    draft = moment.state.draft
    if moment.heard.means("skip", "deny", "anonymous"):
        draft.phone = None
        if moment.heard.means("anonymous"):
            draft.name = None
        return _go_on(moment, Slot.CONTACT)
    _, phone = _split(moment.heard.text)
    if phone is None:
        moment.notes.append(moment.voice.say("phone_wrong"))
        moment.state.slot = Slot.CONTACT_PHONE
        buttons = answers_to(moment, Slot.CONTACT_PHONE)
        return Turn("inform", "\n\n".join(moment.notes), buttons, source=Source.FORM)
    draft.phone = phone
    return _go_on(moment, Slot.CONTACT)


def _photograph(moment: Moment) -> Turn:
    if moment.files:
        add_files(moment)
    elif not moment.heard.means("skip", "deny", "done"):
        text = moment.say("photo_missing")
        return Turn("inform", text, answers_to(moment, Slot.PHOTO), source=Source.FORM)
    return _go_on(moment, Slot.PHOTO)


def _confirm(moment: Moment) -> Turn:
    heard = moment.heard
    if heard.means("affirm"):
        return Turn("confirm", source=Source.FORM, effect=FileNow())
    if heard.means("deny"):
        moment.state.drop_draft()
        return Turn("deny", moment.say("cancelled"), home(moment), source=Source.FORM)
    if heard.means("edit"):
        return edit(moment, None)
    for name in ("description", "place", "photo"):
        if heard.means(name):
            return edit(moment, Slot(name))
    if heard.means("contact_details", "contact"):
        return edit(moment, Slot.CONTACT)
    moment.notes.append(moment.voice.say("confirm_unclear"))
    return ask(moment, Slot.CONFIRM)


_STEPS: Mapping[Slot, Callable[[Moment], Turn]] = MappingProxyType(
    {
        Slot.DESCRIPTION: _describe,
        Slot.PLACE: _locate,
        Slot.CONTACT: _reach,
        Slot.CONTACT_NAME: _name,
        Slot.CONTACT_PHONE: _phone,
        Slot.PHOTO: _photograph,
        Slot.CONFIRM: _confirm,
    }
)


def _go_on(moment: Moment, after: Slot) -> Turn:
    state = moment.state
    if state.is_editing:
        state.is_editing = False
        return ask(moment, Slot.CONFIRM)
    order = GENTLE_ORDER if state.is_gentle else ORDER
    left = [slot for slot in ORDER[ORDER.index(after) + 1 :] if slot in order]
    if left[0] is Slot.PHOTO and state.draft.file_ids:
        left = left[1:]
    return ask(moment, left[0])


def _split(text: str) -> tuple[str | None, str | None]:
    """A name and a number out of one line; None for what is not in it."""
    plain = "".join(str(int(char)) if char.isdecimal() else char for char in text)
    found = _NUMBER.search(plain)
    phone = None
    if found:
        try:
            phone = e164(found[0])
        except InvalidPhone:
            phone = None
    rest = text if not found else text[: found.start()] + " " + text[found.end() :]
    name = " ".join(rest.replace(",", " ").split())
    is_name = any(char.isalpha() for char in name) and len(name) <= MAX_NAME
    return name if is_name and not (found and not phone) else None, phone
