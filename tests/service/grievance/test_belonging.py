"""Where cases belong: sealed, found by blind indexes, and in step whoever writes."""

from itertools import product
from typing import Any

import pytest
from sqlalchemy import delete, func, select

from libs.common.contracts.users import UserErased, UserLinked
from libs.common.principal import Principal, Role, Scope, is_within
from libs.common.testing.stage import Stage
from libs.language.locating import path_of
from services.grievance.models import GROUND, CaseWord, Grievance
from services.grievance.repository.seeing import Filters, newest_seen
from tests.service.grievance.conftest import HARASSED, Filing

EVERYWHERE = Scope()
WORDS = "SEARCH case_words USING PRIMARY KEY (word=?)"
OWN = "SEARCH grievances USING INDEX ix_grievances_filed_by_newest (filed_by=?)"
OFFICER = Role.SITE_SAFEGUARDS_FOCAL_PERSON
CASES = "/api/v1/grievances"
PLACES = (
    "P1", "P10", "P1/P1_MOR", "P1/P1_MOR/7", "P10/P1_MOR", "p1", "P1_MOR", "P_/x", "P%/x", "P1//x",
    "P1/", "/P1", "%", "कोशी", "कोशी/सुनसरी/धरान", "कोशी २/सुनसरी", None,
)  # fmt: skip
SCOPES = (
    ("P1",), ("P1/P1_MOR",), ("P1/P1_MOR", "P1/P1_MOR/7"), ("P10", "p1"), ("P_",), ("P%",), ("%",),
    ("_1",), ("P1/",), ("/",), ("कोशी",), ("कोशी/सुनसरी", "P10"), ("nowhere",), (),
)  # fmt: skip


