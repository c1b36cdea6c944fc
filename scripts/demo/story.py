"""One complaint, from the first word to the last, as the people in it live it."""

import itertools
from dataclasses import dataclass
from typing import Any

from scripts.demo import people
from scripts.demo.api import Answer, Caller, Unexpected, until
from scripts.demo.chat import Complaint, Conversation, Filed
from scripts.samples.picture import has_exif, photo, size_of

WORKING_WIDTH = 1920
PROPOSAL = {
    "resolution_category": "accepted_repair",
    "text": "The pump was repaired and the line flushed; the tap runs since Monday.",
    "public_text_en": "The water tap of ward 5 runs again.",
    "public_text_ne": "वडा ५ को धारामा फेरि पानी आउन थालेको छ।",
}
COMPLAINT = "हाम्रो वडाको धारामा नौ दिनदेखि खानेपानी आएको छैन, आयोजना कार्यालयले फोन पनि उठाउँदैन।"
SHOWN = ("grievance_id", "status", "category", "classification_status", "version")

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Staff:
    """The people in the office."""

    admin: Caller
    officer: Caller
    seah_officer: Caller
    supervisor: Caller


def step(what: str) -> None:
    """Announce what comes."""
    print(f"\n{next(_numbers):3}. {what}")


async def play(anyone: Caller, account: people.Account) -> Staff:
    """Play it; the staff stay for what comes after."""
    citizen, conversation, filed = await _file(anyone)
    staff = await _staff(anyone, account)
    path = f"/api/v1/grievances/{filed.grievance_id}"
    await _look(staff, path)
    await _work(staff.officer, path)
    await _accept(conversation)
    await _close(staff, path)
    await _track(citizen, conversation, filed)
    return staff


async def upload(citizen: Caller, content: bytes, name: str, kind: str) -> Answer:
    """Hand in a photo; what the door said."""
    return await citizen.post(
        "/api/v1/files",
        files={"file": (name, content, kind)},
        data={"file_type": "image"},
        expect=(),
        show=("file_id", "status"),
    )


async def _file(anyone: Caller) -> tuple[Caller, Conversation, Filed]:
    step("A citizen opens a chat, in Nepali, without an account")
    citizen = await people.guest(anyone)
    step("They hand in a photo (2400 px wide, with the phone's GPS position in it)")
    picture = await upload(citizen, photo(), "धारा.jpg", "image/jpeg")
    file_id = picture.data["file_id"]
    step("The chat leads them through description, place, contact, photo, confirm")
    conversation = Conversation(citizen, "ne")
    complaint = Complaint(COMPLAINT, "धरान, वडा ५", "सीता शर्मा", people.a_phone(), (file_id,))
    filed = await conversation.file(complaint)
    print(f"     → reference {filed.grievance_id}, access code {filed.access_code}")
    step("The engine reads it in the background; the chat says what it understood")
    path = f"/api/v1/grievances/{filed.grievance_id}"
    found = await until(lambda: _suggested(citizen, path), what="the classification")
    await _narrate_new(conversation, "the reading in the chat", *await _names(citizen, found))
    await _photo(citizen, file_id)
    return citizen, conversation, filed


async def _suggested(citizen: Caller, path: str) -> dict[str, Any] | None:
    quiet = citizen.quietly()
    found: dict[str, Any] = (await quiet.get(path)).data
    return found if found["classification_status"] == "suggested" else None


async def _names(citizen: Caller, found: dict[str, Any]) -> list[str]:
    """What the case's categories are called, in both languages."""
    every = (await citizen.quietly().get("/api/v1/categories")).data
    mine = [each for each in every if each["code"] in found["categories"]]
    return [each[name] for each in mine for name in ("name_ne", "name_en")]


async def _photo(citizen: Caller, file_id: str) -> None:
    step("The photo was looked into: smaller, and without what the camera wrote")
    path = f"/api/v1/files/{file_id}"
    quiet = citizen.quietly()

    async def ready() -> bool:
        return bool((await quiet.get(path)).data["status"] == "ready")

    await until(ready, what="the working copy")
    served = await citizen.get(f"{path}/content", show=("type", "bytes"))
    width, height = size_of(served.content)
    print(f"     → {width} x {height} px, EXIF gone: {not has_exif(served.content)}")
    if width > WORKING_WIDTH or has_exif(served.content):
        raise Unexpected("the served photo is not the working copy")
    stranger = await people.guest(citizen.as_somebody(None))
    await stranger.get(f"{path}/content", expect=(404,))


