"""A citizen in a conversation: answers what the form asks, as its `context.slot` names it."""

import re
import unicodedata
from dataclasses import dataclass, field
from typing import Any

from scripts.demo.api import Answer, Caller, Unexpected, until

MAX_TURNS = 12
REFERENCE = re.compile(r"GRV-\d{4}-[0-9A-Z]{6}-[0-9A-Z]")
ACCESS_CODE = re.compile(r"(?<![\w-])\d(?:[ -]?\d){11}(?![\w-])")


@dataclass(frozen=True)
class Complaint:
    """What a citizen wants to say; without a phone they stay unknown."""

    text: str
    place: str | None = None
    name: str | None = None
    phone: str | None = None
    photos: tuple[str, ...] = ()


@dataclass(frozen=True)
class Filed:
    """What a complainant keeps."""

    grievance_id: str
    access_code: str


@dataclass
class Turn:
    """What the bot said last, and what it waits for."""

    said: str
    slot: str | None
    buttons: dict[str, str] = field(default_factory=dict)

    def button(self, *names: str) -> str | None:
        """The payload of the first button one of `names` begins."""
        for payload in self.buttons:
            if payload.lstrip("/").startswith(names):
                return payload
        return None


class Conversation:
    """One conversation of one guest."""

    def __init__(self, guest: Caller, locale: str = "ne") -> None:
        self.id: str | None = None
        self._guest = guest
        self._locale = locale
        self._complaint = Complaint("")

    async def say(self, text: str, *, photos: tuple[str, ...] = ()) -> Turn:
        """Say something; what the bot answers."""
        body: dict[str, Any] = {"text": text}
        if self.id:
            body["conversation_id"] = self.id
        else:
            body["locale"] = self._locale
        if photos:
            body["attachments"] = list(photos)
        answer = await self._guest.post("/api/v1/chat/messages", json=body)
        self.id = answer.data["conversation_id"]
        turn = _turn(answer)
        self._narrate(text, turn)
        return turn

    async def file(self, complaint: Complaint) -> Filed:
        """Tell it all, and confirm. Raises Unexpected when no reference comes."""
        self._complaint = complaint
        turn = await self.say(complaint.text)
        if turn.slot is None and (button := turn.button("file")):
            # It was not recognised as a complaint: say so by the button, and tell it again.
            turn = await self.say(button)
        for _ in range(MAX_TURNS):
            if found := _filed(turn.said):
                return found
            if turn.slot in {None, "filing"}:
                break
            text, photos = self._next(turn)
            turn = await self.say(text, photos=photos)
        return await until(self._reference, what="the reference in the chat")

    async def messages(self) -> list[dict[str, Any]]:
        """Everything said, oldest first, page by page."""
        quiet = self._guest.quietly()
        found: list[dict[str, Any]] = []
        query: dict[str, Any] = {}
        while True:
            path = f"/api/v1/chat/conversations/{self.id}/messages"
            page = (await quiet.get(path, params=query)).data
            found += page["items"]
            if not page["items"] or page["next_cursor"] in {None, query.get("after")}:
                return found
            query = {"after": page["next_cursor"]}

    async def heard(self, *words: str) -> str | None:
        """The newest message of the other side that holds one of `words`, if there is one."""
        for message in reversed(await self.messages()):
            if message["sender"] != "customer" and any(word in message["text"] for word in words):
                return str(message["text"])
        return None

    async def buttons(self, *names: str) -> str | None:
        """The payload of a button named so in any message, newest first."""
        for message in reversed(await self.messages()):
            for button in message.get("buttons") or []:
                if button["payload"].lstrip("/").startswith(names):
                    return str(button["payload"])
        return None

    async def _reference(self) -> Filed | None:
        for message in reversed(await self.messages()):
            if message["sender"] != "customer" and (found := _filed(message["text"])):
                return found
        return None

    def _next(self, turn: Turn) -> tuple[str, tuple[str, ...]]:
        """What to say to the slot that is open, and the photos that go with it."""
        mine = self._complaint
        skip = turn.button("skip") or "skip"
        if turn.slot == "photo" and mine.photos:
            return "photo", mine.photos
        words = {
            "offer": turn.button("file") or "yes",
            "description": mine.text,
            "place": mine.place or skip,
            "contact": turn.button("contact" if mine.phone else "anonymous"),
            "contact_name": mine.name or skip,
            "contact_phone": mine.phone or skip,
            "photo": skip,
            "confirm": turn.button("confirm") or "yes",
        }
        found = words.get(str(turn.slot))
        if found is None:
            raise Unexpected(f"the chat asks for {turn.slot!r} with buttons {list(turn.buttons)}")
        return found, ()

    def _narrate(self, text: str, turn: Turn) -> None:
        if self._guest.is_loud:
            print(f"       citizen: {text}")
            for line in turn.said.splitlines():
                print(f"           bot: {line}" if line else "")
            if turn.buttons:
                print(f"                [{'] ['.join(turn.buttons.values())}]")


def _turn(answer: Answer) -> Turn:
    replies = answer.data["replies"]
    return Turn(
        said="\n".join(reply["text"] for reply in replies),
        slot=answer.data["context"].get("slot"),
        buttons={
            button["payload"]: button["title"] for reply in replies for button in reply["buttons"]
        },
    )


def _filed(text: str) -> Filed | None:
    """The reference and the code in a message, in digits of whatever script."""
    plain = "".join(
        str(unicodedata.decimal(char)) if unicodedata.decimal(char, None) is not None else char
        for char in text
    )
    reference, code = REFERENCE.search(plain), ACCESS_CODE.search(REFERENCE.sub("", plain))
    if not reference or not code:
        return None
    return Filed(reference[0], re.sub(r"\D", "", code[0]))
