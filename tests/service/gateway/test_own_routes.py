"""What the gateway answers itself, and what it counts."""

import asyncio
import json
import re
from pathlib import Path

import pytest
from prometheus_client import generate_latest
from starlette.types import Receive, Send

from libs.common.settings import SERVICES
from libs.common.testing.stage import until
from tests.service.gateway.conftest import NOWHERE, Asked, Door, OpenDoor, Upstream, agree, say

DOCS = Path(__file__).parents[3] / "docs" / "api"


async def test_health_says_that_all_is_well(door: Door) -> None:
    """S1-04: the seed's four fields."""
    async with door.client(None) as client:
        answer = await client.get("/health")

    body = answer.json()
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", body.pop("timestamp"))
    assert body == {
        "status": "healthy",
        "database": "connected",
        "redis": "not_configured",
        "bus": "connected",
        "mode": "embedded",
        "services": dict.fromkeys(SERVICES, True),
    }


async def test_health_is_degraded_and_still_answers_when_a_service_is_away(
    open_door: OpenDoor, users: Upstream
) -> None:
    door = await open_door(at={"chat": NOWHERE})
    async with door.client(None) as client:
        answer = await client.get("/health/")

    body = answer.json()
    assert (answer.status_code, body["status"], body["database"]) == (
        200,
        "degraded",
        "disconnected",
    )
    assert body["services"] == {**dict.fromkeys(SERVICES, True), "chat": False}


async def test_health_does_not_wait_for_a_service_that_hangs(door: Door, users: Upstream) -> None:
    async def hang(_: Asked, receive: Receive, __: Send) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    users.play = hang
    async with asyncio.timeout(2), door.client(None) as client:
        body = (await client.get("/health")).json()

    assert body["services"]["users"] is False


async def test_health_tells_a_database_that_is_away_from_a_service_that_is(
    door: Door, users: Upstream
) -> None:
    async def no_database(_: Asked, __: Receive, send: Send) -> None:
        checks = {"database": False, "bus": True, "cache": True}
        await say(send, json.dumps({"status": "not_ready", "checks": checks}).encode(), status=503)

    users.play = no_database
    async with door.client(None) as client:
        body = (await client.get("/health")).json()

    assert (body["status"], body["database"]) == ("degraded", "disconnected")


async def test_a_flood_of_questions_asks_the_services_once_a_second(
    door: Door, users: Upstream
) -> None:
    async with door.client(None) as client:
        answers = await asyncio.gather(*(client.get("/health") for _ in range(50)))

    assert {answer.json()["status"] for answer in answers} == {"healthy"}
    assert len(users.asked) <= 2


async def test_the_gateway_lives_and_is_ready_whoever_else_is(open_door: OpenDoor) -> None:
    door = await open_door(at=dict.fromkeys(SERVICES, NOWHERE))
    async with door.client(None) as client:
        answers = [await client.get(path) for path in ("/healthz", "/readyz", "/version")]
        heads = [await client.head(path) for path in ("/healthz", "/health", "/version")]

    assert [answer.json() for answer in answers[:2]] == [
        {"status": "alive"},
        {"status": "ready", "checks": {}},
    ]
    assert answers[2].json().keys() == {"name", "version", "api_versions"}
    assert [(head.status_code, head.content) for head in heads] == [(200, b"")] * 3


async def test_without_documents_there_is_no_description(door: Door) -> None:
    async with door.client(None) as client:
        answers = [await client.get("/openapi.json"), await client.get("/docs")]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].json()["error"]["code"] == "NOT_FOUND"


async def test_the_description_is_one_document_of_all_services(open_door: OpenDoor) -> None:
    door = await open_door(api_docs=DOCS)
    async with door.client(None) as client:
        document = (await client.get("/openapi.json")).json()
        page = await client.get("/docs")

    assert document["openapi"].startswith("3.1")
    every = [path for file in DOCS.glob("*.json") for path in json.loads(file.read_text())["paths"]]
    assert document["paths"].keys() == set(every)
    assert not any(path.startswith("/internal") for path in every)
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    used = set(re.findall(r'"\$ref": "([^"]+)"', json.dumps(document)))
    assert used
    assert used <= known
    assert page.headers["content-type"].startswith("text/html")
    assert "/api/v1/grievances/{grievance_id}" in page.text
    assert "<script" not in page.text


async def test_requests_are_counted_by_template_and_never_by_path(
    door: Door, upstream: Upstream
) -> None:
    counted = (
        'method="GET",route="/things/{thing_id}",service="gateway",status="200"',
        'method="GET",route="unmatched",service="gateway",status="404"',
        'method="PATCH",route="unmatched",service="gateway",status="405"',
    )
    async with door.client() as client:
        await client.get("/things/secret-1")
        await client.get("/nothing/secret-2")
        await client.patch("/things/secret-3")
        await client.get("/health")
        await until(lambda: all(each in generate_latest().decode() for each in counted))

    lines = generate_latest().decode().splitlines()
    text = "\n".join(line for line in lines if 'service="gateway"' in line)
    assert all(each in text for each in counted)
    assert 'route="/health",service="gateway",status="200"' in text
    assert "secret" not in text


async def test_a_refusal_of_the_door_is_logged_with_its_code_and_without_its_path(
    door: Door, upstream: Upstream, capsys: pytest.CaptureFixture[str]
) -> None:
    upstream.play = agree
    async with door.client() as client:
        await client.get("/nothing/secret?phone=9812345678")

    out = ""

    def is_logged() -> bool:
        nonlocal out
        out += capsys.readouterr().out
        return "NOT_FOUND" in out

    await until(is_logged)
    assert "secret" not in out
    assert "9812345678" not in out
