"""Issue 4, must show 5, within grievance: the case of somebody erased is a case of nobody."""

from typing import Any

import httpx2
from sqlalchemy import select

from libs.common.contracts.files import FileReady
from libs.common.contracts.grievance import GrievanceErased
from libs.common.contracts.tasks import TaskClassified
from libs.common.contracts.users import UserErased, UserLinked, UserMerged
from libs.common.principal import Role
from libs.common.testing.stage import Stage
from services.grievance.models import Grievance, Party
from tests.service.grievance.conftest import HARASSED, WATER, Filing

USER = 12
CONTACT = {"name": "Sita Sharma", "phone_number": "9812345678"}


async def read(stage: Stage, case: str) -> httpx2.Response:
    return await stage.client(Role.INTAKE_OFFICER).get(f"/api/v1/grievances/{case}")


async def shown(stage: Stage, case: str) -> dict[str, Any]:
    found: dict[str, Any] = (await read(stage, case)).json()["data"]
    return found


async def linked(stage: Stage, a_grievance: Filing, **more: Any) -> str:
    place = {"municipality": "Dharan", "text": "a well"}
    filed = await a_grievance(contact=CONTACT, place=place, **more)
    case = str(filed["grievance_id"])
    await stage.say(UserLinked(grievance_id=case, user_id=USER), source="users")
    return case


async def test_the_words_of_somebody_erased_are_gone_and_the_place_stays(
    stage: Stage, a_grievance: Filing
) -> None:
    case = await linked(stage, a_grievance)
    officer = stage.client(Role.INTAKE_OFFICER)
    await officer.post(f"/api/v1/grievances/{case}/notes", json={"text": "Sita called."})

    await stage.say(UserErased(user_id=USER), source="users")

    found = await shown(stage, case)
    assert [found[name] for name in ("description", "place", "summary")] == [None] * 3
    assert (found["erased"], found["contact_status"], found["contact"]) == (True, "erased", None)
    assert found["municipality"] == "Dharan"
    notes = (await officer.get(f"/api/v1/grievances/{case}/notes")).json()["data"]
    assert [note["text"] for note in notes] == [None]
    assert [fact.grievance_id for fact in await stage.said(GrievanceErased)] == [case]


async def test_officers_go_on_with_a_case_of_nobody(stage: Stage, a_grievance: Filing) -> None:
    case = await linked(stage, a_grievance)
    await stage.say(UserErased(user_id=USER), source="users")
    officer, path = stage.client(Role.INTAKE_OFFICER), f"/api/v1/grievances/{case}"

    etag = {"If-Match": (await read(stage, case)).headers["ETag"]}
    summary = {"categories": ["ACCESS_WATER"], "summary": "A pump."}
    assert (await officer.put(path, json=summary, headers=etag)).status_code == 200
    etag = {"If-Match": (await read(stage, case)).headers["ETag"]}
    step = {"action": "acknowledge", "notes": "Asked."}
    assert (await officer.post(f"{path}/actions", json=step, headers=etag)).status_code == 200
    for text in ("One.", "Two."):
        await officer.post(f"{path}/notes", json={"text": text})

    notes = (await officer.get(f"{path}/notes")).json()["data"]
    history = (await officer.get(f"{path}/history")).json()["data"]
    assert [note["text"] for note in notes] == ["One.", "Two."]
    assert history[-1]["notes"] == "Asked."
    assert (await shown(stage, case))["summary"] == "A pump."


async def test_a_case_filed_when_signed_in_is_theirs_without_a_contact(
    stage: Stage, a_grievance: Filing
) -> None:
    filed = await a_grievance(by=f"user:{USER}", role=Role.CITIZEN)
    other = await a_grievance(by="user:99", role=Role.CITIZEN)

    await stage.say(UserErased(user_id=USER), source="users")

    assert (await shown(stage, filed["grievance_id"]))["erased"]
    assert (await shown(stage, other["grievance_id"]))["description"] == WATER


async def test_who_turns_out_to_be_erased_is_erased_here_as_well(
    stage: Stage, a_grievance: Filing
) -> None:
    """The link was under way when its person was erased."""
    await stage.say(UserErased(user_id=USER), source="users")

    case = await linked(stage, a_grievance)

    assert (await shown(stage, case))["erased"]
    async with stage.uow.read() as tx:
        assert await tx.session.scalar(select(Party.contact)) is None


async def test_who_turns_out_to_be_somebody_erased_is_erased(
    stage: Stage, a_grievance: Filing
) -> None:
    case = await linked(stage, a_grievance)
    await stage.say(UserErased(user_id=99), source="users")

    await stage.say(UserMerged(user_id=USER, into_user_id=99), source="users")

    assert (await shown(stage, case))["erased"]


