"""Tickets: how a browser's EventSource shows who it is."""

import base64
from datetime import datetime, timedelta
from typing import Any

import httpx2
import pytest

from libs.common.clock import utc_now
from libs.common.principal import Role, Scope
from libs.common.testing.stage import Stage
from libs.common.tokens import STREAM_AUDIENCE, InvalidToken, Verifier
from services.users.routes import auth

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of P-256."""
SCOPE = Scope(projects=("road",), places=("Birtamod",))


async def a_ticket(stage: Stage, role: Role = Role.GUEST, **more: Any) -> str:
    async with stage.client(role, **more) as client:
        answer = await client.post("/api/v1/auth/ticket")
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["data"]["expires_in"] <= 60
    found: str = answer.json()["data"]["ticket"]
    return found


async def exchange(stage: Stage, ticket: str) -> httpx2.Response:
    async with stage.peer("gateway") as gateway:
        return await gateway.post("/internal/tickets/exchange", json={"ticket": ticket})


def other_signature(ticket: str) -> str:
    """The same ticket, signed as well: of (r, s) and (r, n - s) both hold."""
    head, _, last = ticket.rpartition(".")
    raw = base64.urlsafe_b64decode(last + "=" * (-len(last) % 4))
    other = raw[:32] + (ORDER - int.from_bytes(raw[32:])).to_bytes(32)
    return f"{head}.{base64.urlsafe_b64encode(other).rstrip(b'=').decode()}"


def code(answer: httpx2.Response) -> str:
    return f"{answer.status_code} {answer.json()['error']['code']}"


@pytest.mark.parametrize("role", [Role.GUEST, Role.CITIZEN, Role.API_CLIENT, Role.GRC_MEMBER])
async def test_a_ticket_is_exchanged_for_a_token_of_the_same_person(
    stage: Stage, role: Role
) -> None:
    ticket = await a_ticket(stage, role, subject="somebody", scope=SCOPE)
    answer = await exchange(stage, ticket)

    token = answer.json()["data"]["access_token"]
    principal = Verifier(stage.service.keys, "gateway").verify(token)
    assert (principal.id, principal.role, principal.scope) == ("somebody", role, SCOPE)
    assert answer.headers["cache-control"] == "no-store"


async def test_a_ticket_is_good_once(stage: Stage) -> None:
    """Also with the other of the two signatures that ECDSA has for everything."""
    ticket = await a_ticket(stage)
    answers = [await exchange(stage, text) for text in (ticket, ticket, other_signature(ticket))]

    assert answers[0].status_code == 200
    assert [code(answer) for answer in answers[1:]] == ["401 INVALID_TICKET"] * 2
    fresh = other_signature(await a_ticket(stage))
    assert (await exchange(stage, fresh)).status_code == 200  # it does hold, once


async def test_a_ticket_is_good_for_a_minute(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tokens have a minute's grace for clocks that differ; a ticket is read by who signed it."""
    ticket = await a_ticket(stage)

    def later() -> datetime:
        return utc_now() + timedelta(seconds=61)

    monkeypatch.setattr(auth, "utc_now", later)
    assert code(await exchange(stage, ticket)) == "401 INVALID_TICKET"


async def test_a_ticket_is_no_token_anywhere(stage: Stage) -> None:
    """It is in a URL, so it must open nothing else."""
    ticket = await a_ticket(stage, Role.SUPER_ADMIN)
    for service in ("gateway", "users", "grievance", "chat", "tasks", "files"):
        with pytest.raises(InvalidToken):
            Verifier(stage.service.keys, service).verify(ticket)
    headers = {"Authorization": f"Bearer {ticket}"}
    async with stage.client() as client:
        for method, path in (("GET", "/api/v1/users/me"), ("POST", "/api/v1/auth/ticket")):
            answer = await client.request(method, path, headers=headers)
            assert answer.status_code == 401


async def test_a_token_is_no_ticket(stage: Stage) -> None:
    """An access token in a URL is refused; so is anything else."""
    tokens = [
        stage.token(Role.GUEST),
        stage.users.sign("a", Role.GUEST, audience="redress:other"),
        stage.signers["chat"].sign("guest:1", Role.GUEST, audience=STREAM_AUDIENCE),
        stage.signers["chat"].sign_to("users"),
        "nonsense",
        "a.b.c",
    ]

    assert {code(await exchange(stage, token)) for token in tokens} == {"401 INVALID_TICKET"}


async def test_only_people_get_tickets_and_only_programs_exchange_them(stage: Stage) -> None:
    async with stage.client() as nobody, stage.client(Role.SUPER_ADMIN) as admin:
        without = await nobody.post("/api/v1/auth/ticket")
        by_hand = await admin.post("/internal/tickets/exchange", json={"ticket": "x"})
    async with stage.peer("gateway") as gateway:
        program = await gateway.post("/api/v1/auth/ticket")

    assert (without.status_code, by_hand.status_code, program.status_code) == (401, 403, 403)
