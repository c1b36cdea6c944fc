"""Sending files."""

import asyncio
import base64
import errno
import io
import json
import os
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from libs.common.contracts.files import FileReceived
from libs.common.principal import Role
from libs.common.testing.stage import Stage
from tests.service.files.conftest import a_picture, form_of, lets_in, stored_files, upload

JPEG_HEAD = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00"
MIB = 1024 * 1024
FIXTURES = Path(__file__).parents[4] / "shared" / "fixtures" / "media"


def as_json(content: bytes | str, **fields: Any) -> dict[str, Any]:
    text = content if isinstance(content, str) else base64.b64encode(content).decode()
    return {"file_type": "image", "file_data": text, **fields}


async def test_a_photo_is_received_and_everybody_is_told(stage: Stage) -> None:
    """S1-03, S1-36, S0-19."""
    async with stage.client(Role.GUEST) as guest:
        file_id = await upload(guest)
        found = (await guest.get(f"/api/v1/files/{file_id}")).json()["data"]

    assert found["status"] == "received"
    assert found["file_name"] == "photo.jpg"
    [fact] = await stage.said(FileReceived)
    assert (fact.file_id, fact.grievance_id) == (file_id, None)


async def test_the_same_photo_may_come_as_base64(stage: Stage) -> None:
    """S0-19."""
    async with stage.client(Role.GUEST) as guest:
        answer = await guest.post("/api/files/", json=as_json(a_picture(), grievance_id=""))

    assert answer.status_code == 201
    assert answer.json()["data"] | {"file_id": "?"} == {
        "file_id": "?",
        "status": "received",
        "file_type": "image",
    }
    assert "Deprecation" in answer.headers


async def test_the_flask_upload_answers_its_bare_body(stage: Stage) -> None:
    """S1-03, S1-35."""
    lets_in(stage, "GRV001", Role.GUEST)
    async with stage.client(Role.GUEST) as guest:
        answer = await guest.post("/upload", **form_of(a_picture(), grievance_id="GRV001"))

    body = answer.json()
    assert answer.status_code == 201
    assert body == {
        "status": "success",
        "file_id": body["file_id"],
        "file_path": f"/uploads/GRV001/{body['file_id']}.jpg",
        "file_type": "image",
    }
    assert stored_files(stage) == [f"images/GRV001/{body['file_id']}.jpg"]


async def test_a_file_for_somebody_elses_case_is_refused_and_not_kept(stage: Stage) -> None:
    lets_in(stage, "GRV001", Role.CITIZEN)
    async with stage.client(Role.GUEST) as guest:
        answer = await guest.post("/api/v1/files", **form_of(a_picture(), grievance_id="GRV001"))

    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "GRIEVANCE_NOT_FOUND")
    assert stored_files(stage) == []


async def test_no_case_can_be_checked_while_grievance_is_away(stage: Stage) -> None:
    async with stage.client(Role.GUEST) as guest:
        answer = await guest.post("/api/v1/files", **form_of(a_picture(), grievance_id="GRV001"))

    assert answer.status_code == 503
    assert stored_files(stage) == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("!!!!", "BASE64_INVALID"),
        ("_-8_-w==", "BASE64_INVALID"),
        ("AAA", "BASE64_INVALID"),
        ("/9j/4AAQ====", "BASE64_INVALID"),
        ("/9j/\n4AAQ", "BASE64_INVALID"),
        ("data:image/png;base64,AAAA", "BASE64_INVALID"),
        ("फोटो", "BASE64_INVALID"),
        ("", "EMPTY_FILE"),
    ],
)
async def test_what_is_not_base64_is_refused(stage: Stage, text: str, code: str) -> None:
    async with stage.client(Role.GUEST) as guest:
        answer = await guest.post("/api/v1/files", json=as_json(text))

    assert (answer.status_code, answer.json()["error"]["code"]) == (422, code)


@pytest.mark.parametrize(
    ("file_type", "status", "code"),
    [
        ("exe", 422, "UNKNOWN_FILE_TYPE"),
        ("IMAGE", 422, "UNKNOWN_FILE_TYPE"),
        ("document", 415, "FILE_TYPE_UNSUPPORTED"),
        ("voice", 415, "FILE_TYPE_UNSUPPORTED"),
    ],
)
async def test_only_images_are_taken_so_far(
    stage: Stage, file_type: str, status: int, code: str
) -> None:
    async with stage.client(Role.GUEST) as guest:
        answer = await guest.post("/api/v1/files", json=as_json(b"%PDF-1.4", file_type=file_type))

    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


async def test_five_mebibytes_are_fine_and_a_byte_more_is_not(stage: Stage) -> None:
    """S1-12."""
    whole = a_picture()
    exact = whole + bytes(5 * MIB - len(whole))
    async with stage.client(Role.GUEST) as guest:
        await upload(guest, exact)
        by_form = await guest.post("/api/v1/files", **form_of(exact + b"\0"))
        by_json = await guest.post("/api/v1/files", json=as_json(exact + b"\0"))

    for answer in (by_form, by_json):
        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (413, "FILE_TOO_LARGE")
        assert error["details"] == {"limit": 5 * MIB}
    assert len(stored_files(stage)) == 1


