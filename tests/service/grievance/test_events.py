"""What grievance hears."""

from libs.common.contracts.files import FileReady, FileRejected
from libs.common.contracts.grievance import GrievanceClassified
from libs.common.contracts.tasks import TaskClassified
from libs.common.contracts.users import UserLinked
from libs.common.events import Envelope
from libs.common.principal import Role
from libs.common.testing.stage import Stage, until
from tests.service.grievance.conftest import HARASSED, Filing

OFFICER = Role.INTAKE_OFFICER


def classified(grievance_id: str) -> TaskClassified:
    return TaskClassified(
        grievance_id=grievance_id,
        task_id="t-1",
        language="en",
        categories=["ACCESS_WATER", "WATER_SOURCE"],
        engine="offline-1",
    )


def with_result(stage: Stage) -> None:
    stage.peers.answers["GET tasks /internal/tasks/t-1/result"] = {
        "language": "en",
        "categories": ["ACCESS_WATER", "WATER_SOURCE"],
        "summary": "No water in ward 5.",
        "engine": "offline-1",
    }


FILES = ["019cac98-8b10-7a52-8c3f-1e9d4b7a6f20", "019cac98-8b10-7a52-8c3f-1e9d4b7a6f21"]


async def read(stage: Stage, grievance_id: str) -> dict[str, object]:
    answer = await stage.client(OFFICER).get(f"/api/v1/grievances/{grievance_id}")
    data: dict[str, object] = answer.json()["data"]
    return data


async def test_a_classification_is_kept_as_a_suggestion(stage: Stage, a_grievance: Filing) -> None:
    """S1-21; issue B5."""
    filed = await a_grievance()
    with_result(stage)

    await stage.say(classified(filed["grievance_id"]), source="tasks")

    data = await read(stage, filed["grievance_id"])
    assert data["classification_status"] == "suggested"
    assert data["categories"] == ["ACCESS_WATER", "WATER_SOURCE"]
    assert data["summary"] == "No water in ward 5."
    assert len(await stage.said(GrievanceClassified)) == 1


async def test_a_suggestion_never_overwrites_a_person(stage: Stage, a_grievance: Filing) -> None:
    filed = await a_grievance()
    with_result(stage)
    await stage.client(OFFICER).put(
        f"/api/grievances/{filed['grievance_id']}", json={"categories": ["FIRE"]}
    )

    await stage.say(classified(filed["grievance_id"]), source="tasks")

    assert (await read(stage, filed["grievance_id"]))["categories"] == ["FIRE"]


async def test_a_redelivered_event_changes_nothing(stage: Stage, a_grievance: Filing) -> None:
    filed = await a_grievance()
    with_result(stage)
    envelope = Envelope.of(classified(filed["grievance_id"]), source="tasks")

    for _ in range(3):
        await stage.publish(envelope)

    async def drained() -> bool:
        return await stage.bus.depth("grievance") == 0

    await until(drained)
    assert len(await stage.said(GrievanceClassified)) == 1


async def test_a_classification_of_no_case_of_ours_is_parked(stage: Stage) -> None:
    with_result(stage)

    await stage.publish(Envelope.of(classified("GRV-NONE"), source="tasks"))

    async def parked() -> bool:
        return len(await stage.bus.dead("grievance")) == 1

    await until(parked)
    [letter] = await stage.bus.dead("grievance")
    assert letter.reason == "GRIEVANCE_NOT_FOUND"


async def test_what_a_seah_case_causes_is_restricted(stage: Stage, a_grievance: Filing) -> None:
    filed = await a_grievance(HARASSED)
    with_result(stage)

    await stage.say(classified(filed["grievance_id"]), source="tasks", restricted=True)

    [envelope] = await stage.envelopes(GrievanceClassified)
    assert envelope.restricted


async def test_the_contact_leaves_the_case_once_the_vault_has_it(
    stage: Stage, a_grievance: Filing
) -> None:
    """Design 3: the contact is sealed in the case and moved to users by event."""
    filed = await a_grievance(contact={"name": "Sita", "phone_number": "9812345678"})
    path = f"/internal/grievances/{filed['grievance_id']}/contact"
    users = stage.peer("users")
    assert (await users.get(path)).json()["data"]["phone_number"] == "+9779812345678"

    await stage.say(UserLinked(grievance_id=filed["grievance_id"], user_id=7), source="users")

    assert (await users.get(path)).status_code == 404
    assert (await read(stage, filed["grievance_id"]))["contact_status"] == "unavailable"
    stage.peers.answers["GET users /internal/users/7/contact"] = {
        "name_masked": "S***",
        "phone_masked": "+97798****5678",
    }
    assert (await read(stage, filed["grievance_id"]))["contact"] == {
        "name": "S***",
        "phone_number": "+97798****5678",
    }


async def test_a_case_knows_what_became_of_its_files(stage: Stage, a_grievance: Filing) -> None:
    filed = await a_grievance(file_ids=FILES)
    ids = {"grievance_id": filed["grievance_id"]}

    await stage.say(FileReady(file_id=FILES[0], **ids), source="files")
    await stage.say(FileRejected(file_id=FILES[1], reason="CORRUPT_FILE", **ids), source="files")

    assert (await read(stage, filed["grievance_id"]))["files"] == [
        {"file_id": FILES[0], "status": "ready"},
        {"file_id": FILES[1], "status": "rejected"},
    ]


async def test_files_asks_who_may_see_a_case(stage: Stage, a_grievance: Filing) -> None:
    filed = await a_grievance(by="guest-1")
    path = f"/internal/grievances/{filed['grievance_id']}/access"

    async def asked(role: Role, subject: str) -> tuple[int, str | None]:
        token = stage.token(role, subject)
        answer = await stage.peer("files", for_token=token).get(path)
        return answer.status_code, (answer.json().get("data") or {}).get("access")

    assert await asked(Role.GUEST, "guest-1") == (200, "owner")
    assert await asked(OFFICER, "officer-1") == (200, "officer")
    assert await asked(Role.GUEST, "guest-2") == (404, None)
    assert (await stage.peer("files").get(path)).status_code == 404
