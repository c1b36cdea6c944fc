"""What a file's name says about its owner is nowhere in the clear."""

import pytest

from libs.common.contracts.files import FileReady, FileReceived
from libs.common.principal import Role
from libs.common.testing.stage import Stage
from tests.service.files.conftest import a_picture, form_of, make_ready

NAME = "Kanchhi-Canari-9841777001.jpg"


async def test_a_name_is_in_no_file_no_event_no_log_and_no_refusal(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    """design.md 5.5."""
    async with stage.client(Role.GUEST) as guest:
        sent = await guest.post("/api/v1/files", **form_of(a_picture(), name=NAME))
        file_id = sent.json()["data"]["file_id"]
        await make_ready(stage, file_id)
        kept = await guest.get(f"/api/v1/files/{file_id}")
        refused = [
            await guest.post("/api/v1/files", **form_of(b"GIF89a", name=NAME)),
            await guest.post("/api/v1/files", **form_of(a_picture(), name=NAME, more=NAME)),
            await guest.post("/api/v1/files", json={"file_name": NAME}),
        ]
    assert kept.json()["data"]["file_name"] == NAME

    canaries = [NAME.encode(), b"Kanchhi", b"9841777001"]
    said = [*await stage.envelopes(FileReceived), *await stage.envelopes(FileReady)]
    places = [answer.content for answer in refused]
    places += [envelope.to_bytes() for envelope in said]
    places += [capsys.readouterr().out.encode()]
    folder = stage.service.settings.shared.data_dir
    places += [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    assert [answer.status_code for answer in refused] == [415, 422, 422]
    assert len(places) > 8
    for place in places:
        for canary in canaries:
            assert canary not in place
