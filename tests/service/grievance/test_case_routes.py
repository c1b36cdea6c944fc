"""Lists, one case, corrections, notes (S0-12…15, S1-28)."""

import pytest

from libs.common.contracts.grievance import GrievanceClassified, GrievanceNoteAdded
from libs.common.principal import Role, Scope
from libs.common.testing.stage import Stage
from tests.service.grievance.conftest import HARASSED, WATER, Filing

OFFICER = Role.SITE_SAFEGUARDS_FOCAL_PERSON


async def test_a_list_carries_no_names_and_no_texts(stage: Stage, a_grievance: Filing) -> None:
    await a_grievance(contact={"name": "Sita Sharma", "phone_number": "9812345678"})

    answer = await stage.client(OFFICER).get("/api/v1/grievances")

    assert len(answer.json()["data"]["items"]) == 1
    assert "Sita" not in answer.text
    assert "water" not in answer.text


async def test_pages_follow_each_other_and_miss_nothing(stage: Stage, a_grievance: Filing) -> None:
    filed = [(await a_grievance())["grievance_id"] for _ in range(5)]
    seen: list[str] = []
    cursor = None

    for _ in range(3):
        params = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = (await stage.client(OFFICER).get("/api/v1/grievances", params=params)).json()["data"]
        seen += [row["grievance_id"] for row in page["items"]]
        cursor = page["next_cursor"]

    assert seen == filed[::-1]
    assert cursor is None


async def test_a_list_is_narrowed_by_its_filters(stage: Stage, a_grievance: Filing) -> None:
    """S1-28: search_grievances(status, municipality, date_from)."""
    await a_grievance(place={"municipality": "Dharan"}, project_type="road")
    await a_grievance(place={"municipality": "Damak"})

    async def count(**params: str) -> int:
        answer = await stage.client(OFFICER).get("/api/v1/grievances", params=params)
        assert answer.status_code == 200, answer.text
        return len(answer.json()["data"]["items"])

    assert await count(municipality="Dharan") == 1
    assert await count(project_type="road") == 1
    assert await count(status="submitted") == 2
    assert await count(status="closed") == 0
    assert await count(date_from="2000-01-01T00:00:00+05:45") == 2
    assert await count(date_to="2000-01-01T00:00:00Z") == 0
    assert await count(level="1") == 2


@pytest.mark.parametrize(
    "query",
    [
        "limit=-1",
        "limit=1000000000",
        "offset=9223372036854775808",
        "cursor=%ff%00zz",
        "cursor=garbage",
        "sort=secret",
        "date_from=2026-02-29",
        "date_from=2026-01-01T25:00:00Z",
        "date_from=10000-01-01T00:00:00Z",
        "date_from=2026-01-01T00:00:00%2B14:61",
        "date_from=2026-01-01T00:00:00",
        "status=nonsense",
        "status=%00",
        "category=NOPE",
        "level=5",
    ],
)
async def test_a_malformed_query_is_refused(stage: Stage, query: str) -> None:
    answer = await stage.client(OFFICER).get(f"/api/v1/grievances?{query}")

    assert answer.status_code == 422
    assert answer.json()["status"] == "error"


async def test_an_officer_sees_their_own_scope(stage: Stage, a_grievance: Filing) -> None:
    filed = await a_grievance(place={"municipality": "Dharan"}, project_type="road")
    path = f"/api/v1/grievances/{filed['grievance_id']}"

    for scope, status in (
        (Scope(("road",), ("Dharan",)), 200),
        (Scope(("dam",)), 404),
        (Scope((), ("Damak",)), 404),
    ):
        assert (await stage.client(OFFICER, scope=scope).get(path)).status_code == status


async def test_what_is_not_yours_does_not_exist(stage: Stage, a_grievance: Filing) -> None:
    """Guarantee 7: 404, and not 403."""
    filed = await a_grievance(by="guest-1")
    path = f"/api/v1/grievances/{filed['grievance_id']}"

    mine = await stage.client(Role.GUEST, "guest-1").get(path)
    theirs = await stage.client(Role.GUEST, "guest-2").get(path)
    random = await stage.client(Role.GUEST, "guest-2").get("/api/v1/grievances/GRV-2026-AAAAAA-0")

    assert mine.json()["data"]["description"] == WATER
    assert (theirs.status_code, theirs.json()["error"]["code"]) == (404, "GRIEVANCE_NOT_FOUND")
    assert theirs.json()["error"]["message"] == random.json()["error"]["message"]


