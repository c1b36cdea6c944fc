"""The same forgeries at the door: none gets past it, to any service (issue 4, must show 2)."""

import asyncio

import httpx2

from tests.service.forgeries import forged, good
from tests.service.gateway.conftest import Door, Upstream


async def test_no_forged_token_gets_past_the_door(door: Door, upstream: Upstream) -> None:
    called = 0

    async def call(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal called
        called += 1
        writer.close()

    server = await asyncio.start_server(call, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/keys.json"
    believed = []
    async with httpx2.AsyncClient(base_url=door.url, timeout=20, trust_env=False) as client:
        for name, token in forged(door.signer, door.gateway, listener=url):
            header = {b"Authorization": f"Bearer {token}".encode()}
            answer = await client.get("/things", headers=header)
            if answer.status_code not in {401, 403, 431}:
                believed.append((name, answer.status_code))
        control = await client.get(
            "/things", headers={"Authorization": f"Bearer {good(door.signer)}"}
        )
    server.close()
    await server.wait_closed()

    assert believed == []
    assert (control.status_code, called) == (200, 0)
    assert len(upstream.asked) == 1
