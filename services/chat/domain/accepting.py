"""What the citizen is told once grievance has answered to an acceptance."""

from libs.common.db.uow import Transaction
from services.chat.clients import Away, Refused
from services.chat.domain.speaking import Voice
from services.chat.domain.state import State
from services.chat.domain.thread import Spoken, Thread
from services.chat.repository import ChatRepository


async def tell_accepted(
    tx: Transaction,
    grievance_id: str,
    outcome: Refused | Away | None,
    *,
    conversation_id: str,
    message_id: str,
) -> tuple[State, list[Spoken]]:
    """Say whether the resolution counts as accepted; the case's own news says what follows."""
    thread = await Thread.hold(tx, await ChatRepository(tx.session).locked(conversation_id))
    voice = Voice(thread.conversation.locale)
    match outcome:
        case Away():
            title = voice.title("accept", reference=grievance_id)
            button = voice.button("accept", "accept", title=title, grievance_id=grievance_id)
            said = thread.say(voice.say("accept_away"), buttons=[button], reply_to=message_id)
        case Refused():
            said = thread.say(voice.say("nothing_to_accept"), reply_to=message_id)
        case None:
            text = voice.say("accepted", reference=grievance_id)
            said = thread.say(text, reply_to=message_id)
    return thread.state, [said]
