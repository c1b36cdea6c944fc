"""Who has signed out is let in no more, though the door remembers them (issue 4, tokens)."""

from pathlib import Path

import httpx2
import pytest

from libs.common.bus.factory import open_bus
from libs.common.bus.protocol import Message
from libs.common.contracts.users import SessionRevoked
from libs.common.events import Envelope
from libs.common.principal import Role
from libs.common.testing.stage import until
from tests.service.gateway.conftest import NOWHERE, Door, OpenDoor, Upstream


def caller(door: Door, session: str) -> httpx2.AsyncClient:
    token = door.signer.sign("guest:1", Role.GUEST, session=session)
    return httpx2.AsyncClient(
        base_url=door.url, headers={"Authorization": f"Bearer {token}"}, trust_env=False
    )


async def status(client: httpx2.AsyncClient) -> int:
    return (await client.get("/things")).status_code


async def test_who_has_signed_out_is_refused_within_five_seconds(
    door: Door, users: Upstream, upstream: Upstream
) -> None:
    """Issue 4: without a bus, and with everything the door remembers of them."""
    async with caller(door, "s-gone") as gone, caller(door, "s-here") as here:
        assert [await status(gone) for _ in range(3)] == [200] * 3
        assert await status(here) == 200
        users.revoked.append("s-gone")

        async def is_refused() -> bool:
            return await status(gone) == 401

        await until(is_refused, seconds=5)
        seen = len(upstream.asked)
        assert [await status(gone) for _ in range(3)] == [401] * 3
        assert len(upstream.asked) == seen
        assert await status(here) == 200


async def test_the_broadcast_says_it_sooner_also_while_users_is_away(
    open_door: OpenDoor, tmp_path: Path
) -> None:
    bus = open_bus(f"embedded://{tmp_path / 'bus.db'}", name="gateway", prefix="test")
    await bus.start()
    door = await open_door(bus=bus, at={"users": NOWHERE})
    async with caller(door, "s-gone") as gone, caller(door, "s-here") as here:
        assert await status(gone) == 200

        async def is_refused() -> bool:
            fact = SessionRevoked(principal_id="guest:1", session_id="s-gone")
            envelope = Envelope.of(fact, source="users")
            await bus.publish([Message(envelope.id, envelope.type, envelope.to_bytes())])
            return await status(gone) == 401

        await until(is_refused, every=0.05, seconds=5)
        assert await status(here) == 200
    await bus.close()


@pytest.mark.parametrize(
    ("path", "given", "passed_on"),
    [
        ("/signing-in", "Basic azpz", "Basic azpz"),
        ("/signing-in", "basic azpz", "basic azpz"),
        ("/signing-in", "Bearer azpz", None),
        ("/open", "Basic azpz", None),
    ],
)
async def test_what_a_program_says_of_itself_reaches_the_token_endpoint_alone(
    door: Door, upstream: Upstream, path: str, given: str, passed_on: str | None
) -> None:
    """RFC 6749, 2.3.1: HTTP Basic, and only where tokens are handed out by form."""
    async with door.client(None) as client:
        answer = await client.post(path, data={"a": "b"}, headers={"Authorization": given})

    if path == "/signing-in":
        assert answer.status_code == 200
    assert [asked.headers.get("authorization") for asked in upstream.asked] in (
        [[passed_on]] if path == "/signing-in" else [[], [None]]
    )
