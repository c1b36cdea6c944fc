"""Replies beside the form: help, languages, answers to questions, and not having understood."""

from libs.language.detecting import Language
from services.chat.domain.answering import SURE, Match
from services.chat.domain.asking import ask, home
from services.chat.domain.speaking import Voice
from services.chat.domain.state import FORM, Slot
from services.chat.domain.turn import Moment, Source, Turn


def and_ask_again(moment: Moment, turn: Turn, slot: Slot) -> Turn:
    """Say what interrupted the form, and ask its question once more."""
    moment.notes[:] = [turn.text]
    again = ask(moment, slot)
    again.intent, again.confidence, again.source = turn.intent, turn.confidence, turn.source
    return again


def say_help(moment: Moment) -> Turn:
    """What can be done here."""
    return Turn("help", moment.say("help"), home(moment))


def welcome(moment: Moment) -> Turn:
    """Answer a greeting."""
    return Turn("greeting", moment.say("welcome"), home(moment))


def say_thanks(moment: Moment) -> Turn:
    """Answer a thank you."""
    return Turn("thanks", moment.say("thanks"), home(moment))


def say_goodbye(moment: Moment) -> Turn:
    """Answer a goodbye."""
    return Turn("goodbye", moment.say("goodbye"), home(moment))


def admit_to_be_a_program(moment: Moment) -> Turn:
    """Never pass for a person."""
    return Turn("bot_challenge", moment.say("bot"), home(moment))


def switch_language(moment: Moment) -> Turn:
    """Speak the language that was asked for, from now on."""
    heard = moment.heard
    wanted = heard.command.values.get("to") if heard.command else None
    if wanted not in set(Language):
        wanted = Language.ENGLISH if heard.means("english") else Language.NEPALI
    moment.voice = Voice(str(wanted))
    return Turn("language", moment.say("language_set"), home(moment))


def cancel(moment: Moment) -> Turn:
    """End what is under way, without filing anything."""
    state = moment.state
    if state.is_in_form or state.slot is Slot.OFFER:
        state.drop_draft()
        return Turn("cancel", moment.say("cancelled"), home(moment))
    return Turn("cancel", moment.say("nothing_to_cancel"), home(moment))


def decline(moment: Moment) -> Turn:
    """The offer to file was not taken."""
    moment.state.drop_draft()
    return Turn("deny", moment.say("offer_declined"), home(moment))


def confirmed_before(moment: Moment) -> Turn | None:
    """What became of the yes that was said already; None when none was."""
    state = moment.state
    if state.slot is Slot.FILING:
        return Turn("confirm", moment.say("already_kept"), home(moment))
    if state.grievance_id:
        text = moment.say("already_filed", reference=state.grievance_id)
        return Turn("confirm", text, home(moment))
    return None


def affirm(moment: Moment) -> Turn:
    """A yes to nothing: perhaps the second of two to the same question."""
    return confirmed_before(moment) or not_understood(moment)


def sure_answer(moment: Moment) -> Match | None:
    """The answer to a question that is surely one people often ask."""
    if not moment.heard.is_question:
        return None
    matches = moment.faqs.find(moment.heard.text)
    return matches[0] if matches and matches[0].confidence >= SURE else None


def answer(moment: Moment, match: Match) -> Turn:
    """Answer a question from the book."""
    is_english = moment.voice.language == Language.ENGLISH
    text = match.entry.answer if is_english else match.entry.answer_ne
    shown = "\n\n".join([*moment.notes, text])
    return Turn("question", shown, home(moment), match.confidence, Source.FAQ)


def question(moment: Moment, match: Match) -> str:
    """A question of the book, as it stands on a button."""
    is_english = moment.voice.language == Language.ENGLISH
    return match.entry.question if is_english else match.entry.question_ne


def not_understood(moment: Moment) -> Turn:
    """Say so, and what can be done; a form that runs asks again."""
    slot = moment.state.slot
    turn = Turn("unclear", moment.say("fallback"), home(moment), 0.0, Source.FALLBACK)
    return and_ask_again(moment, turn, slot) if slot in FORM else turn
