"""What the audit log is told of files: what staff read and took away."""

from libs.common.contracts.audit import AuditRecorded
from libs.common.contracts.grievance import GrievanceSubmitted
from libs.common.principal import Role
from libs.common.testing.stage import Stage
from tests.service.files.conftest import lets_in, make_ready, upload
from tests.service.files.test_life import in_filing

CASE = "GRV001"


async def read_by_an_officer(stage: Stage, role: Role, *, restricted: bool | None) -> str:
    """A file whose bytes an officer reads twice and its owner once; None: its case is unheard."""
    lets_in(stage, CASE, Role.GUEST, role)
    async with stage.client(Role.GUEST, "me") as me, stage.client(role) as officer:
        if restricted is None:
            filing = in_filing("photo-1", CASE) | {"owner": "me"}
            file_id = "photo-1"
            assert (await stage.peer("grievance").post("/internal/files", json=filing)).is_success
        else:
            file_id = await upload(me, grievance_id=CASE)
            case = GrievanceSubmitted(
                grievance_id=CASE,
                channel="api",
                filed_by="me",
                has_contact=False,
                file_ids=[file_id],
            )
            await stage.say(case, source="grievance", restricted=restricted)
        path = f"/api/v1/files/{file_id}"
        assert (await officer.get(f"{path}/content")).status_code == 409
        await make_ready(stage, file_id)
        assert (await officer.get(path)).status_code == 200
        assert (await officer.get(f"{path}/content")).status_code == 200
        part = await officer.get(f"/files/{file_id}.jpg", headers={"Range": "bytes=0-9"})
        assert part.status_code == 206
        assert (await me.get(f"{path}/content")).status_code == 200
    return file_id


async def test_bytes_that_staff_read_are_on_record(stage: Stage) -> None:
    """Issue 4, audit: content downloaded by staff; never the owner's own reading."""
    file_id = await read_by_an_officer(stage, Role.INTAKE_OFFICER, restricted=False)

    facts = await stage.said(AuditRecorded)
    said = {(fact.who, fact.act, fact.target, fact.is_restricted) for fact in facts}
    assert said == {("intake_officer-1", "file_read", f"file:{file_id}", False)}
    assert len(facts) == 2
    assert facts[0].details == {"grievance_id": CASE}


async def test_reading_the_file_of_a_seah_case_is_told_to_few(stage: Stage) -> None:
    """Reliability 3 row 43."""
    await read_by_an_officer(stage, Role.SEAH_NATIONAL_OFFICER, restricted=True)

    assert [fact.is_restricted for fact in await stage.said(AuditRecorded)] == [True, True]


async def test_a_case_nobody_told_of_is_taken_for_a_protected_one(stage: Stage) -> None:
    """On doubt, the few."""
    await read_by_an_officer(stage, Role.INTAKE_OFFICER, restricted=None)

    assert [fact.is_restricted for fact in await stage.said(AuditRecorded)] == [True, True]


async def test_what_staff_take_back_is_on_record_and_what_citizens_do_is_not(stage: Stage) -> None:
    for role in (Role.GUEST, Role.INTAKE_OFFICER):
        async with stage.client(role) as client:
            file_id = await upload(client)
            assert (await client.delete(f"/api/v1/files/{file_id}")).status_code == 200

    [fact] = await stage.said(AuditRecorded)
    assert (fact.who, fact.act) == ("intake_officer-1", "file_deleted")
