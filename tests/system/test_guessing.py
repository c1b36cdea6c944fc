"""Issue 4, must show 3: codes guessed through the door, from a hundred addresses."""

import asyncio
import re
import sqlite3
from collections import Counter
from collections.abc import Iterable
from contextlib import closing

import httpx2
import pytest

from tests.system.conftest import Start, System, settled

ADDRESSES = [f"127.0.0.{last}" for last in range(101, 201)]
EACH = 10
AT_ONCE = 20
TRIES = 5
PHONE = "9807654321"


class Crowd:
    """Strangers, each with an address of their own."""

    def __init__(self, system: System) -> None:
        self._clients = [system.client(address=address) for address in ADDRESSES]

    async def show(self, challenge: str, codes: Iterable[str]) -> list[httpx2.Response]:
        """Show the codes, each from the next address; AT_ONCE are under way."""
        waiting = enumerate(codes)
        answers: list[httpx2.Response] = []

        async def go_on() -> None:
            for number, code in waiting:
                client = self._clients[number % len(self._clients)]
                body = {"challenge_id": challenge, "code": code}
                answers.append(await client.post("/api/v1/auth/otp/verify", json=body))

        await asyncio.gather(*(go_on() for _ in range(AT_ONCE)))
        return answers


async def challenged(system: System, phone: str) -> tuple[str, str]:
    """A challenge, and the code that was sent for it."""
    async with system.client() as client:
        asked = {"phone_number": phone, "channel": "sms"}
        sent = await client.post("/api/v1/auth/otp/request", json=asked)
    challenge = sent.json()["data"]["challenge_id"]
    letter = system.folder / "outbox" / f"{challenge}.txt"

    async def code() -> str | None:
        found = re.search(r"\b\d{6}\b", letter.read_text()) if letter.exists() else None
        return found and found[0]

    return challenge, str(await settled(code))


def tries(system: System, challenge: str) -> int:
    """How many codes were compared, as the challenge itself has it."""
    query = "SELECT tries FROM otp_challenges WHERE challenge_id = ?"
    with closing(sqlite3.connect(system.folder / "users.db")) as database:
        [count] = database.execute(query, (challenge,)).fetchone()
    return int(count)


@pytest.mark.timeout(120)
async def test_of_a_thousand_guesses_five_are_compared_and_a_right_code_opens_once(
    start: Start,
) -> None:
    """After the first hundred, wrong and at once, every guess is right: one more compared opens.

    The door's limits are on: one address alone would be told to wait long before.
    """
    system = await start(GATEWAY_RATE_LIMITS="true")
    crowd = Crowd(system)
    challenge, code = await challenged(system, PHONE)
    wrong = f"{(int(code) + 1) % 1_000_000:06}"

    guessed = await crowd.show(challenge, [wrong] * len(ADDRESSES))
    guessed += await crowd.show(challenge, [code] * len(ADDRESSES) * (EACH - 1))
    fresh, code = await challenged(system, PHONE)
    opened = await crowd.show(fresh, [code] * AT_ONCE)

    said = Counter((answer.status_code, answer.json()["error"]["code"]) for answer in guessed)
    assert said == {(401, "OTP_INVALID"): 1000}
    assert tries(system, challenge) == TRIES
    assert sorted(answer.status_code for answer in opened) == [200] + [401] * (AT_ONCE - 1)
    assert tries(system, fresh) <= TRIES
