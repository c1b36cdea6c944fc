"""Reading files: who sees them, when, and how they are sent."""

import httpx2
import pytest

from libs.common.contracts.files import FileDeleted
from libs.common.principal import Role
from libs.common.testing.stage import Stage
from tests.service.files.conftest import a_picture, lets_in, make_ready, stored_files, upload

GONE = "FILE_NOT_FOUND"


def code(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


async def test_a_file_is_its_owners_alone(stage: Stage) -> None:
    """Whoever else asks is told that there is none: 404, never 403."""
    async with stage.client(Role.GUEST, "me") as me:
        file_id = await upload(me)
    await make_ready(stage, file_id)

    for role in (Role.GUEST, Role.CITIZEN, Role.API_CLIENT, Role.INTAKE_OFFICER, Role.SUPER_ADMIN):
        async with stage.client(role, "somebody") as other:
            for path in (f"/api/v1/files/{file_id}", f"/api/v1/files/{file_id}/content"):
                assert code(await other.get(path)) == (404, GONE)
            assert code(await other.get(f"/api/files/{file_id}/")) == (404, GONE)
            assert code(await other.get(f"/files/image/GRV001/{file_id}.jpg")) == (404, GONE)
            assert code(await other.delete(f"/api/v1/files/{file_id}")) == (404, GONE)


async def test_officers_in_scope_see_the_files_of_a_case(stage: Stage) -> None:
    """S0-20; grievance says who is in scope, files does not decide it again."""
    lets_in(stage, "GRV001", Role.GUEST, Role.INTAKE_OFFICER)
    async with stage.client(Role.GUEST) as guest:
        file_id = await upload(guest, grievance_id="GRV001")
    async with (
        stage.client(Role.INTAKE_OFFICER) as officer,
        stage.client(Role.GRC_MEMBER) as stranger,
    ):
        seen = await officer.get(f"/api/v1/files/{file_id}")
        assert seen.json()["data"]["file_path"] == f"/uploads/GRV001/{file_id}.jpg"
        assert code(await officer.get(f"/api/v1/files/{file_id}/content")) == (
            409,
            "FILE_NOT_READY",
        )
        assert code(await stranger.get(f"/api/v1/files/{file_id}")) == (404, GONE)


async def test_nothing_is_shown_while_nobody_can_say_who_is_in_scope(stage: Stage) -> None:
    lets_in(stage, "GRV001", Role.GUEST)
    async with stage.client(Role.GUEST) as guest:
        file_id = await upload(guest, grievance_id="GRV001")
    stage.peers.answers.clear()

    async with stage.client(Role.INTAKE_OFFICER) as officer:
        assert code(await officer.get(f"/api/v1/files/{file_id}")) == (503, "PEER_UNAVAILABLE")


async def test_the_copy_is_sent_so_that_no_browser_runs_it(stage: Stage) -> None:
    async with stage.client(Role.GUEST) as guest:
        file_id = await upload(guest)
        await make_ready(stage, file_id, b"\xff\xd8\xff<script>")
        answer = await guest.get(f"/api/v1/files/{file_id}/content")

    assert answer.status_code == 200
    assert answer.content == b"\xff\xd8\xff<script>"
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("sandbox")
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''photo.jpg"
    assert answer.headers["cache-control"] == "private, no-store"


@pytest.mark.parametrize(
    ("asked", "status", "body", "said"),
    [
        (None, 200, "0123456789", None),
        ("bytes=0-3", 206, "0123", "bytes 0-3/10"),
        ("bytes=8-", 206, "89", "bytes 8-9/10"),
        ("bytes=-3", 206, "789", "bytes 7-9/10"),
        ("bytes=5-99", 206, "56789", "bytes 5-9/10"),
        ("bytes=0-0,2-2,4-4", 200, "0123456789", None),
        ("lines=1-2", 200, "0123456789", None),
        ("bytes=-", 200, "0123456789", None),
    ],
)
async def test_a_part_may_be_asked_for(
    stage: Stage, asked: str | None, status: int, body: str, said: str | None
) -> None:
    async with stage.client(Role.GUEST) as guest:
        file_id = await upload(guest)
        await make_ready(stage, file_id, b"\xff\xd8\xff" + b"3456789")
        headers = {"Range": asked} if asked else {}
        answer = await guest.get(f"/api/v1/files/{file_id}/content", headers=headers)

    assert answer.status_code == status
    whole = b"\xff\xd8\xff3456789"
    positions = [int(digit) for digit in body]
    assert answer.content == bytes(whole[position] for position in positions)
    assert answer.headers.get("content-range") == said


@pytest.mark.parametrize("asked", ["bytes=9-1", "bytes=10-", "bytes=99-100", "bytes=-0"])
async def test_what_is_not_there_cannot_be_had(stage: Stage, asked: str) -> None:
    """badinputs file-42."""
    async with stage.client(Role.GUEST) as guest:
        file_id = await upload(guest)
        await make_ready(stage, file_id, b"\xff\xd8\xff3456789")
        answer = await guest.get(f"/files/x/{file_id}.jpg", headers={"Range": asked})

    assert code(answer) == (416, "RANGE_NOT_SATISFIABLE")
    assert answer.headers["content-range"] == "bytes */10"


@pytest.mark.parametrize(
    "path",
    [
        "/files/../../../../etc/passwd",
        "/files/..%2f..%2f..%2fetc%2fpasswd",
        "/files/..%5c..%5cetc%5cpasswd",
        "/files/%c0%ae%c0%ae/etc/passwd",
        "/files/",
        "/files/a%00b.jpg",
        "/files//etc/passwd",
        "/files/images",
        "/api/v1/files/%00",
        "/api/v1/files/" + "a" * 51,
        "/api/v1/files/फोटो",
    ],
)
async def test_paths_open_nothing(stage: Stage, path: str) -> None:
    """S1-07, C10: an id is looked up; a path is never joined."""
    async with stage.client(Role.GUEST) as guest:
        await upload(guest)
        answer = await guest.get(path)

    assert answer.status_code == 404
    assert "root:" not in answer.text


async def test_the_owner_takes_a_file_back_before_it_is_part_of_a_case(stage: Stage) -> None:
    """S1-38."""
    async with stage.client(Role.GUEST) as guest:
        file_id = await upload(guest)
        answer = await guest.delete(f"/api/v1/files/{file_id}")
        again = await guest.delete(f"/api/v1/files/{file_id}")

    assert answer.json()["data"] == {"file_id": file_id, "status": "deleted"}
    assert code(again) == (404, GONE)
    assert stored_files(stage) == []
    assert [fact.file_id for fact in await stage.said(FileDeleted)] == [file_id]


async def test_a_file_of_a_case_stays(stage: Stage) -> None:
    lets_in(stage, "GRV001", Role.GUEST)
    async with stage.client(Role.GUEST) as guest:
        file_id = await upload(guest, a_picture(), grievance_id="GRV001")
        answer = await guest.delete(f"/api/v1/files/{file_id}")

    assert code(answer) == (409, "FILE_ATTACHED")
    assert len(stored_files(stage)) == 1