async def test_a_body_beyond_the_cap_is_refused_by_its_length(stage: Stage) -> None:
    async with stage.client(Role.GUEST) as guest:
        answer = await guest.post("/upload", **form_of(bytes(11 * MIB)))

    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "TOO_LARGE")


async def test_a_head_nobody_can_read_is_left_to_the_child(stage: Stage) -> None:
    """badinputs file-22, mp-08: the right magic, garbage after it."""
    crlf = (JPEG_HEAD + b"\r\n" * (5 * MIB))[:5238784]
    async with stage.client(Role.GUEST) as guest:
        await upload(guest, JPEG_HEAD + bytes(2036))
        await upload(guest, crlf)


@pytest.mark.parametrize(
    ("name", "status", "kept"),
    [
        ("फोटो.jpg", 201, "फोटो.jpg"),
        ("../../etc/passwd.png", 201, "passwd.png"),
        ("..\\..\\windows\\x.png", 201, "x.png"),
        ("/etc/cron.d/x.jpg", 201, "x.jpg"),
        ("image.php.png", 201, "image.php.png"),
        ("IMAGE.PNG", 201, "IMAGE.PNG"),
        (".jpg", 201, ".jpg"),
        ('">&<svg onload=alert(1)>.jpg', 201, None),
        ("photo", 422, None),
        (".htaccess", 415, None),
        ("image.png.php", 415, None),
        ("a.jpg.exe", 415, None),
        ("photo\u202egnp.exe", 415, None),
    ],
)
async def test_names_are_kept_for_display_and_lie_about_nothing(
    stage: Stage, name: str, status: int, kept: str | None
) -> None:
    async with stage.client(Role.GUEST) as guest:
        answer = await guest.post("/api/v1/files", json=as_json(a_picture(), file_name=name))
        assert answer.status_code == status, answer.text
        if kept:
            file_id = answer.json()["data"]["file_id"]
            found = (await guest.get(f"/api/v1/files/{file_id}")).json()["data"]
            assert found["file_name"] == kept
    assert len(stored_files(stage)) == (status == 201)


async def test_a_long_name_is_shortened_and_keeps_its_ending(stage: Stage) -> None:
    async with stage.client(Role.GUEST) as guest:
        content = form_of(a_picture(), name="फ" * 300 + ".jpg")
        file_id = (await guest.post("/api/v1/files", **content)).json()["data"]["file_id"]
        name = (await guest.get(f"/api/v1/files/{file_id}")).json()["data"]["file_name"]

    assert name.endswith("फ.jpg")
    assert 250 < len(name.encode()) <= 255


async def post_form(
    stage: Stage, body: bytes, kind: str = "multipart/form-data; boundary=B"
) -> Any:
    async with stage.client(Role.GUEST) as guest:
        return await guest.post("/upload", content=body, headers={"Content-Type": kind})


def part(name: str, content: bytes, more: bytes = b"") -> bytes:
    head = f'--B\r\nContent-Disposition: form-data; name="{name}"'.encode()
    return head + more + b"\r\n\r\n" + content + b"\r\n"


FILE = b'; filename="a.jpg"'
TYPE = part("file_type", b"image")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (TYPE + part("file", a_picture(), FILE), 400),  # its end never came
        (TYPE + 2 * part("file", a_picture(), FILE) + b"--B--\r\n", 400),
        (2 * TYPE + part("file", a_picture(), FILE) + b"--B--\r\n", 400),
        (TYPE + b"".join(part(f"f{n}", b"x") for n in range(50)) + b"--B--\r\n", 400),
        (TYPE + part("file", b"x", FILE + b"\r\nX-Big: " + b"a" * MIB) + b"--B--\r\n", 400),
        (part("file_type", b"i" * 9999) + b"--B--\r\n", 400),
        (part("file_type", b"\xff\xfe") + b"--B--\r\n", 400),
        (b"x", 400),
        (TYPE + b"--B--\r\n", 422),
        (TYPE + part("file", a_picture()) + b"--B--\r\n", 400),  # a field, not a file
        (TYPE + part("more", b"x") + part("file", a_picture(), FILE) + b"--B--\r\n", 422),
        (part("file", a_picture(), FILE) + b"--B--\r\n", 422),
    ],
)
async def test_a_malformed_form_is_refused_and_leaves_nothing(
    stage: Stage, body: bytes, status: int
) -> None:
    answer = await post_form(stage, body)

    assert answer.status_code == status, answer.text
    assert answer.json()["status"] == "error"
    assert stored_files(stage) == []


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("multipart/form-data", 400),
        (f"multipart/form-data; boundary={'b' * 300}", 400),
        ("application/x-www-form-urlencoded", 415),
        ("image/jpeg", 415),
    ],
)
async def test_a_body_nobody_can_take_apart_is_refused(
    stage: Stage, kind: str, status: int
) -> None:
    assert (await post_form(stage, b"x", kind)).status_code == status