async def listed(
    stage: Stage,
    scope: Scope = EVERYWHERE,
    *,
    role: Role = OFFICER,
    by: str = "user:9",
    **query: Any,
) -> list[str]:
    """The cases of a list, in its order, gone through to its end by pages of three."""
    client, found, cursor = stage.client(role, by, scope), [], None
    while True:
        params = query | {"limit": 3} | ({"cursor": cursor} if cursor else {})
        answer = await client.get(CASES, params=params)
        assert answer.status_code == 200, answer.text
        page = answer.json()["data"]
        found += [item["grievance_id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            return found


async def words_of(stage: Stage, case: str) -> int:
    async with stage.uow.read() as tx:
        query = select(func.count()).where(CaseWord.grievance_id == case)
        return int(await tx.session.scalar(query) or 0)


async def test_a_list_and_a_case_say_what_the_rule_says(stage: Stage, a_grievance: Filing) -> None:
    """Every place by every scope: however it is written, and nothing is a pattern."""
    filed = {
        place: (await a_grievance(place={"municipality": place}))["grievance_id"]
        for place in PLACES
    }
    for places in SCOPES:
        wide = [path_of(place, widest=True) for place in places]
        expected = {
            case
            for place, case in filed.items()
            if not places or (place is not None and is_within(path_of(place), wide))
        }
        scope = Scope(places=places)
        client = stage.client(OFFICER, "user:9", scope)
        read = {
            case
            for case in filed.values()
            if (await client.get(f"{CASES}/{case}")).status_code == 200
        }
        found = await listed(stage, scope)
        assert (places, set(found), len(found)) == (places, expected, len(expected))
        assert (places, read) == (places, expected)


async def test_filters_and_scopes_narrow_each_other_whichever_is_read_along(
    stage: Stage, a_grievance: Filing
) -> None:
    parts = list(product(("road", "water"), ("Road Office", None), ("Koshi", "Koshi/Sunsari")))
    filed = []
    for project, organisation, place in parts:
        more = {"organisation": organisation} if organisation else {}
        body = more | {"project_type": project, "place": {"municipality": place}}
        filed.append((await a_grievance(role=Role.API_CLIENT, by="key:1", **body))["grievance_id"])
    case = dict(zip(parts, filed, strict=True))

    sunsari = Scope(places=("Koshi/Sunsari",))
    both = Scope(("road",), ("Koshi",), ("Road Office",))
    newest = filed[::-1]
    assert await listed(stage, both) == [
        case["road", "Road Office", place] for place in ("Koshi/Sunsari", "Koshi")
    ]
    assert await listed(stage, sunsari, project_type="water") == [
        each for each in newest if each in {case["water", who, "Koshi/Sunsari"] for who in
                                            ("Road Office", None)}
    ]  # fmt: skip
    assert await listed(stage, municipality="Koshi") == [
        each for each in newest if each in {c for (_, _, place), c in case.items()
                                            if place == "Koshi"}
    ]  # fmt: skip
    assert await listed(stage, sunsari, municipality="Koshi") == []
    assert await listed(stage, Scope(("road",)), organisation="Road Office", status="pending") == [
        case["road", "Road Office", place] for place in ("Koshi/Sunsari", "Koshi")
    ]
    assert await listed(stage, both, status="closed") == []
    assert await listed(stage, project_type="roa") == []
    key = {"municipality": "Koshi", "project_type": "road"}
    assert await listed(stage, EVERYWHERE, role=Role.API_CLIENT, by="key:1", **key) == [
        case["road", None, "Koshi"], case["road", "Road Office", "Koshi"],
    ]  # fmt: skip
    assert await listed(stage, role=Role.CITIZEN, by="user:8", municipality="Koshi") == []


async def test_what_an_officer_sees_in_two_ways_is_listed_once(
    stage: Stage, a_grievance: Filing
) -> None:
    """Filed by them, and in two places of theirs of which one lies in the other."""
    filed = [
        (await a_grievance(role=OFFICER, by="user:9", place={"municipality": place}))[
            "grievance_id"
        ]
        for place in ("Koshi/Sunsari", "Bagmati", "Koshi/Sunsari")
    ]
    seah = await a_grievance(HARASSED, place={"municipality": "Koshi"})
    scope = Scope(places=("Koshi", "Koshi/Sunsari"))

    assert await listed(stage, scope) == filed[::-1]
    assert await listed(stage, scope, role=Role.SEAH_HQ_OFFICER) == [seah["grievance_id"]]
    assert await listed(stage, Scope(places=("Bagmati",)), role=Role.SEAH_HQ_OFFICER) == []


async def test_a_correction_moves_a_case_from_scope_to_scope(
    stage: Stage, a_grievance: Filing
) -> None:
    case = (await a_grievance(project_type="road", place={"municipality": "Koshi/Sunsari"}))[
        "grievance_id"
    ]
    sunsari, ilam = Scope(("road",), ("Sunsari",)), Scope(("road",), ("Ilam",))
    path, version = f"{CASES}/{case}", {"If-Match": '"1"'}

    moved = await stage.client(OFFICER, "user:9", sunsari).put(
        path, json={"municipality": "Ilam/Mai"}, headers=version
    )

    assert moved.status_code == 200, moved.text
    shown = moved.json()["data"]
    assert (shown["municipality"], shown["project_type"]) == ("Ilam/Mai", "road")
    assert moved.headers["ETag"] == '"2"'
    assert (await stage.client(OFFICER, "user:9", sunsari).get(path)).status_code == 404
    assert (await listed(stage, sunsari), await listed(stage, ilam)) == ([], [case])
    within = ("Koshi", "Koshi/Ilam", "Koshi/Ilam/Mai")
    assert await words_of(stage, case) == len(("road", "Koshi/Ilam/Mai", *within))
    seed = await stage.client(OFFICER, "user:9", ilam).put(
        f"/api/grievances/{case}/", json={"municipality": "Koshi"}
    )
    assert (seed.status_code, seed.json()["data"]["municipality"]) == (200, "Koshi")


async def test_a_place_has_eight_levels_at_most(stage: Stage, a_grievance: Filing) -> None:
    """Each is a row: nobody has a case be a hundred."""
    deep = "/".join("abcdefgh")
    filed = await a_grievance(place={"municipality": deep})
    body = {"description": "No water.", "place": {"municipality": f"{deep}/i"}}

    refused = await stage.client(Role.GUEST).post(CASES, json=body)

    assert refused.status_code == 422
    assert await listed(stage, Scope(places=("a/b/c",))) == [filed["grievance_id"]]


async def test_a_refused_correction_moves_nothing(stage: Stage, a_grievance: Filing) -> None:
    case = (await a_grievance(place={"municipality": "Koshi"}))["grievance_id"]
    body = {"municipality": "Ilam", "categories": ["ACCESS_WATER"]}

    stale = await stage.client(OFFICER).put(
        f"{CASES}/{case}", json=body, headers={"If-Match": '"7"'}
    )

    assert stale.status_code == 412
    assert await listed(stage, Scope(places=("Koshi",))) == [case]
    assert await listed(stage, Scope(places=("Ilam",))) == []


async def test_officers_of_its_place_go_on_with_a_case_of_nobody(
    stage: Stage, a_grievance: Filing
) -> None:
    """ADR 18: where a case belongs stays when its complainant is forgotten."""
    place = {"municipality": "Koshi/Sunsari", "text": "a well"}
    filed = await a_grievance(project_type="road", place=place, contact={"name": "Sita"})
    case, scope = filed["grievance_id"], Scope(("road",), ("Koshi",))
    await stage.say(UserLinked(grievance_id=case, user_id=7), source="users")
    await stage.say(UserErased(user_id=7), source="users")
    officer = stage.client(OFFICER, "user:9", scope)

    found = (await officer.get(f"{CASES}/{case}")).json()["data"]
    moved = await officer.put(
        f"{CASES}/{case}", json={"organisation": "Road Office"}, headers={"If-Match": '"3"'}
    )

    assert (found["erased"], found["place"], found["municipality"]) == (
        True, None, "Koshi/Sunsari",
    )  # fmt: skip
    assert moved.status_code == 200, moved.text
    assert await listed(stage, Scope(organisations=("Road Office",))) == [case]
    assert await listed(stage, scope) == [case]


async def test_where_a_case_belongs_lies_nowhere_in_plaintext(
    stage: Stage, a_grievance: Filing
) -> None:
    """Guarantee 5: rows, the event log, the audit's facts and kept answers."""
    said = ("quetzalproject", "Quetzal Office", "Quetzaltown", "Quetzalcorner")
    more = {"project_type": said[0], "organisation": said[1], "place": {"municipality": said[2]}}
    filed = await a_grievance(role=OFFICER, by="user:9", **more)
    corrected = await stage.client(OFFICER).put(
        f"{CASES}/{filed['grievance_id']}",
        json={"municipality": said[3]},
        headers={"If-Match": '"1"', "Idempotency-Key": "once"},
    )
    assert corrected.json()["data"]["municipality"] == said[3]

    tables = (Grievance.__table__, CaseWord.__table__, GROUND.outbox, GROUND.idempotency_keys)
    async with stage.uow.read() as tx:
        rows = [
            bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()
            for table in tables
            for row in await tx.session.execute(select(table))
            for value in row
        ]
        case = await tx.session.get_one(Grievance, filed["grievance_id"])
    assert case.municipality
    assert [word for word in said for value in rows if word.encode().lower() in value.lower()] == []


async def test_the_words_of_a_case_go_with_its_row(stage: Stage, a_grievance: Filing) -> None:
    case = (await a_grievance(place={"municipality": "Koshi/Sunsari"}))["grievance_id"]
    before = await words_of(stage, case)
    async with stage.uow.begin() as tx:
        for table in GROUND.data_keys.metadata.sorted_tables[::-1]:
            if "grievance_id" in table.c and table.name not in {"grievances", "case_words"}:
                await tx.session.execute(delete(table).where(table.c.grievance_id == case))
        await tx.session.execute(delete(Grievance).where(Grievance.grievance_id == case))

    assert (before, await words_of(stage, case)) == (4, 0)


@pytest.mark.parametrize(
    ("role", "scope", "filters", "along"),
    [
        (OFFICER, Scope(places=("Koshi",)), Filters(), WORDS),
        (OFFICER, Scope(places=("Koshi", "Ilam")), Filters(project_type="road"), WORDS),
        (OFFICER, Scope(("road",)), Filters(municipality="Koshi"), WORDS),
        (OFFICER, Scope(), Filters(organisation="Road Office"), WORDS),
        (Role.CITIZEN, Scope(), Filters(project_type="road"), OWN),
    ],
)
async def test_a_list_of_few_is_read_along_those(
    stage: Stage, role: Role, scope: Scope, filters: Filters, along: str
) -> None:
    """SQLite says its plan whatever is in the tables; `bench/scopes.py` shows PostgreSQL's."""
    if not stage.uow.database.is_sqlite:
        pytest.skip("PostgreSQL plans by what is there")
    page = newest_seen(
        Principal("user:9", role, scope), filters, stage.uow.keys.blind, after=None, limit=50
    )
    async with stage.uow.read() as tx:
        connection = await tx.session.connection()
        compiled = page.compile(
            dialect=connection.dialect, compile_kwargs={"render_postcompile": True}
        )
        given = tuple(compiled.params[name] for name in compiled.positiontup or ())
        rows = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}", given)
        plan = [str(row[-1]) for row in rows]

    assert along in plan
    assert [step for step in plan if step.startswith(("SCAN grievances", "SCAN case_words"))] == []
