"""The life of a file after the door: its copy, its verdict, its case."""

import base64
import os
import time
from typing import Any

from libs.common.contracts.files import FileDeleted, FileReady, FileReceived, FileRejected
from libs.common.contracts.grievance import GrievanceSubmitted
from libs.common.contracts.tasks import TaskFileProcessed
from libs.common.principal import Role
from libs.common.testing.stage import Stage
from services.files.domain.sweeping import sweep
from tests.service.files.conftest import (
    a_picture,
    form_of,
    lets_in,
    make_ready,
    put_copy,
    stored_files,
    upload,
)


def submitted(grievance_id: str, *file_ids: str, by: str = "guest-1") -> GrievanceSubmitted:
    return GrievanceSubmitted(
        grievance_id=grievance_id,
        channel="api",
        filed_by=by,
        has_contact=False,
        file_ids=list(file_ids),
    )


def in_filing(
    file_id: str = "photo-1", grievance_id: str = "GRV001", **more: Any
) -> dict[str, Any]:
    body = {
        "file_id": file_id,
        "grievance_id": grievance_id,
        "file_type": "image",
        "file_name": "photo.jpg",
        "file_data": base64.b64encode(a_picture()).decode(),
        "owner": "guest-1",
    }
    return body | more


async def test_a_processed_file_is_ready_and_its_original_stays(stage: Stage) -> None:
    async with stage.client(Role.GUEST) as guest:
        file_id = await upload(guest)
        await make_ready(stage, file_id)
        found = (await guest.get(f"/api/v1/files/{file_id}")).json()["data"]

    assert found["status"] == "ready"
    assert [fact.file_id for fact in await stage.said(FileReady)] == [file_id]
    assert stored_files(stage) == [
        f"images/unattached/{file_id}.jpg",
        f"working/unattached/{file_id}.jpg",
    ]


async def test_a_refused_file_is_told_of_and_its_bytes_are_gone(stage: Stage) -> None:
    async with stage.client(Role.GUEST) as guest:
        file_id = await upload(guest)
        await stage.say(TaskFileProcessed(file_id=file_id, task_id="t", outcome="CORRUPT_FILE"))
        found = (await guest.get(f"/api/v1/files/{file_id}")).json()["data"]
        content = await guest.get(f"/api/v1/files/{file_id}/content")

    assert (found["status"], found["reason"]) == ("rejected", "CORRUPT_FILE")
    assert (content.status_code, content.json()["error"]["code"]) == (410, "FILE_REJECTED")
    assert [fact.reason for fact in await stage.said(FileRejected)] == ["CORRUPT_FILE"]
    assert stored_files(stage) == []


async def test_a_late_attempt_does_not_overwrite_a_later_one(stage: Stage) -> None:
    async with stage.client(Role.GUEST) as guest:
        file_id = await upload(guest)
        assert (await put_copy(stage, file_id, a_picture(5, 5), attempt=2)).status_code == 200
        late = await put_copy(stage, file_id, a_picture(6, 6), attempt=1)
        await stage.say(TaskFileProcessed(file_id=file_id, task_id="t", outcome="ready"))
        copy = (await guest.get(f"/api/v1/files/{file_id}/content")).content

    assert (late.status_code, late.json()["error"]["code"]) == (409, "LATE_ATTEMPT")
    assert copy == a_picture(5, 5)


async def test_only_pictures_are_working_copies(stage: Stage) -> None:
    async with stage.client(Role.GUEST) as guest:
        file_id = await upload(guest)
    assert (await put_copy(stage, file_id, b"<html>")).status_code == 415
    assert (await put_copy(stage, "nobody")).status_code == 404
    async with stage.client(Role.SUPER_ADMIN) as admin:
        path = f"/internal/files/{file_id}/working-copy"
        assert (await admin.put(path, content=b"")).status_code == 403
        assert (await admin.get(f"/internal/files/{file_id}/original")).status_code == 403


async def test_a_service_reads_the_original(stage: Stage) -> None:
    async with stage.client(Role.GUEST) as guest:
        file_id = await upload(guest)
    async with stage.peer("tasks") as tasks:
        answer = await tasks.get(f"/internal/files/{file_id}/original")

    assert answer.content == a_picture()


async def test_filing_a_case_attaches_the_files_its_filer_sent_before(stage: Stage) -> None:
    async with stage.client(Role.GUEST) as guest, stage.client(Role.GUEST, "thief") as thief:
        mine, theirs = await upload(guest), await upload(thief)
        await make_ready(stage, mine)
        await stage.say(submitted("GRV001", mine, theirs, "no-such-file"))
        found = (await guest.get(f"/api/v1/files/{mine}")).json()["data"]
        other = (await thief.get(f"/api/v1/files/{theirs}")).json()["data"]

    assert (found["grievance_id"], other["grievance_id"]) == ("GRV001", None)
    last = (await stage.said(FileReady))[-1]
    assert (last.file_id, last.grievance_id) == (mine, "GRV001")


async def test_a_file_is_attached_once(stage: Stage) -> None:
    async with stage.client(Role.GUEST) as guest:
        file_id = await upload(guest)
        await stage.say(submitted("GRV001", file_id))
        await stage.say(submitted("GRV002", file_id))
        found = (await guest.get(f"/api/v1/files/{file_id}")).json()["data"]

    assert found["grievance_id"] == "GRV001"