@pytest.mark.parametrize(
    ("role", "sees"),
    [
        (OFFICER, False),
        (Role.PROJECT_ADMIN, False),
        (Role.SUPER_ADMIN, False),
        (Role.AUDITOR, False),
        (Role.SEAH_NATIONAL_OFFICER, True),
        (Role.SEAH_HQ_OFFICER, True),
        (Role.ADB_HQ_EXEC, True),
    ],
)
async def test_a_seah_case_does_not_exist_for_everybody_else(
    stage: Stage, a_grievance: Filing, role: Role, sees: bool
) -> None:
    filed = await a_grievance(HARASSED)
    path = f"/api/v1/grievances/{filed['grievance_id']}"
    client = stage.client(role)

    assert (await client.get(path)).status_code == (200 if sees else 404)
    listed = (await client.get("/api/v1/grievances")).json()["data"]["items"]
    assert bool(listed) is sees
    for suffix in ("/history", "/status", "/notes"):
        assert (await client.get(path + suffix)).status_code == (200 if sees else 404)


async def test_seah_officers_work_seah_cases_only(stage: Stage, a_grievance: Filing) -> None:
    filed = await a_grievance()

    answer = await stage.client(Role.SEAH_HQ_OFFICER).get(
        f"/api/v1/grievances/{filed['grievance_id']}"
    )

    assert answer.status_code == 404


async def test_an_officer_sees_the_contact_masked(stage: Stage, a_grievance: Filing) -> None:
    filed = await a_grievance(contact={"name": "Sita Sharma", "phone_number": "9812345678"})

    data = (await stage.client(OFFICER).get(f"/api/v1/grievances/{filed['grievance_id']}")).json()[
        "data"
    ]

    assert data["contact"] == {"name": "S*** S***", "phone_number": "+97798****5678"}
    assert data["contact_status"] == "masked"


async def test_an_officer_confirms_the_categories(stage: Stage, a_grievance: Filing) -> None:
    filed = await a_grievance()
    path = f"/api/v1/grievances/{filed['grievance_id']}"
    client = stage.client(OFFICER)
    etag = (await client.get(path)).headers["ETag"]

    answer = await client.put(
        path, json={"categories": ["ACCESS_WATER"]}, headers={"If-Match": etag}
    )

    assert answer.json()["data"]["classification_status"] == "officer_confirmed"
    assert answer.headers["ETag"] != etag
    [fact] = await stage.said(GrievanceClassified)
    assert fact.categories == ["ACCESS_WATER"]
    listed = await client.get("/api/v1/grievances", params={"category": "ACCESS_WATER"})
    assert len(listed.json()["data"]["items"]) == 1


async def test_an_edit_names_the_version_it_was_made_on(stage: Stage, a_grievance: Filing) -> None:
    """Guarantee 4: 428 without If-Match, 412 with a stale one."""
    filed = await a_grievance()
    path = f"/api/v1/grievances/{filed['grievance_id']}"
    client = stage.client(OFFICER)

    async def edit(**headers: str) -> int:
        answer = await client.put(path, json={"municipality": "Dharan"}, headers=headers)
        return answer.status_code

    assert await edit() == 428
    assert await edit(**{"If-Match": '"1"'}) == 200
    assert await edit(**{"If-Match": '"1"'}) == 412
    assert await edit(**{"If-Match": "W/abc"}) == 412


async def test_the_sources_put_takes_no_version(stage: Stage, a_grievance: Filing) -> None:
    filed = await a_grievance()

    answer = await stage.client(OFFICER).put(
        f"/api/grievances/{filed['grievance_id']}/", json={"municipality": "Dharan"}
    )

    assert answer.json()["data"]["municipality"] == "Dharan"


@pytest.mark.parametrize(
    "body",
    [{"grievance_id": "OTHER"}, {"categories": ["NOPE"]}, {"categories": []}, {"status": "closed"}],
)
async def test_a_correction_changes_nothing_else(
    stage: Stage, a_grievance: Filing, body: dict[str, object]
) -> None:
    filed = await a_grievance()

    answer = await stage.client(OFFICER).put(f"/api/grievances/{filed['grievance_id']}", json=body)

    assert answer.status_code == 422


async def test_notes_are_for_staff(stage: Stage, a_grievance: Filing) -> None:
    filed = await a_grievance()
    path = f"/api/v1/grievances/{filed['grievance_id']}/notes"

    made = await stage.client(OFFICER).post(path, json={"text": "Called the plumber."})
    listed = await stage.client(OFFICER).get(path)

    assert made.status_code == 201
    assert [note["text"] for note in listed.json()["data"]] == ["Called the plumber."]
    assert (await stage.client(Role.GUEST, "guest-1").get(path)).status_code == 403
    assert (await stage.client(Role.AUDITOR).post(path, json={"text": "x"})).status_code == 403
    assert len(await stage.said(GrievanceNoteAdded)) == 1


async def test_the_bare_shape_of_the_source(stage: Stage, a_grievance: Filing) -> None:
    """S1-06: GET /grievance/{id}; it asks for a token now (C11)."""
    filed = await a_grievance()
    path = f"/grievance/{filed['grievance_id']}"

    assert (await stage.client().get(path)).status_code == 401
    bare = (await stage.client(Role.GUEST, "guest-1").get(path)).json()
    assert bare["description"] == WATER
    assert set(bare) == {
        "grievance_id", "status", "description", "summary", "categories", "files",
    }  # fmt: skip
