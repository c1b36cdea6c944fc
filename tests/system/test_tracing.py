"""S3-12a: what one request sets going, in whatever service, is one trace."""

from typing import Any

from tests.system.collector import gathering
from tests.system.conftest import Start, settled

TRACED = {"REDRESS_TRACE_RATIO": "1", "OTEL_BSP_SCHEDULE_DELAY": "100"}
WATER = {"description": "The well of ward four has been dry since the road was built."}


async def test_a_request_and_what_comes_of_it_are_one_trace(start: Start) -> None:
    async with gathering() as gathered:
        system = await start(REDRESS_OTLP_ENDPOINT=gathered.url, **TRACED)
        guest = await system.guest()
        assert (await guest.post("/api/v1/grievances", json=WATER)).status_code == 201

        def named(name: str) -> list[dict[str, Any]]:
            return [each for each in gathered.spans() if each["name"] == name]

        async def followed() -> list[dict[str, Any]]:
            """The door's span of the filing, the service's, and one of who heard of it."""
            filed, heard = named("POST grievance"), named("hear grievance.submitted.v1")
            asked = [each["parentSpanId"] for each in filed]
            doors = [each for each in named("POST gateway") if each["spanId"] in asked]
            return [*doors, *filed, heard[0]] if doors and heard else []

        door, service, another = await settled(followed)

    assert "parentSpanId" not in door
    assert service["traceId"] == door["traceId"]
    assert another["traceId"] == door["traceId"]