async def test_what_comes_late_brings_nothing_back(stage: Stage, a_grievance: Filing) -> None:
    case = await linked(stage, a_grievance)
    await stage.say(UserErased(user_id=USER), source="users")
    stage.peers.answers["GET tasks /internal/tasks/t-1/result"] = {
        "language": "en", "categories": ["ACCESS_WATER"], "summary": "Sita has no water.",
        "engine": "rules",
    }  # fmt: skip

    classified = TaskClassified(
        grievance_id=case, task_id="t-1", language="en", categories=["ACCESS_WATER"], engine="rules"
    )
    await stage.say(classified, source="tasks")
    await stage.say(FileReady(file_id="f-1", grievance_id=case), source="files")
    await stage.say(UserLinked(grievance_id=case, user_id=USER), source="users")

    assert (await shown(stage, case))["summary"] is None


async def test_an_access_code_opens_no_case_of_nobody(stage: Stage, a_grievance: Filing) -> None:
    filed = await a_grievance(contact=CONTACT, grievance_id="my-own-name")
    case = filed["grievance_id"]
    await stage.say(UserLinked(grievance_id=case, user_id=USER), source="users")
    await stage.say(UserErased(user_id=USER), source="users")

    body = {"grievance_id": case, "access_code": filed["access_code"]}
    tracked = await stage.client(Role.GUEST).post("/api/v1/grievances/track", json=body)

    assert tracked.status_code == 404
    async with stage.uow.read() as tx:
        found = await tx.session.get_one(Grievance, case)
    assert (found.client_reference, found.client_reference_index) == (None, None)
    assert found.access_code == b""


async def test_an_answer_that_was_kept_goes_with_its_case(
    stage: Stage, a_grievance: Filing
) -> None:
    """design.md 5.5: stored replies, whoever asked."""
    case = await linked(stage, a_grievance)
    officer = stage.client(Role.INTAKE_OFFICER)
    note, keyed = {"text": "Sita called."}, {"Idempotency-Key": "once"}
    path = f"/api/v1/grievances/{case}/notes"
    assert (await officer.post(path, json=note, headers=keyed)).status_code == 201
    await stage.say(UserErased(user_id=USER), source="users")

    again = await officer.post(path, json=note, headers=keyed)

    assert (again.status_code, again.json()["error"]["code"]) == (410, "REPLY_ERASED")


async def test_whoever_was_erased_a_moment_ago_files_nothing(stage: Stage) -> None:
    """Their token is refused within seconds; until then it is good for nothing new."""
    await stage.say(UserErased(user_id=USER), source="users")

    client = stage.client(Role.CITIZEN, f"user:{USER}")
    refused = await client.post("/api/v1/grievances", json={"description": WATER})

    assert (refused.status_code, refused.json()["error"]["code"]) == (410, "ERASED")


async def test_what_is_held_on_somebody_has_no_notes_and_names_no_staff(
    stage: Stage, a_grievance: Filing
) -> None:
    """S4-18."""
    case = await linked(stage, a_grievance, grievance_id="my-own-name")
    officer = stage.client(Role.INTAKE_OFFICER, "user:77")
    await officer.post(f"/api/v1/grievances/{case}/notes", json={"text": "She sounds angry."})

    answer = await stage.peer("tasks").get(f"/internal/people/{USER}/export")

    [held] = answer.json()["data"]["held"]["cases"]
    assert (held["grievance_id"], held["description"], held["place"]) == (case, WATER, "a well")
    assert held["client_reference"] == "my-own-name"
    assert "angry" not in answer.text
    assert "user:77" not in answer.text


async def test_a_case_staff_filed_for_somebody_outlives_the_staff(
    stage: Stage, a_grievance: Filing
) -> None:
    """Issue 4: an officer who left is erased, and not the people who complained to them."""
    filed = await a_grievance(by=f"user:{USER}", role=Role.INTAKE_OFFICER, contact=CONTACT)
    own = await a_grievance(by=f"user:{USER}", role=Role.CITIZEN)
    held = await stage.peer("tasks").get(f"/internal/people/{USER}/export")

    await stage.say(UserErased(user_id=USER), source="users")

    assert (await shown(stage, filed["grievance_id"]))["description"] == WATER
    assert (await shown(stage, own["grievance_id"]))["erased"]
    named = [case["grievance_id"] for case in held.json()["data"]["held"]["cases"]]
    assert named == [own["grievance_id"]]


async def test_a_restricted_case_is_handed_to_who_filed_it_and_not_to_a_phone(
    stage: Stage, a_grievance: Filing
) -> None:
    """Reliability 3 row 43: whoever answers a number named in a SEAH case may be anybody."""
    named = await a_grievance(HARASSED, contact=CONTACT)
    own = await a_grievance(HARASSED, by=f"user:{USER}", role=Role.CITIZEN)
    said = UserLinked(grievance_id=named["grievance_id"], user_id=USER)
    await stage.say(said, source="users", restricted=True)

    held = await stage.peer("tasks").get(f"/internal/people/{USER}/export")

    cases = held.json()["data"]["held"]["cases"]
    assert [case["grievance_id"] for case in cases] == [own["grievance_id"]]
