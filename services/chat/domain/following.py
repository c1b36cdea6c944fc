"""Where the cases of a conversation stand, and accepting what is proposed."""

from collections.abc import Sequence

from services.chat.domain.asking import home
from services.chat.domain.speaking import Button
from services.chat.domain.state import Slot
from services.chat.domain.turn import AcceptNow, Case, Moment, Turn

PROPOSED = "resolution_proposed"


def track(moment: Moment) -> Turn:
    """Where the cases of this conversation stand; of any other reference, always the same."""
    command = moment.heard.command
    named = command.values.get("grievance_id") if command else None
    text = (named or moment.heard.text).casefold()
    meant = [case for case in moment.cases if case.grievance_id.casefold() in text]
    if not meant and (named or moment.heard.references):
        return Turn("track", moment.say("track_unknown"), home(moment))
    if not meant and not moment.cases and moment.state.slot is not Slot.FILING:
        return Turn("track", moment.say("track_none"), home(moment))
    return _standing(moment, meant or moment.cases)


def accept(moment: Moment) -> Turn:
    """Accept by the button of that very case; saying so in words shows the buttons."""
    command = moment.heard.command
    proposed = [case for case in moment.cases if case.status == PROPOSED]
    if not proposed:
        return Turn("accept", moment.say("nothing_to_accept"), home(moment))
    if command is None:
        return Turn("accept", moment.say("proposal"), accept_buttons(moment, proposed))
    wanted = command.values.get("grievance_id")
    if any(case.grievance_id == wanted for case in proposed):
        return Turn("accept", effect=AcceptNow(str(wanted)))
    return Turn("accept", moment.say("nothing_to_accept"), home(moment))


def accept_buttons(moment: Moment, cases: Sequence[Case]) -> list[Button]:
    """A button for each case whose resolution waits for the complainant."""
    return [
        moment.voice.button(
            "accept",
            "accept",
            title=moment.voice.title("accept", reference=case.grievance_id),
            grievance_id=case.grievance_id,
        )
        for case in cases
        if case.status == PROPOSED
    ]


def _standing(moment: Moment, cases: Sequence[Case]) -> Turn:
    voice = moment.voice
    lines = [
        voice.say("track_one", reference=case.grievance_id, status=voice.status(case.status))
        for case in cases
    ]
    if moment.state.slot is Slot.FILING:
        lines.append(voice.say("already_kept"))
    buttons = accept_buttons(moment, cases)
    if buttons:
        lines.append(voice.say("proposal"))
    return Turn("track", "\n\n".join([*moment.notes, *lines]), buttons or home(moment))