async def test_an_api_client_may_bring_an_id_once(stage: Stage) -> None:
    """The same id with the same bytes is the same file; with others it is taken."""
    mine = as_json(a_picture(), file_id="photo-1")
    async with (
        stage.client(Role.API_CLIENT, "k1") as one,
        stage.client(Role.API_CLIENT, "k2") as two,
    ):
        answers = [
            await one.post("/api/v1/files", json=mine),
            await one.post("/api/v1/files", json=mine),
            await one.post("/api/v1/files", json=as_json(a_picture(9, 9), file_id="photo-1")),
            await two.post("/api/v1/files", json=mine),
        ]

    assert [answer.status_code for answer in answers] == [201, 200, 409, 409]
    assert answers[2].json()["error"]["code"] == "FILE_EXISTS"
    assert len(await stage.said(FileReceived)) == 1
    assert len(stored_files(stage)) == 1


async def test_the_same_file_sent_twice_at_once_is_kept_once(stage: Stage) -> None:
    async with stage.client(Role.API_CLIENT) as client:
        body = as_json(a_picture(), file_id="photo-1")
        answers = await asyncio.gather(*(client.post("/api/v1/files", json=body) for _ in range(8)))

    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
    assert len(await stage.said(FileReceived)) == 1


async def test_a_guest_does_not_choose_ids(stage: Stage) -> None:
    async with stage.client(Role.GUEST) as guest:
        answer = await guest.post("/api/v1/files", json=as_json(a_picture(), file_id="photo-1"))

    assert answer.status_code == 201
    assert answer.json()["data"]["file_id"] != "photo-1"


async def test_a_form_repeated_with_its_key_is_one_file(stage: Stage) -> None:
    """A form has another boundary each time, and is the same all the same."""
    key = {"Idempotency-Key": "once"}
    async with stage.client(Role.GUEST) as guest:
        first = await guest.post("/api/v1/files", **form_of(a_picture()), headers=key)
        again = await guest.post("/api/v1/files", **form_of(a_picture()), headers=key)
        other = await guest.post("/api/v1/files", **form_of(a_picture(9, 9)), headers=key)

    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (other.status_code, other.json()["error"]["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert len(stored_files(stage)) == 1


async def test_nobody_sends_files_without_a_token(stage: Stage) -> None:
    async with stage.client() as nobody:
        answer = await nobody.post("/upload", **form_of(a_picture()))

    assert answer.status_code == 401


async def test_unknown_fields_and_broken_json_are_refused(stage: Stage) -> None:
    headers = {"Content-Type": "application/json"}
    async with stage.client(Role.GUEST) as guest:
        answers = [
            await guest.post("/api/v1/files", json=as_json(a_picture(), owner="me")),
            await guest.post("/api/v1/files", json=[]),
            await guest.post("/api/v1/files", content=b'{"a":', headers=headers),
            await guest.post("/api/v1/files", content=b'{"a":1,"a":2}', headers=headers),
            await guest.post("/api/v1/files", json=as_json(a_picture(), grievance_id="../x")),
        ]

    assert [answer.status_code for answer in answers] == [422] * 5


async def test_a_full_disk_is_said_and_nothing_is_kept(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S0-31; reliability.md, fault 22: here the disk refuses the sync."""

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "no space")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        async with stage.client(Role.GUEST) as guest:
            answer = await guest.post("/api/v1/files", **form_of(a_picture()))
    assert (answer.status_code, answer.json()["error"]["code"]) == (507, "INSUFFICIENT_STORAGE")
    assert stored_files(stage) == []
    assert await stage.said(FileReceived) == []

    async with stage.client(Role.GUEST) as guest:
        await upload(guest)  # and when there is room again, all is well


@pytest.mark.skipif(not FIXTURES.exists(), reason="the media fixtures are not on this machine")
async def test_the_fixtures_get_their_verdicts(stage: Stage) -> None:
    """fixtures/media/expected.json, without PDF and audio; the polyglot is accepted."""
    rows = json.loads((FIXTURES / "expected.json").read_text())
    photos = [row for row in rows if row["send_as"].startswith("image/")]
    checked = 0
    async with stage.client(Role.GUEST) as guest:
        for row in photos:
            if row["file"].endswith(".json"):
                continue
            content = form_of((FIXTURES / row["file"]).read_bytes(), name=row["file"])
            status = (await guest.post("/api/v1/files", **content)).status_code
            wanted = row["expect"].removeprefix("reject ").replace("accept", "201").split("/")
            assert str(status) in wanted, row["file"]
            checked += 1
    assert checked == 13


def a_png(width: int, height: int) -> bytes:
    file = io.BytesIO()
    Image.new("1", (width, height)).save(file, "PNG")
    return file.getvalue()


async def test_forty_megapixels_are_fine_and_a_line_more_is_not(stage: Stage) -> None:
    async with stage.client(Role.GUEST) as guest:
        await upload(guest, a_png(8000, 5000))
        answer = await guest.post("/api/v1/files", **form_of(a_png(8000, 5001)))

    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "IMAGE_TOO_LARGE")
