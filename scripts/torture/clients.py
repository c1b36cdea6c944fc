"""Clients that file without pause, and a ledger of what was promised to them."""

import asyncio
import itertools
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import httpx2

from libs.common.ids import new_id
from scripts.demo.api import connect

CLIENTS = 16
CONTACT_EVERY = 3
GIVE_UP_SECONDS = 120.0
AGAIN = frozenset({408, 429, 502, 503, 504})
"""To be asked again with the same key: too slow, too often, too much at once, or somebody away."""
SAYS_WHEN = frozenset({429, 503})
"""Who refuses so, must say when to come back. These clients come sooner."""
TEXTS = (
    "The drinking water tap in our ward has been dry for nine days.",
    "सडक निर्माणको धुलोले घरमा बस्नै सकिएन।",
    "hamro tole ma dui hapta dekhi batti aaeko chhaina",
)


@dataclass
class Ledger:
    """What was asked, and what was answered 2xx: client reference → grievance_id."""

    asked: int = 0
    acked: dict[str, str] = field(default_factory=dict)
    with_contact: set[str] = field(default_factory=set)
    refused: dict[str, str] = field(default_factory=dict)
    tries: int = 0
    put_off: Counter[str] = field(default_factory=Counter)
    """How often they were told to come again, by the code of the refusal."""

    def has_reached(self, count: float) -> bool:
        """Whether so many were answered for good."""
        return len(self.acked) + len(self.refused) >= count


class Refused(Exception):
    """An answer that repeating the request does not change."""


async def file_all(base: str, creates: int, ledger: Ledger) -> None:
    """File `creates` grievances, each repeated with its key until it is acknowledged."""
    numbers = itertools.count()
    async with connect(base, connections=CLIENTS) as http:

        async def client() -> None:
            token = await _token(http)
            for number in numbers:
                if number >= creates:
                    return
                await _file(http, token, number, ledger)

        await asyncio.gather(*(client() for _ in range(CLIENTS)))


async def _file(http: httpx2.AsyncClient, token: str, number: int, ledger: Ledger) -> None:
    name = f"T-{number:06}"
    ledger.asked += 1
    body = _body(name, number)
    if body["contact"]:
        ledger.with_contact.add(name)
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": new_id()}
    try:
        answer = await _until_answered(
            http, "/api/v1/grievances", ledger, json=body, headers=headers
        )
    except (Refused, TimeoutError) as refusal:
        ledger.refused[name] = str(refusal) or "no answer in time"
    else:
        ledger.acked[name] = answer["grievance_id"]


async def _token(http: httpx2.AsyncClient) -> str:
    answer = await _until_answered(http, "/api/v1/auth/guest", Ledger())
    return str(answer["access_token"])


async def _until_answered(
    http: httpx2.AsyncClient, path: str, ledger: Ledger, **request: Any
) -> dict[str, Any]:
    """POST until it is done, as a client on a bad line does."""
    async with asyncio.timeout(GIVE_UP_SECONDS):
        for pause in itertools.chain((0.05, 0.1, 0.2), itertools.repeat(0.4)):
            ledger.tries += 1
            try:
                response = await http.post(path, timeout=15.0, **request)
            except httpx2.TransportError:
                await asyncio.sleep(pause)
                continue
            if response.is_success:
                found: dict[str, Any] = response.json()["data"]
                return found
            ledger.put_off[_why_later(response)] += 1
            await asyncio.sleep(pause)
    raise AssertionError


def _why_later(response: httpx2.Response) -> str:
    """The code of an answer after which one asks again. Raises Refused for any other answer."""
    status = response.status_code
    if status not in AGAIN or (status in SAYS_WHEN and "Retry-After" not in response.headers):
        raise Refused(f"{status} {response.text[:200]}")
    is_ours = "json" in response.headers.get("content-type", "")
    return str(response.json()["error"]["code"]) if is_ours else str(status)


def _body(name: str, number: int) -> dict[str, Any]:
    contact = None
    if number % CONTACT_EVERY == 0:
        contact = {"name": f"Citizen {number}", "phone_number": f"+97798{number:08}"}
    return {
        "grievance_id": name,
        "description": TEXTS[number % len(TEXTS)],
        "project_type": "water",
        "contact": contact,
    }
