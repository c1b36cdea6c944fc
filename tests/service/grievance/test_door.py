"""The door every service has (issue A6), tried on this one."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from prometheus_client import generate_latest

from libs.common.contracts.grievance import GrievanceSubmitted
from libs.common.principal import Role
from libs.common.telemetry import start_tracing
from libs.common.testing.stage import Stage
from services.grievance.repository.cases import GrievanceRepository
from tests.service.grievance.conftest import WATER, Filing

PATH = "/api/v1/grievances"
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def code(answer: Any) -> tuple[int, str]:
    body = answer.json()
    assert body["status"] == "error"
    assert set(body["error"]) == {"code", "message", "details", "request_id"}
    return answer.status_code, body["error"]["code"]


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("application/xml", 415),
        (";;;/", 415),
        ("application/json; charset=latin-1", 201),
        ("application/vnd.api+json", 201),
        (None, 201),
    ],
)
async def test_a_body_is_read_as_what_it_says_it_is(
    stage: Stage, kind: str | None, status: int
) -> None:
    headers = {"Content-Type": kind} if kind else {}
    content = json.dumps({"description": WATER}).encode()

    answer = await stage.client(Role.GUEST).post(PATH, content=content, headers=headers)

    assert answer.status_code == status


async def test_a_compressed_body_is_not_inflated(stage: Stage) -> None:
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}

    answer = await stage.client(Role.GUEST).post(PATH, content=b"\x1f\x8b", headers=headers)

    assert code(answer) == (415, "UNSUPPORTED_MEDIA_TYPE")


async def test_a_body_past_its_cap_is_refused_by_its_promise(stage: Stage) -> None:
    headers = {"Content-Length": str(10**10), "Content-Type": "application/json"}

    answer = await stage.client(Role.GUEST).post(PATH, content=b"{}", headers=headers)

    assert code(answer) == (413, "TOO_LARGE")


async def test_a_body_past_its_cap_is_refused_as_it_comes(stage: Stage) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(64):
            sent += 1
            yield b" " * 1024 * 1024

    headers = {"Content-Type": "application/json"}
    answer = await stage.client(Role.GUEST).post(PATH, content=endless(), headers=headers)

    assert code(answer) == (413, "TOO_LARGE")
    assert sent <= 64


async def test_unknown_paths_and_methods_are_refused_in_the_one_shape(stage: Stage) -> None:
    client = stage.client(Role.GUEST)

    assert code(await client.get("/nothing/here")) == (404, "NOT_FOUND")
    assert code(await client.delete(PATH)) == (405, "METHOD_NOT_ALLOWED")
    assert code(await stage.client().get(PATH)) == (401, "UNAUTHENTICATED")


async def test_an_id_of_any_shape_is_merely_not_found(stage: Stage) -> None:
    client = stage.client(Role.GUEST)

    for junk in ("A" * 6000, "a%0d%0aX:1", "%00", "' OR 1=1"):
        assert (await client.get(f"{PATH}/{junk}")).status_code == 404


async def test_what_nobody_foresaw_leaks_nothing(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def explode(*_: Any, **__: Any) -> None:
        raise RuntimeError("SELECT secret FROM users")

    monkeypatch.setattr(GrievanceRepository, "page", explode)

    answer = await stage.client(Role.GUEST).get(PATH)

    assert code(answer) == (500, "INTERNAL_ERROR")
    assert "secret" not in answer.text
    out = capsys.readouterr().out
    assert "RuntimeError" in out
    assert "secret" not in out


async def test_no_request_waits_longer_than_its_deadline(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guarantee 3; the gateway says how long is left."""

    async def hang(*_: Any, **__: Any) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(GrievanceRepository, "page", hang)

    answer = await stage.client(Role.GUEST).get(PATH, headers={"X-Deadline": "0.05"})

    assert code(answer) == (504, "DEADLINE_EXCEEDED")


async def test_every_answer_names_its_request(stage: Stage) -> None:
    client = stage.client(Role.GUEST)

    own = "019cac98-7ac0-7b25-8f6a-3d1e9c4b7a58"
    given = await client.get(PATH, headers={"X-Request-ID": own})
    odd = await client.get(PATH, headers={"X-Request-ID": "odd one"})

    assert given.headers["X-Request-ID"] == own
    assert odd.headers["X-Request-ID"] != "odd one"


async def test_a_trace_goes_through_to_the_event(stage: Stage) -> None:
    """S3-12a; CloudEvents distributed tracing."""
    start_tracing(ratio=0.0, otlp_endpoint=None)
    await stage.client(Role.GUEST).post(
        PATH, json={"description": WATER}, headers={"traceparent": TRACE}
    )

    [envelope] = await stage.envelopes(GrievanceSubmitted)
    assert envelope.traceparent is not None
    assert envelope.traceparent.split("-")[1] == TRACE.split("-")[1]


async def test_requests_are_counted_by_route_and_never_by_path(
    stage: Stage, a_grievance: Filing
) -> None:
    filed = await a_grievance()
    await stage.client(Role.GUEST, "guest-1").get(f"{PATH}/{filed['grievance_id']}")

    metrics = generate_latest().decode()

    assert 'route="/api/v1/grievances/{grievance_id}"' in metrics
    assert filed["grievance_id"] not in metrics


async def test_probes_tell_life_from_readiness(stage: Stage) -> None:
    client = stage.client()

    assert (await client.get("/healthz")).json() == {"status": "alive"}
    ready = await client.get("/readyz")
    assert ready.json()["checks"]["database"] is True


async def test_a_refused_token_and_a_refused_key_are_values_not_secrets(stage: Stage) -> None:
    token = stage.token(Role.GUEST)
    client = stage.client()

    answer = await client.get(PATH, headers={"Authorization": f"Bearer {token[:-4]}AAAA"})

    assert code(answer) == (401, "INVALID_TOKEN")
    assert token[:20] not in answer.text


async def test_headers_that_claim_an_identity_are_nothing(
    stage: Stage, a_grievance: Filing
) -> None:
    """Guarantee: services verify the token themselves."""
    filed = await a_grievance(by="guest-1")
    path = f"{PATH}/{filed['grievance_id']}"
    claims = {"X-User-Id": "guest-1", "X-User-Role": "super_admin", "X-On-Behalf-Of": "guest-1"}

    assert (await stage.client().get(path, headers=claims)).status_code == 401
    stranger = stage.client(Role.GUEST, "guest-2")
    assert (await stranger.get(path, headers=claims)).status_code == 404
