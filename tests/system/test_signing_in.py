"""A guest proves who they are in the middle of a complaint, and goes on (S4-06a)."""

from pathlib import Path

import httpx2

from tests.system.conftest import Start, System, settled
from tests.system.test_journey import Citizen

PHONE = "+9779841777003"
COMPLAINT = "There has been no water in our ward for four days."


async def proved(system: System, guest: httpx2.AsyncClient) -> httpx2.AsyncClient:
    """Sign in with the code that was sent; answer the client of the person."""
    async with system.client() as anybody:
        body = {"phone_number": PHONE, "channel": "sms", "language": "en"}
        asked = await anybody.post("/api/v1/auth/otp/request", json=body)
        assert asked.status_code == 202, asked.text
        challenge_id = asked.json()["data"]["challenge_id"]
        path = system.folder / "outbox" / f"{challenge_id}.txt"

        async def sent() -> str | None:
            return _code(path)

        shown = {
            "challenge_id": challenge_id,
            "code": await settled(sent),
            "guest_token": guest.headers["Authorization"].removeprefix("Bearer "),
        }
        answer = await anybody.post("/api/v1/auth/otp/verify", json=shown)
    assert answer.status_code == 200, answer.text
    assert answer.json()["data"]["bound_guest"].startswith("guest:")
    return system.client(answer.json()["data"]["access_token"])


async def test_what_a_guest_had_begun_is_finished_by_the_person(start: Start) -> None:
    system = await start()
    guest = Citizen(await system.guest())
    assert await guest.say(COMPLAINT) == "place"
    await guest.say("Dharan ward 5")
    await guest.say("anonymous")
    assert await guest.say("no photo") == "confirm"
    person = Citizen(await proved(system, guest.client))
    person.conversation, person.last = guest.conversation, guest.last

    async def handed_over() -> bool:
        path = f"/api/v1/chat/conversations/{person.conversation}/messages"
        return (await person.client.get(path)).status_code == 200

    assert await settled(handed_over)
    await person.say(person.button("/confirm"))

    async def reference() -> str | None:
        listed = (await person.client.get("/api/v1/grievances")).json()["data"]["items"]
        return listed[0]["grievance_id"] if listed else None

    assert await settled(reference)

    async def is_shut_out() -> bool:
        return (await guest.client.get("/api/v1/users/me")).status_code == 401

    assert await settled(is_shut_out)


def _code(path: Path) -> str | None:
    words = path.read_text().partition("\n\n")[2].split() if path.exists() else []
    return next((word for word in words if word.isdecimal()), None)
