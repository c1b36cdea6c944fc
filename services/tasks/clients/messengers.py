"""Messengers: what carries a short text to a person. One port, and what stands behind it.

In an installation of one process, messages land in a folder, to be read by whoever develops or
tries it out. Anywhere else a channel that was not set up refuses: a code is never thought sent.
"""

import asyncio
import os
import smtplib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from libs.common.errors import NotFound, Unavailable
from libs.common.logging import get_logger
from libs.common.masks import HIDDEN, masked_email, masked_phone

log = get_logger(__name__)

EMAIL = "email"
OUTBOX = "outbox"
SMTPS = "smtps"
SMTP_SECONDS = 20.0
ANSWER_SECONDS = 10.0
"""The library's own limit is for each answer: the total one is ours."""
FOR_GOOD = 500
PORTS = {"smtp": 587, SMTPS: 465}


class ProviderNotConfigured(NotFound):
    """Nothing here sends over this channel: trying again changes nothing."""

    code = "PROVIDER_NOT_CONFIGURED"


class ProviderAway(Unavailable):
    """The provider did not take the message. Trying later may help."""

    code = "PROVIDER_AWAY"


class RecipientRefused(NotFound):
    """The provider takes no messages for this recipient."""

    code = "RECIPIENT_REFUSED"


@dataclass(frozen=True, slots=True)
class Message:
    """What is to be said to whom. `reference` is the same when it is sent again."""

    reference: str
    channel: str
    recipient: str
    subject: str
    text: str


class Messenger(Protocol):
    """Carries messages."""

    async def send(self, message: Message) -> None:
        """Hand `message` over. Raises ProviderNotConfigured, ProviderAway, RecipientRefused."""
        ...


class DevOutbox:
    """A folder of messages for people to read; sent again, a message takes its own place."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def send(self, message: Message) -> None:
        """Write `message` down, all of it or nothing."""
        await asyncio.to_thread(self._write, message)
        log.info("dev_outbox.written", channel=message.channel, reference=message.reference)

    def _write(self, message: Message) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._folder / f"{message.reference}.txt"
        part = path.with_suffix(f".{os.getpid()}.part")
        lines = [
            f"channel: {message.channel}",
            f"to: {shown(message)}",
            f"reference: {message.reference}",
            f"subject: {message.subject}",
            "",
            message.text,
        ]
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        with os.fdopen(os.open(part, flags, 0o600), "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        part.replace(path)


class SmtpMessenger:
    """E-mail by SMTP: encrypted from the first byte (`smtps`), or from STARTTLS on (`smtp`)."""

    def __init__(self, url: str, *, sender: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in PORTS or not parts.hostname:
            raise ValueError("TASKS_SMTP_URL is smtp://user:password@host:587, or smtps://…:465.")
        self._scheme = parts.scheme
        self._host, self._port = parts.hostname, parts.port or PORTS[parts.scheme]
        self._user = unquote(parts.username or "")
        self._password = unquote(parts.password or "")
        self._sender = sender

    async def send(self, message: Message) -> None:
        """Hand `message` to the mail server; what that refuses for good is not tried again."""
        letter = self._letter(message)
        try:
            async with asyncio.timeout(SMTP_SECONDS):
                await asyncio.to_thread(self._send, letter, message.recipient)
        except (TimeoutError, OSError, smtplib.SMTPException):
            # What the server said may name the recipient: it is not passed on.
            raise ProviderAway("The mail server did not take the message.") from None

    def _letter(self, message: Message) -> EmailMessage:
        """Raises RecipientRefused for what is not the address of one person, or no subject."""
        letter = EmailMessage()
        try:
            letter["From"], letter["To"] = self._sender, message.recipient
            letter["Subject"] = message.subject
        except ValueError:
            raise _refused() from None
        if [each.addr_spec for each in letter["To"].addresses] != [message.recipient]:
            raise _refused()
        letter["Message-ID"] = f"<{message.reference}@{self._sender.rpartition('@')[2]}>"
        letter.set_content(message.text)
        return letter

    def _send(self, letter: EmailMessage, recipient: str) -> None:
        with self._connected() as server:
            if self._user:
                server.login(self._user, self._password)
            try:
                server.send_message(letter, self._sender, recipient)
            except smtplib.SMTPException as error:
                if _is_for_good(error):
                    raise _refused() from None
                raise

    def _connected(self) -> smtplib.SMTP:
        context = ssl.create_default_context()
        if self._scheme == SMTPS:
            return smtplib.SMTP_SSL(self._host, self._port, timeout=ANSWER_SECONDS, context=context)
        server = smtplib.SMTP(self._host, self._port, timeout=ANSWER_SECONDS)
        try:
            server.starttls(context=context)
        except BaseException:
            server.close()
            raise
        return server


def _is_for_good(error: smtplib.SMTPException) -> bool:
    """Whether trying again would change nothing: a 4xx passes, a 5xx stays (RFC 5321, 4.2.1)."""
    match error:
        case smtplib.SMTPRecipientsRefused():
            return all(code >= FOR_GOOD for code, _ in error.recipients.values())
        case smtplib.SMTPDataError():
            return error.smtp_code >= FOR_GOOD
        case _:
            # An address beyond ASCII, and a server that does not know SMTPUTF8.
            return isinstance(error, smtplib.SMTPNotSupportedError)


def _refused() -> RecipientRefused:
    return RecipientRefused("The mail server does not take this recipient.")


class Messengers:
    """The messenger of each channel, and one for all others, if there is one."""

    def __init__(self, by_channel: Mapping[str, Messenger], *, otherwise: Messenger | None) -> None:
        self._by_channel = by_channel
        self._otherwise = otherwise

    async def send(self, message: Message) -> None:
        """Hand `message` to whoever sends over its channel. Raises ProviderNotConfigured."""
        messenger = self._by_channel.get(message.channel, self._otherwise)
        if messenger is None:
            raise ProviderNotConfigured("No provider sends over this channel.")
        await messenger.send(message)


def open_messengers(
    *, smtp_url: str | None, smtp_from: str, data_dir: Path, is_embedded: bool
) -> Messengers:
    """The messengers an installation has."""
    by_channel: dict[str, Messenger] = {}
    if smtp_url:
        by_channel[EMAIL] = SmtpMessenger(smtp_url, sender=smtp_from)
    outbox = DevOutbox(data_dir / OUTBOX) if is_embedded else None
    return Messengers(by_channel, otherwise=outbox)


def shown(message: Message) -> str:
    """The recipient as anybody may read it: `+97798****5678`, `s***@example.org`."""
    mask = masked_email if message.channel == EMAIL else masked_phone
    return mask(message.recipient) or HIDDEN
