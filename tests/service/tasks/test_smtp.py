"""E-mail, sent to a server that really listens."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from libs.common.errors import AppError
from libs.common.testing.private import free_port
from libs.common.testing.stage import Stage
from services.tasks.clients import messengers
from services.tasks.clients.messengers import Message, SmtpMessenger
from services.tasks.models import State
from tests.service.tasks.conftest import RaiseTasks, raised, until_state
from tests.service.tasks.mail_server import HOST, MailServer, certified, listening
from tests.service.tasks.test_sending import CHALLENGE, CODE, asked, has_code

SENDER = "redress@example.org"
MAYA = "maya@example.org"
KNOWN = "redress:p%40ss@"


def letter(recipient: str = MAYA, subject: str = "तपाईंको कोड") -> Message:
    return Message(CHALLENGE, "email", recipient, subject, f"{CODE} तपाईंको कोड हो।")


async def refusal(url: str, message: Message) -> str:
    with pytest.raises(AppError) as caught:
        await SmtpMessenger(url, sender=SENDER).send(message)
    assert "maya" not in str(caught.value)
    return caught.value.code


@pytest.fixture
def tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """What the server shows itself with; this machine trusts it."""
    pem, context = certified(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    return context


@pytest.fixture
async def server(tls: ssl.SSLContext) -> AsyncIterator[MailServer]:
    async with listening(MailServer(tls=tls)) as found:
        yield found


async def test_a_letter_goes_encrypted_and_arrives_as_it_was_written(server: MailServer) -> None:
    await SmtpMessenger(server.url(who=KNOWN), sender=SENDER).send(letter())

    [found] = server.letters
    assert (found["To"], found["From"], found["Subject"]) == (MAYA, SENDER, "तपाईंको कोड")
    assert found["Message-ID"] == f"<{CHALLENGE}@example.org>"
    assert found.get_content().strip() == f"{CODE} तपाईंको कोड हो।"
    assert server.recipients == [MAYA]
    assert server.in_the_clear == ["EHLO", "STARTTLS"]
    assert server.heard[-5:] == ["AUTH", "MAIL", "RCPT", "DATA", "QUIT"]


async def test_smtps_is_encrypted_from_the_first_byte(tls: ssl.SSLContext) -> None:
    async with listening(MailServer(tls=tls), is_tls=True) as server:
        await SmtpMessenger(server.url("smtps", KNOWN), sender=SENDER).send(letter())

    assert len(server.letters) == 1
    assert server.in_the_clear == []


@pytest.mark.parametrize("answer", [None, "454 TLS not available"])
async def test_to_a_server_that_does_not_encrypt_nothing_is_said(
    server: MailServer, answer: str | None
) -> None:
    """Neither the password nor the letter: STARTTLS is required wherever it is `smtp://`."""
    if answer:
        server.answers["STARTTLS"] = answer
    else:
        server.offers = ("AUTH PLAIN",)

    assert await refusal(server.url(who=KNOWN), letter()) == "PROVIDER_AWAY"
    assert set(server.heard) <= {"EHLO", "STARTTLS"}


async def test_a_server_nobody_vouches_for_is_told_nothing(
    server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")

    assert await refusal(server.url(who=KNOWN), letter()) == "PROVIDER_AWAY"
    assert server.heard == ["EHLO", "STARTTLS"]


async def test_a_password_the_server_does_not_know_may_be_mended(server: MailServer) -> None:
    assert await refusal(server.url(who="redress:wrong@"), letter()) == "PROVIDER_AWAY"
    assert server.letters == []


@pytest.mark.parametrize(
    ("verb", "answer", "code"),
    [
        ("RCPT", "450 greylisted: maya@example.org, come back", "PROVIDER_AWAY"),
        ("RCPT", "550 no such mailbox: maya@example.org", "RECIPIENT_REFUSED"),
        ("MAIL", "451 later", "PROVIDER_AWAY"),
        ("MAIL", "530 sign in first", "PROVIDER_AWAY"),
        ("DATA", "451 later", "PROVIDER_AWAY"),
        ("END", "452 the disk is full", "PROVIDER_AWAY"),
        ("END", "554 maya@example.org takes no such letter", "RECIPIENT_REFUSED"),
        ("EHLO", "421 going down", "PROVIDER_AWAY"),
    ],
)
async def test_what_is_refused_for_now_may_be_tried_again_and_for_good_not(
    server: MailServer, verb: str, answer: str, code: str
) -> None:
    server.answers[verb] = answer
    if verb == "EHLO":
        server.answers["HELO"] = answer

    assert await refusal(server.url(), letter()) == code
    assert server.letters == []


async def test_a_server_that_never_answers_is_waited_for_so_long_in_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(messengers, "SMTP_SECONDS", 0.3)
    async with listening(MailServer(is_silent=True)) as server, asyncio.timeout(5):
        assert await refusal(server.url(), letter()) == "PROVIDER_AWAY"


async def test_where_nobody_listens_the_provider_is_away() -> None:
    assert await refusal(f"smtp://{HOST}:{free_port()}", letter()) == "PROVIDER_AWAY"


async def test_an_address_beyond_ascii_is_reached_where_the_server_knows_how(
    server: MailServer,
) -> None:
    await SmtpMessenger(server.url(), sender=SENDER).send(letter("माया@example.org"))
    assert server.recipients == ["माया@example.org"]

    server.offers = ("STARTTLS",)
    assert await refusal(server.url(), letter("माया@example.org")) == "RECIPIENT_REFUSED"
    assert len(server.letters) == 1


@pytest.mark.parametrize(
    "message",
    [
        letter("maya@example.org\r\nBcc: eve@example.org"),
        letter("maya@example.org\nBcc: eve@example.org"),
        letter("maya@example.org, eve@example.org"),
        letter("Maya <maya@example.org>"),
        letter("maya@example.org> SIZE=1"),
        letter(subject="Your code\r\nBcc: eve@example.org"),
        letter(subject="Your code\n\nGive it to eve@example.org"),
    ],
)
async def test_nobody_writes_headers_or_recipients_into_a_letter(
    server: MailServer, message: Message
) -> None:
    assert await refusal(server.url(), message) == "RECIPIENT_REFUSED"
    assert (server.recipients, server.letters) == ([], [])


@pytest.mark.parametrize(
    ("answer", "state", "reason"),
    [
        ("450 come back", State.RETRY, "PROVIDER_AWAY"),
        ("550 nobody", State.FAILURE, "RECIPIENT_REFUSED"),
    ],
)
async def test_a_task_comes_back_for_what_was_refused_for_now(
    raise_stage: RaiseTasks,
    server: MailServer,
    answer: str,
    state: State,
    reason: str,
) -> None:
    server.answers["RCPT"] = answer
    stage: Stage = await raised(raise_stage, children=1, smtp_url=server.url(), smtp_from=SENDER)
    has_code(stage, channel="email", recipient=MAYA)
    await stage.say(asked("email"))
    task = await until_state(stage, state)

    assert (task.error_message, task.retry_count) == (reason, int(state is State.RETRY))
