"""Issue 4, S4-18: everything that is held on somebody, handed out to them alone and sealed."""

import io
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from sqlalchemy import update

from libs.common.clock import utc_now
from libs.common.contracts.users import ExportRequested
from libs.common.principal import Role
from libs.common.testing.stage import Stage
from services.users.app import tidy
from services.users.models import Export
from services.users.repository.archives import PIECE, Archives
from tests.service.users.conftest import Appointing

EXPORTS = "/api/v1/users/me/exports"


def a_zip() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("users.json", "Sita Sharma says quetzalbird" * 20_000)
    return file.getvalue()


def archives(stage: Stage) -> Archives:
    found: Archives = stage.app.state.archives
    return found


async def requested(stage: Stage, user_id: int) -> dict[str, Any]:
    answer = await stage.client(Role.CITIZEN, f"user:{user_id}").post(EXPORTS)
    assert answer.status_code == 202, answer.text
    found: dict[str, Any] = answer.json()["data"]
    return found


async def state(stage: Stage, user_id: int, export_id: str) -> dict[str, Any]:
    client = stage.client(Role.CITIZEN, f"user:{user_id}")
    answer = await client.get(f"{EXPORTS}/{export_id}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["data"]
    return found


async def deliver(stage: Stage, export_id: str, content: bytes) -> int:
    headers = {"Content-Type": "application/octet-stream", "X-Attempt": "1"}
    path = f"/internal/exports/{export_id}/archive"
    answer = await stage.peer("tasks").put(path, content=content, headers=headers)
    return answer.status_code


@pytest.fixture
async def user_id(a_user: Appointing) -> int:
    return int((await a_user("citizen"))["user_id"])


async def test_one_export_is_made_at_a_time(stage: Stage, user_id: int) -> None:
    first = await requested(stage, user_id)
    again = await requested(stage, user_id)
    current = await stage.client(Role.CITIZEN, f"user:{user_id}").get("/api/v1/users/me/export")

    assert first["state"] == "pending"
    assert first["export_id"] == again["export_id"] == current.json()["data"]["export_id"]
    assert [event.user_id for event in await stage.said(ExportRequested)] == [user_id]


async def test_what_is_delivered_is_taken_away_by_its_link(stage: Stage, user_id: int) -> None:
    export = await requested(stage, user_id)
    content = a_zip() + b"x" * (3 * PIECE)
    assert await deliver(stage, export["export_id"], content) == 200

    ready = await state(stage, user_id, export["export_id"])
    taken = await stage.client().get(ready["download_url"])

    assert (ready["state"], ready["size"]) == ("ready", len(content))
    assert taken.content == content
    assert taken.headers["content-disposition"].startswith("attachment")
    assert "no-store" in taken.headers["cache-control"]


@pytest.mark.parametrize(
    ("start", "end"),
    [(0, 1), (0, PIECE), (PIECE - 1, PIECE + 1), (PIECE, 2 * PIECE), (7, 3 * PIECE + 5),
     (3 * PIECE, 3 * PIECE + 10), (3 * PIECE + 9, 3 * PIECE + 10)],
)  # fmt: skip
async def test_a_download_that_broke_off_goes_on_where_it_was(
    stage: Stage, user_id: int, start: int, end: int
) -> None:
    export = await requested(stage, user_id)
    content = bytes(range(251)) * (3 * PIECE // 251) + b"x" * (3 * PIECE % 251 + 10)
    await deliver(stage, export["export_id"], content)
    url = (await state(stage, user_id, export["export_id"]))["download_url"]

    part = await stage.client().get(url, headers={"Range": f"bytes={start}-{end - 1}"})
    none = await stage.client().get(url, headers={"Range": f"bytes={len(content)}-"})

    assert (part.status_code, part.content) == (206, content[start:end])
    assert part.headers["content-range"] == f"bytes {start}-{end - 1}/{len(content)}"
    assert (none.status_code, none.json()["error"]["code"]) == (416, "RANGE_NOT_SATISFIABLE")
    assert none.headers["content-range"] == f"bytes */{len(content)}"


async def test_an_archive_never_lies_in_plain(stage: Stage, user_id: int) -> None:
    export = await requested(stage, user_id)
    await deliver(stage, export["export_id"], b"quetzalbird" * 100_000)

    folder = stage.service.settings.shared.data_dir
    lying = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    assert not [content for content in lying if b"quetzalbird" in content]


async def test_a_link_that_was_changed_or_is_old_opens_nothing(stage: Stage, user_id: int) -> None:
    export = await requested(stage, user_id)
    await deliver(stage, export["export_id"], b"content")
    url = (await state(stage, user_id, export["export_id"]))["download_url"]
    path, _, query = url.partition("?")
    expires, signature = (part.split("=")[1] for part in query.split("&"))
    old = f"{path}?expires=1&signature={signature}"
    longer = f"{path}?expires={int(expires) + 60}&signature={signature}"
    forged = f"{path}?expires={expires}&signature={'0' * 64}"

    assert (await stage.client().get(url)).status_code == 200
    for wrong in (old, longer, forged):
        assert (await stage.client().get(wrong)).status_code == 404
    assert (await stage.client().get(path)).status_code == 422


async def test_an_export_is_nobody_elses(stage: Stage, user_id: int, a_user: Appointing) -> None:
    other = await a_user("citizen", phone="9841200099")
    export = await requested(stage, user_id)

    client = stage.client(Role.CITIZEN, f"user:{other['user_id']}")
    assert (await client.get(f"{EXPORTS}/{export['export_id']}")).status_code == 404
    assert (await stage.client(Role.GUEST).post(EXPORTS)).status_code == 403


async def test_the_first_attempt_that_delivers_counts(stage: Stage, user_id: int) -> None:
    """Reliability 2 row 31."""
    export = await requested(stage, user_id)

    assert await deliver(stage, export["export_id"], b"first") == 200
    assert await deliver(stage, export["export_id"], b"late") == 409
    url = (await state(stage, user_id, export["export_id"]))["download_url"]
    assert (await stage.client().get(url)).content == b"first"


async def test_an_archive_is_gone_when_its_days_are_over(stage: Stage, user_id: int) -> None:
    export = await requested(stage, user_id)
    await deliver(stage, export["export_id"], b"content")
    url = (await state(stage, user_id, export["export_id"]))["download_url"]
    async with stage.uow.begin() as tx:
        ended = update(Export).values(expires_at=utc_now() - timedelta(seconds=1))
        await tx.session.execute(ended)

    await tidy(stage.uow, archives(stage))

    assert (await state(stage, user_id, export["export_id"]))["state"] == "expired"
    assert (await stage.client().get(url)).status_code == 404
    assert await archives(stage).older_than(timedelta(0)) == []


async def test_erasing_somebody_takes_their_archive_along(stage: Stage, user_id: int) -> None:
    export = await requested(stage, user_id)
    await deliver(stage, export["export_id"], b"content")
    url = (await state(stage, user_id, export["export_id"]))["download_url"]
    late = await requested(stage, user_id)

    await stage.client(Role.CITIZEN, f"user:{user_id}").delete("/api/v1/users/me")

    assert (await stage.client().get(url)).status_code == 404
    assert await deliver(stage, late["export_id"], b"late") == 409
    assert await archives(stage).older_than(timedelta(0)) == []


async def test_what_users_holds_on_somebody_names_nobody_else(stage: Stage, user_id: int) -> None:
    answer = await stage.peer("tasks").get(f"/internal/people/{user_id}/export")

    held = answer.json()["data"]["held"]
    assert held["profile"] == {"phone_number": "+9779812345678", "name": "Sita Sharma"}
    assert "super_admin-1" not in answer.text


async def test_pieces_of_an_archive_cannot_be_cut_off(stage: Stage, user_id: int) -> None:
    async def pieces() -> Any:
        yield b"x" * (2 * PIECE)
        yield b"end"

    store = archives(stage)
    kept = await store.keep(pieces(), limit=10 * PIECE)
    assert kept is not None
    path = stage.service.settings.shared.data_dir / "exports" / kept.stored_as
    content = path.read_bytes()
    path.write_bytes(content[: 2 * (PIECE + 16)])

    opened = await store.opened(kept.stored_as, kept.key, start=0, end=kept.size)
    with pytest.raises(InvalidTag):
        [piece async for piece in opened]
