"""Sending one-time codes."""

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import select

from libs.common.contracts.users import OtpRequested
from libs.common.testing.stage import Stage
from services.tasks.clients import messengers
from services.tasks.clients.messengers import OUTBOX, Message, SmtpMessenger, open_messengers
from services.tasks.models import State, Task, TaskLog
from tests.service.tasks.conftest import RaiseTasks, only_task, raised, until_state

CHALLENGE = "019cac98-7ac0-7b25-8f6a-3d1e9c4b7a58"
PHONE = "+9779841234567"
CODE = "402913"


def has_code(stage: Stage, **more: Any) -> None:
    found = {"channel": "sms", "recipient": PHONE, "code": CODE, "language": "en"} | more
    stage.peers.answers[f"GET users /internal/otp/{CHALLENGE}"] = found


def asked(channel: str = "sms") -> OtpRequested:
    return OtpRequested(challenge_id=CHALLENGE, channel=channel)


def sent(tmp_path: Path) -> str:
    [file] = (tmp_path / OUTBOX).iterdir()
    assert file.name == f"{CHALLENGE}.txt"
    assert file.stat().st_mode & 0o777 == 0o600
    return file.read_text()


async def test_in_development_a_code_lands_in_a_folder_people_can_read(
    stage: Stage, tmp_path: Path
) -> None:
    """Issue 4: the readable dev outbox, which masks whom it is for."""
    has_code(stage)
    await stage.say(asked())
    await until_state(stage, State.SUCCESS)

    text = sent(tmp_path)
    assert CODE in text
    assert "channel: sms" in text
    assert "+97798****4567" in text
    assert CHALLENGE in text
    assert PHONE not in text


async def test_it_is_said_in_the_language_that_was_asked_for(stage: Stage, tmp_path: Path) -> None:
    has_code(stage, language="ne", channel="email", recipient="maya@example.org")
    await stage.say(asked("email"))
    await until_state(stage, State.SUCCESS)

    text = sent(tmp_path)
    assert "कोड" in text
    assert "m***@example.org" in text


async def test_a_code_is_sent_once_however_often_it_is_told_of(
    stage: Stage, tmp_path: Path
) -> None:
    has_code(stage)
    for _ in range(2):
        await stage.say(asked())
    await until_state(stage, State.SUCCESS)

    assert CODE in sent(tmp_path)
    assert (await only_task(stage)).attempt == 1


async def test_the_ledger_says_neither_the_code_nor_whom_it_is_for(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    """Issue 4: not in the task row, its result, its log, a fact, or what is logged."""
    has_code(stage)
    await stage.say(asked())
    task = await until_state(stage, State.SUCCESS)
    outbox = stage.uow.ground.outbox
    async with stage.uow.read() as tx:
        logged = [row.event_data for row in await tx.session.scalars(select(TaskLog))]
        said = list(await tx.session.scalars(select(outbox.c.envelope)))
    kept = {column.name: getattr(task, column.name) for column in Task.__table__.columns}
    written = capsys.readouterr()

    everything = [json.dumps(logged), *said, str(kept), written.out, written.err]
    assert "dev_outbox.written" in written.out + written.err
    for text in everything:
        assert f'"{CODE}' not in text
        assert f"{CODE} is" not in text
        assert PHONE not in text


async def test_a_code_that_was_used_meanwhile_is_not_sent(stage: Stage, tmp_path: Path) -> None:
    error = {"code": "OTP_NOT_FOUND", "message": "There is no such code."}
    gone = httpx2.Response(404, json={"status": "error", "error": error})
    stage.peers.answers[f"GET users /internal/otp/{CHALLENGE}"] = lambda _: gone
    await stage.say(asked())
    task = await until_state(stage, State.FAILURE)

    assert task.error_message == "SUBJECT_GONE"
    assert not (tmp_path / OUTBOX).exists()


async def test_where_no_provider_was_set_up_the_task_says_so(
    tmp_path: Path,
) -> None:
    found = open_messengers(smtp_url=None, smtp_from="", data_dir=tmp_path, is_embedded=False)
    with pytest.raises(messengers.ProviderNotConfigured):
        await found.send(Message("r", "sms", PHONE, "s", CODE))
    assert not (tmp_path / OUTBOX).exists()


async def test_without_a_provider_a_task_fails_at_once_and_clearly(
    raise_stage: RaiseTasks, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = await raised(raise_stage, children=1)
    nobody = open_messengers(smtp_url=None, smtp_from="", data_dir=Path(), is_embedded=False)
    monkeypatch.setattr(messengers.Messengers, "send", nobody.send)
    has_code(stage)
    await stage.say(asked())
    task = await until_state(stage, State.FAILURE)

    assert task.error_message == "PROVIDER_NOT_CONFIGURED"


def test_email_goes_by_smtp_where_it_is_set_up_and_the_rest_to_the_folder(tmp_path: Path) -> None:
    found = open_messengers(
        smtp_url="smtps://mail.example.org", smtp_from="a@b.c", data_dir=tmp_path, is_embedded=True
    )
    assert isinstance(found._by_channel["email"], SmtpMessenger)
    assert isinstance(found._otherwise, messengers.DevOutbox)


@pytest.mark.parametrize(
    ("url", "port"),
    [("smtp://mail.example.org", 587), ("smtps://mail.example.org", 465), ("smtp://a.b:25", 25)],
)
def test_a_mail_server_listens_where_such_servers_do(url: str, port: int) -> None:
    assert SmtpMessenger(url, sender="a@b.c")._port == port


@pytest.mark.parametrize("url", ["http://mail.example.org", "smtp://", "mail.example.org"])
def test_a_url_that_is_no_mail_server_is_refused_at_the_start(url: str) -> None:
    with pytest.raises(ValueError, match="TASKS_SMTP_URL"):
        SmtpMessenger(url, sender="a@b.c")