async def test_a_file_inside_a_filing_is_kept_once(stage: Stage) -> None:
    """S0-11: base64 inside the case; repeating the filing repeats nothing here."""
    async with stage.peer("grievance") as grievance:
        answers = [await grievance.post("/internal/files", json=in_filing()) for _ in range(2)]
        other = await grievance.post("/internal/files", json=in_filing(owner="guest-2"))
        wrong = await grievance.post(
            "/internal/files", json=in_filing("x", file_data=base64.b64encode(b"GIF89a").decode())
        )

    assert [answer.status_code for answer in answers] == [201, 200]
    assert (other.status_code, wrong.status_code) == (409, 415)
    assert len(await stage.said(FileReceived)) == 1
    assert stored_files(stage) == ["images/GRV001/photo-1.jpg"]


async def test_filing_again_after_a_crash_moves_the_file_to_the_case_that_was_filed(
    stage: Stage,
) -> None:
    """The first reference was drawn and lost; the second one was filed."""
    async with stage.peer("grievance") as grievance:
        await grievance.post("/internal/files", json=in_filing(grievance_id="GRV-LOST"))
        again = await grievance.post("/internal/files", json=in_filing(grievance_id="GRV-FILED"))
    await stage.say(submitted("GRV-FILED", "photo-1"))

    assert again.status_code == 200
    async with stage.client(Role.GUEST) as guest:
        found = (await guest.get("/api/v1/files/photo-1")).json()["data"]
    assert found["grievance_id"] == "GRV-FILED"


async def test_no_fact_names_a_case_before_it_is_known_whether_it_is_restricted(
    stage: Stage,
) -> None:
    """SEAH: what is said of a file of such a case travels apart from the first word."""
    async with stage.peer("grievance") as grievance:
        await grievance.post("/internal/files", json=in_filing(grievance_id="GRV-SEAH"))
    await stage.say(submitted("GRV-SEAH", "photo-1"), restricted=True)
    await make_ready(stage, "photo-1")
    lets_in(stage, "GRV-SEAH", Role.GUEST)
    async with stage.client(Role.GUEST) as guest:
        await upload(guest, grievance_id="GRV-SEAH")

    facts = [*await stage.envelopes(FileReceived), *await stage.envelopes(FileReady)]
    assert [(fact.data["grievance_id"], fact.restricted) for fact in facts] == [
        (None, False),
        ("GRV-SEAH", True),
        ("GRV-SEAH", True),
        ("GRV-SEAH", True),
    ]


async def test_what_is_sent_to_a_case_later_is_named_with_it_and_kept(stage: Stage) -> None:
    """A case that was filed without files is told of to nobody here: who sends to it names it."""
    lets_in(stage, "GRV-BARE", Role.CITIZEN)

    file_id = await upload(stage.client(Role.CITIZEN, "user:7"), grievance_id="GRV-BARE")

    assert [fact.grievance_id for fact in await stage.said(FileReceived)] == ["GRV-BARE"]
    assert await sweep_now(stage, caseless=-1) == 0
    assert (await stage.client(Role.CITIZEN, "user:7").get(f"/api/v1/files/{file_id}")).is_success


async def sweep_now(stage: Stage, *, orphan: float = 3600, caseless: float = 86400) -> int:
    store = stage.app.state.store
    return await sweep(stage.uow, store, orphan_seconds=orphan, caseless_seconds=caseless)


async def test_bytes_without_a_row_are_swept_and_others_are_not(stage: Stage) -> None:
    """reliability.md, fault 23."""
    async with stage.client(Role.GUEST) as guest:
        file_id = await upload(guest)
    await make_ready(stage, file_id)
    root = stage.service.settings.uploads  # type: ignore[attr-defined]
    for path, age in {
        ".arriving/half": 7200,
        "images/GRV9/lost.jpg": 7200,
        "images/new.jpg": 0,
    }.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(b"x")
        os.utime(root / path, (time.time() - age,) * 2)
    for path in root.rglob(f"{file_id}.jpg"):
        os.utime(path, (time.time() - 7200,) * 2)

    assert await sweep_now(stage) == 2
    assert stored_files(stage) == [
        "images/new.jpg",
        f"images/unattached/{file_id}.jpg",
        f"working/unattached/{file_id}.jpg",
    ]


async def test_files_of_a_filing_that_never_succeeded_are_forgotten(stage: Stage) -> None:
    async with stage.peer("grievance") as grievance:
        await grievance.post("/internal/files", json=in_filing("one", "GRV-NEVER"))
        await grievance.post("/internal/files", json=in_filing("two", "GRV-FILED"))
    await stage.say(submitted("GRV-FILED", "two"))

    assert await sweep_now(stage) == 0
    assert await sweep_now(stage, caseless=-1) == 1
    assert stored_files(stage) == ["images/GRV-FILED/two.jpg"]
    assert [fact.file_id for fact in await stage.said(FileDeleted)] == ["one"]


async def test_a_case_whose_name_is_a_path_does_not_leave_the_folder(stage: Stage) -> None:
    lets_in(stage, "..", Role.API_CLIENT)
    async with stage.peer("grievance") as grievance:
        answer = await grievance.post("/internal/files", json=in_filing("..", ".."))

    assert answer.status_code == 201
    assert stored_files(stage) == ["images/unattached/...jpg"]


async def test_a_form_by_multipart_reaches_the_same_place(stage: Stage) -> None:
    async with stage.client(Role.GUEST) as guest:
        answer = await guest.post("/api/files", **form_of(a_picture(form="PNG"), name="a.png"))

    file_id = answer.json()["data"]["file_id"]
    assert stored_files(stage) == [f"images/unattached/{file_id}.png"]