async def _staff(anyone: Caller, account: people.Account) -> Staff:
    step("The administrator signs in and lets three people in")
    admin = await people.sign_in(anyone, account)
    officer = await people.hire(admin, people.OFFICER, "Ram Karki")
    seah = await people.hire(admin, people.SEAH_OFFICER, "Maya Rai")
    supervisor = await people.hire(admin, people.SUPERVISOR, "Hari Thapa")
    return Staff(admin, officer, seah, supervisor)


async def _look(staff: Staff, path: str) -> None:
    step("The officer lists the newest cases (no names in lists), and opens this one")
    listed = await staff.officer.get("/api/v1/grievances", params={"status": "pending", "limit": 5})
    for row in listed.data["items"]:
        print(
            f"       {row['grievance_id']}  {row['status']}  {row['category']}"
            f"  ({row['classification_status']})  {row['municipality'] or ''}"
        )
    await staff.officer.get(path, show=(*SHOWN, "description", "summary", "contact", "files"))
    step("The SEAH officer works SEAH cases and sees no other")
    await staff.seah_officer.get(path, expect=(404,))


async def _work(officer: Caller, path: str) -> None:
    step("The officer confirms the category: nothing is acknowledged before a person said so")
    case = await _quietly(officer, path)
    await _act(officer, path, "acknowledge", expect=(409,))
    body = {"categories": case.data["categories"][:2] or ["ACCESS_WATER"]}
    await officer.call(
        "PUT", path, json=body, headers={"If-Match": case.etag}, show=(*SHOWN, "categories")
    )
    step("Somebody who looked before that may not overwrite it")
    body = {"categories": ["OTHER"]}
    await officer.call("PUT", path, json=body, headers={"If-Match": case.etag}, expect=(412,))
    step("The case walks its way; a step the life cycle does not know is refused")
    await _act(officer, path, "acknowledge")
    await _act(officer, path, "close", expect=(403, 409))
    await _act(officer, path, "evaluate")
    await officer.post(f"{path}/notes", json={"text": "Called the water office."})
    await _act(officer, path, "start")
    await _act(officer, path, "propose", proposal=PROPOSAL)


async def _accept(conversation: Conversation) -> None:
    step("The chat shows the proposal with a button, and the complainant accepts it")

    async def button() -> str | None:
        return await conversation.buttons("accept")

    payload = await until(button, what="the accept button in the chat")
    await conversation.say(payload)


async def _close(staff: Staff, path: str) -> None:
    step("Who proposed it may not close it; the project administrator does")

    async def resolved() -> bool:
        return bool((await _quietly(staff.officer, path)).data["status"] == "resolved")

    await until(resolved, what="the case to be resolved")
    await _act(staff.officer, path, "close", expect=(403,))
    await _act(staff.supervisor, path, "close")


async def _track(citizen: Caller, conversation: Conversation, filed: Filed) -> None:
    step("Anybody with the reference and the access code can follow it")
    stranger = await people.guest(citizen.as_somebody(None))
    body = {"grievance_id": filed.grievance_id, "access_code": filed.access_code}
    found = await stranger.post("/api/v1/grievances/track", json=body, show=("status", "level"))
    for row in found.data["history"]:
        print(f"       {row['created_at'][:19]}  {row['action']:12} → {row['status']}")
    await stranger.post(
        "/api/v1/grievances/track", json=body | {"access_code": "0" * 12}, expect=(404,)
    )
    step("The conversation told every status")
    await _narrate_new(conversation, "the end in the chat", "बन्द", "closed")
    for message in await conversation.messages():
        if message["sender"] == "system":
            print(f"       system: {message['text']}")


async def _narrate_new(conversation: Conversation, what: str, *words: str) -> None:
    """Wait until the chat says one of `words`, or a category by its name."""

    async def heard() -> str | None:
        return await conversation.heard(*words)

    said = await until(heard, what=what)
    print(f"           bot: {' '.join(said.split())}")


async def _quietly(caller: Caller, path: str) -> Answer:
    return await caller.quietly().get(path)


async def _act(
    officer: Caller, path: str, action: str, *, expect: tuple[int, ...] = (200,), **more: Any
) -> None:
    case = await _quietly(officer, path)
    await officer.post(
        f"{path}/actions",
        json={"action": action, **more},
        headers={"If-Match": case.etag},
        expect=expect,
        show=("status", "allowed_actions", "version"),
    )
