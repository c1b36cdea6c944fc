"""Which cases whose work reaches: project × organisation × place and what lies below it × own."""

from itertools import product

import pytest

from libs.common.permissions import API_SCOPES, Permission
from libs.common.principal import OBSERVERS, Role, Scope
from libs.common.testing.stage import Stage
from tests.service.grievance.conftest import Filing

OFFICER = Role.SITE_SAFEGUARDS_FOCAL_PERSON
CASES = "/api/v1/grievances"


async def places_seen(stage: Stage, *places: str) -> set[str | None]:
    officer = stage.client(OFFICER, scope=Scope(places=places))
    items = (await officer.get(CASES)).json()["data"]["items"]
    found: set[str | None] = {item["municipality"] for item in items}
    for item in items:
        assert (await officer.get(f"{CASES}/{item['grievance_id']}")).status_code == 200
    return found


async def test_a_place_holds_those_below_it(stage: Stage, a_grievance: Filing) -> None:
    """Issue 4, row scope: the same on both databases, whatever characters a name has."""
    names = [
        "Koshi", "Koshi/Sunsari", "Koshi/Sunsari/Dharan", "धरान", "sunsari", "Koshi2/Sunsari",
        "Koshi_/x", "Koshi%/x",
    ]  # fmt: skip
    for name in names:
        await a_grievance(place={"municipality": name})
    await a_grievance()

    assert await places_seen(stage, "Koshi") == set(names[:5])
    assert await places_seen(stage, "Koshi/Sunsari") == set(names[1:5])
    assert await places_seen(stage, "P1_SUN/Dharan") == set(names[2:4])
    assert await places_seen(stage, "Koshi_") == {"Koshi_/x"}
    assert await places_seen(stage, "Koshi%") == {"Koshi%/x"}
    assert await places_seen(stage, "%") == set()
    assert await places_seen(stage, "सुनसरी", "Koshi2") == {*names[1:5], "Koshi2/Sunsari"}
    assert await places_seen(stage) == {*names, None}


async def test_an_officer_of_an_organisation_sees_its_cases_alone(
    stage: Stage, a_grievance: Filing
) -> None:
    for organisation, project in product(("Road Office", "Water Office"), ("road", "water")):
        await a_grievance(
            role=Role.API_CLIENT, by="key:1", organisation=organisation, project_type=project
        )
    await a_grievance(project_type="road")
    scope = Scope(organisations=("Road Office",))

    async def seen(scope: Scope, **query: str) -> set[tuple[str | None, str]]:
        answer = await stage.client(OFFICER, scope=scope).get(CASES, params=query)
        rows = answer.json()["data"]["items"]
        return {(row["organisation"], row["project_type"]) for row in rows}

    assert await seen(scope) == {("Road Office", "road"), ("Road Office", "water")}
    assert await seen(Scope(("road",), (), ("Road Office",))) == {("Road Office", "road")}
    assert await seen(scope, organisation="Water Office") == set()
    assert await seen(Scope(), organisation="Water Office", project_type="water") == {
        ("Water Office", "water")
    }
    assert (None, "road") in await seen(Scope())


async def test_who_answers_for_a_case_is_said_by_officers_and_keys(
    stage: Stage, a_grievance: Filing
) -> None:
    """Complainants do not decide which officers see their case."""
    body = {"description": "No water in ward 5.", "organisation": "Nobody's"}
    for role in (Role.GUEST, Role.CITIZEN, *OBSERVERS):
        refused = await stage.client(role).post(CASES, json=body)
        code = refused.json()["error"]["code"]
        assert (refused.status_code, code) == (403, "ORGANISATION_NOT_YOURS_TO_NAME")
    assert (await stage.client(Role.INTAKE_OFFICER).post(CASES, json=body)).status_code == 201

    filed = await a_grievance()
    path = f"{CASES}/{filed['grievance_id']}"
    corrected = await stage.client(OFFICER).put(
        path, json={"organisation": "Road Office"}, headers={"If-Match": '"1"'}
    )
    assert corrected.json()["data"]["organisation"] == "Road Office"


async def test_whoever_filed_a_case_sees_it_from_wherever_they_work(
    stage: Stage, a_grievance: Filing
) -> None:
    filed = await a_grievance(role=OFFICER, by="user:7", place={"municipality": "Dharan"})
    elsewhere = Scope(places=("Ilam",))
    path = f"{CASES}/{filed['grievance_id']}"

    assert (await stage.client(OFFICER, "user:7", elsewhere).get(path)).status_code == 200
    assert (await stage.client(OFFICER, "user:8", elsewhere).get(path)).status_code == 404


@pytest.mark.parametrize("role", sorted(OBSERVERS))
async def test_observers_read_a_case_and_change_nothing_of_it(
    stage: Stage, a_grievance: Filing, role: Role
) -> None:
    """domain.md, roles: a route that only acts is not for them; one step is refused by the rule."""
    filed = await a_grievance()
    path = f"{CASES}/{filed['grievance_id']}"
    observer = stage.client(role)
    version = {"If-Match": '"1"'}

    for what in ("", "/status", "/history", "/notes"):
        assert (await observer.get(f"{path}{what}")).status_code == 200
    answers = [
        await observer.put(path, json={"ward": 3}, headers=version),
        await observer.put(f"{path}/status", json={"status": "acknowledged"}, headers=version),
        await observer.post(f"{path}/notes", json={"text": "x"}),
        await observer.post(f"{path}/actions", json={"action": "acknowledge"}, headers=version),
    ]

    found = [(answer.status_code, answer.json()["error"]["code"]) for answer in answers]
    assert found == [(403, "FORBIDDEN")] * 3 + [(403, "ACTION_NOT_ALLOWED")]


async def test_a_key_sees_and_does_what_it_was_made_for(stage: Stage, a_grievance: Filing) -> None:
    """Issue 4, API keys: scopes are enforced."""
    filed = await a_grievance(role=Role.API_CLIENT, by="key:1")
    path = f"{CASES}/{filed['grievance_id']}"

    async def asked(*scopes: str) -> list[int]:
        client = stage.client(Role.API_CLIENT, "key:1", scopes=scopes)
        answers = [
            await client.get(path),
            await client.get(CASES),
            await client.post(CASES, json={"description": "No water in ward 5."}),
            await client.get("/api/v1/categories"),
        ]
        return [answer.status_code for answer in answers]

    assert await asked() == [403] * 4
    assert await asked("events:read", "note:read", "case:correct") == [403] * 4
    assert await asked("case:file") == [403, 403, 201, 403]
    assert await asked("case:read", "category:read") == [200, 200, 403, 200]


async def test_nobody_watches_a_case_with_a_key_that_may_not_read_it(
    stage: Stage, a_grievance: Filing
) -> None:
    """Realtime follows the same rule: `watch` asks for whoever listens."""
    filed = await a_grievance(role=Role.API_CLIENT, by="key:1")

    async def watched(*scopes: str) -> int:
        token = stage.token(Role.API_CLIENT, "key:1", scopes=scopes)
        async with stage.peer("gateway", for_token=token) as gateway:
            answer = await gateway.get(f"/internal/watch/{filed['grievance_id']}")
        return answer.status_code

    others = API_SCOPES - {Permission.CASE_READ}
    assert (await watched("case:read"), await watched(*others)) == (200, 404)
