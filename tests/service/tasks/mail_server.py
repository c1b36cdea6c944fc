"""A mail server (RFC 5321) on a free port: it really listens, and answers as it is told to."""

import asyncio
import base64
import ipaddress
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "127.0.0.1"


@dataclass
class MailServer:
    """What it offers, what it answers to each verb, and what it was handed."""

    offers: tuple[str, ...] = ("STARTTLS", "AUTH PLAIN", "SMTPUTF8")
    answers: dict[str, str] = field(default_factory=dict)
    is_silent: bool = False
    tls: ssl.SSLContext | None = None
    port: int = 0
    heard: list[str] = field(default_factory=list)
    in_the_clear: list[str] = field(default_factory=list)
    letters: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)

    def url(self, scheme: str = "smtp", who: str = "") -> str:
        """What TASKS_SMTP_URL is for this server."""
        return f"{scheme}://{who}{HOST}:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Talk to one client until it leaves."""
        if self.is_silent:
            await reader.read()
            writer.close()
            return
        writer.write(b"220 mail.example.org ready\r\n")
        while line := (await reader.readline()).decode().strip():
            verb = line.partition(" ")[0].upper()
            self.heard.append(verb)
            if writer.get_extra_info("ssl_object") is None:
                self.in_the_clear.append(verb)
            writer.write(f"{self.answers.get(verb) or self.reply(verb, line)}\r\n".encode())
            if verb == "QUIT":
                break
            if verb == "STARTTLS" and verb not in self.answers:
                assert self.tls
                await writer.start_tls(self.tls)
            if verb == "DATA" and verb not in self.answers:
                raw = await reader.readuntil(b"\r\n.\r\n")
                letter = BytesParser(EmailMessage, policy=policy.default).parsebytes(raw[:-3])
                answer = self.answers.get("END", "250 taken")
                if answer.startswith("2"):
                    self.letters.append(letter)
                writer.write(f"{answer}\r\n".encode())
        writer.close()

    def reply(self, verb: str, line: str) -> str:
        """The answer to a verb that nobody said anything else about."""
        match verb:
            case "EHLO":
                return "\r\n".join(
                    ["250-mail.example.org", *(f"250-{o}" for o in self.offers), "250 8BITMIME"]
                )
            case "AUTH":
                given = base64.b64decode(line.rpartition(" ")[2]).split(b"\0")[1:]
                return "235 come in" if given == [b"redress", b"p@ss"] else "535 wrong"
            case "RCPT":
                self.recipients.append(line.partition("<")[2].partition(">")[0])
                return "250 ok"
            case "DATA":
                return "354 go on"
            case "QUIT":
                return "221 bye"
            case _:
                return "220 go on" if verb == "STARTTLS" else "250 ok"


@asynccontextmanager
async def listening(server: MailServer, *, is_tls: bool = False) -> AsyncIterator[MailServer]:
    """Have it listen; its connections end with the block."""
    opened: list[asyncio.StreamWriter] = []

    async def met(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        opened.append(writer)
        await server.serve(reader, writer)

    listener = await asyncio.start_server(met, HOST, 0, ssl=server.tls if is_tls else None)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        for writer in opened:
            writer.transport.abort()


def certified(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate for this machine, and what a server shows it with."""
    key, name = (
        ec.generate_private_key(ec.SECP256R1()),
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)]),
    )
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HOST))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    pem, secret = folder / "mail.crt", folder / "mail.key"
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, secret)
    return pem, context
