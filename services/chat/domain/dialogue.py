"""What the bot answers: buttons, the running form, small talk, questions, and only then a guess.

A guess leads at most to an offer or into the form; filing and accepting take a pressed button or
a plain yes to the question that was just asked.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from libs.language.sensitivity import Sensitivity
from services.chat.domain import chatting, following, form
from services.chat.domain.asking import home
from services.chat.domain.pressing import press
from services.chat.domain.state import Draft, Slot
from services.chat.domain.turn import Moment, Source, Turn

READS_LIKE_A_COMPLAINT = 0.5
MAY_BE_A_COMPLAINT = 0.3
WORDS_OF_A_COMPLAINT = 2
WORDS_WORTH_AN_OFFER = 3

Say = Callable[[Moment], Turn]

_INTERRUPTIONS: Mapping[str, Say] = MappingProxyType(
    {
        "help": chatting.say_help,
        "greeting": chatting.welcome,
        "thanks": chatting.say_thanks,
        "goodbye": chatting.say_goodbye,
        "bot": chatting.admit_to_be_a_program,
        "english": chatting.switch_language,
        "nepali": chatting.switch_language,
    }
)
_SMALL_TALK: Mapping[str, Say] = MappingProxyType(
    {
        **_INTERRUPTIONS,
        "cancel": chatting.cancel,
        "accept": following.accept,
        "affirm": chatting.affirm,
        "deny": chatting.not_understood,
        "skip": chatting.not_understood,
    }
)


def respond(moment: Moment) -> Turn:
    """Decide the reply to a message."""
    heard, state = moment.heard, moment.state
    if heard.sensitivity is Sensitivity.SEAH and not state.is_gentle:
        state.is_gentle = True
        if state.is_in_form and state.slot is not Slot.DESCRIPTION:
            moment.notes.append(moment.voice.say("noted_gentle"))
    if heard.command:
        return press(moment, heard.command)
    if state.is_in_form:
        return _in_form(moment)
    if state.slot is Slot.OFFER:
        answer = _to_the_offer(moment)
        if answer:
            return answer
    return _outside(moment)


def _in_form(moment: Moment) -> Turn:
    """The form keeps its turn; what interrupts it is answered and the question asked again."""
    heard, slot = moment.heard, moment.state.slot
    assert slot is not None  # noqa: S101 - a form that runs has asked for something
    if heard.means("cancel"):
        return chatting.cancel(moment)
    if heard.sensitivity is Sensitivity.SEAH:
        return form.step(moment)
    interruption = _interruption(moment, slot)
    if interruption:
        return chatting.and_ask_again(moment, interruption, slot)
    return form.step(moment)


def _interruption(moment: Moment, slot: Slot) -> Turn | None:
    heard = moment.heard
    for meaning, say in _INTERRUPTIONS.items():
        if heard.means(meaning):
            return say(moment)
    if slot is Slot.DESCRIPTION:
        return None
    if heard.asks_status:
        return following.track(moment)
    match = chatting.sure_answer(moment)
    return chatting.answer(moment, match) if match else None


def _to_the_offer(moment: Moment) -> Turn | None:
    if moment.heard.means("affirm", "file"):
        return form.begin(moment, moment.state.draft.description)
    if moment.heard.means("deny", "cancel"):
        return chatting.decline(moment)
    moment.state.drop_draft()
    return None


def _outside(moment: Moment) -> Turn:
    heard = moment.heard
    if heard.sensitivity is Sensitivity.SEAH:
        return _begin(moment)
    for meaning, say in _SMALL_TALK.items():
        if heard.means(meaning):
            return say(moment)
    if heard.asks_status:
        return following.track(moment)
    if heard.means("file") and not heard.is_question:
        return form.begin_blank(moment)
    match = chatting.sure_answer(moment)
    return chatting.answer(moment, match) if match else _guess(moment)


def _guess(moment: Moment) -> Turn:
    """Nobody said what this is: a complaint, perhaps one, or nothing that is understood."""
    heard = moment.heard
    if not heard.is_readable:
        return _photo_alone(moment) if moment.files else chatting.not_understood(moment)
    count = len(heard.words)
    telling = heard.evidence >= READS_LIKE_A_COMPLAINT and count >= WORDS_OF_A_COMPLAINT
    if heard.sensitivity is Sensitivity.HIGH_PRIORITY or (telling and not heard.is_question):
        return _begin(moment)
    if heard.evidence >= MAY_BE_A_COMPLAINT or count >= WORDS_WORTH_AN_OFFER:
        return _offer(moment)
    return chatting.not_understood(moment)


def _begin(moment: Moment) -> Turn:
    turn = form.begin(moment, moment.heard.text)
    turn.intent, turn.confidence = "file_grievance", moment.heard.evidence
    return turn


def _offer(moment: Moment) -> Turn:
    """Ask whether to file it; the text is kept for the yes."""
    heard, voice = moment.heard, moment.voice
    moment.state.drop_draft()
    moment.state.slot = Slot.OFFER
    moment.state.draft = Draft(description=heard.text)
    form.add_files(moment)
    matches = moment.faqs.find(heard.text) if heard.is_question else []
    asked = [
        voice.button("help", "faq", title=chatting.question(moment, match), id=match.entry.id)
        for match in matches
    ]
    if asked:
        moment.notes.append(voice.say("did_you_mean"))
    buttons = [*asked, voice.button("file_this", "file"), voice.button("no", "deny")]
    text = moment.say("offer")
    return Turn("file_grievance", text, buttons, heard.evidence, Source.FALLBACK)


def _photo_alone(moment: Moment) -> Turn:
    form.begin_blank(moment)
    return Turn("inform", moment.say("photo_needs_text"), home(moment), source=Source.FORM)
