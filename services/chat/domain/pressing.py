"""Buttons: what pressing one does. Only a button, or a plain yes, has something filed."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from services.chat.domain import chatting, following, form
from services.chat.domain.answering import Match
from services.chat.domain.asking import EDITABLE, ask, home
from services.chat.domain.hearing import Command
from services.chat.domain.state import FORM, Slot
from services.chat.domain.turn import FileNow, Moment, Source, Turn

Press = Callable[[Moment, Command], Turn]
_ANSWERS = frozenset({"skip", "anonymous", "contact", "done", "deny"})
"""Buttons that answer what the form asks."""


def press(moment: Moment, command: Command) -> Turn:
    """Do what the button says."""
    turn = _pressed(moment, command)
    turn.source = Source.BUTTON
    return turn


def _pressed(moment: Moment, command: Command) -> Turn:
    slot, name = moment.state.slot, command.name
    if name in _STEPS:
        return _STEPS[name](moment, command)
    if name in _DETOURS:
        turn = _DETOURS[name](moment, command)
        is_over = turn.effect is None and slot in FORM
        return chatting.and_ask_again(moment, turn, slot) if slot and is_over else turn
    if slot in FORM and name in _ANSWERS:
        return form.step(moment)
    if slot is Slot.OFFER and name == "deny":
        return chatting.decline(moment)
    return chatting.not_understood(moment)


def _file(moment: Moment, _: Command) -> Turn:
    state = moment.state
    if state.slot is Slot.OFFER:
        return form.begin(moment, state.draft.description)
    if state.slot in FORM:
        return ask(moment, state.slot)
    turn = form.begin_blank(moment)
    turn.intent = "file_grievance"
    return turn


def _confirm(moment: Moment, command: Command) -> Turn:
    """The yes of a button counts for the very summary it stood under, and once."""
    state, token = moment.state, command.values.get("token")
    if state.slot is Slot.CONFIRM:
        if token == state.token:
            return Turn("confirm", effect=FileNow())
        moment.notes.append(moment.voice.say("confirm_changed"))
        return ask(moment, Slot.CONFIRM)
    before = chatting.confirmed_before(moment) if token == state.filed_token else None
    turn = before or Turn("confirm", moment.say("nothing_to_confirm"), home(moment))
    return chatting.and_ask_again(moment, turn, state.slot) if state.slot in FORM else turn


def _edit(moment: Moment, command: Command) -> Turn:
    slot = moment.state.slot
    if slot is not Slot.CONFIRM:
        return ask(moment, slot) if slot in FORM else chatting.not_understood(moment)
    known = {each.value: each for each in EDITABLE}
    return form.edit(moment, known.get(command.values.get("slot", "")))


def _faq(moment: Moment, command: Command) -> Turn:
    entry = moment.faqs.entries.get(command.values.get("id", ""))
    if entry is None:
        return chatting.not_understood(moment)
    return chatting.answer(moment, Match(entry, 1.0))


_STEPS: Mapping[str, Press] = MappingProxyType(
    {
        "file": _file,
        "confirm": _confirm,
        "edit": _edit,
        "cancel": lambda moment, _: chatting.cancel(moment),
    }
)
_DETOURS: Mapping[str, Press] = MappingProxyType(
    {
        "status": lambda moment, _: following.track(moment),
        "help": lambda moment, _: chatting.say_help(moment),
        "language": lambda moment, _: chatting.switch_language(moment),
        "accept": lambda moment, _: following.accept(moment),
        "faq": _faq,
    }
)
