"""A long log, heard once as it happened and then replayed: the links must be the same, bytewise."""

import asyncio
import hashlib
import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
from pydantic import SecretStr
from sqlalchemy import text

from libs.common.bus.factory import open_bus
from libs.common.bus.protocol import Delivery, Message
from libs.common.clock import utc_now
from libs.common.contracts.grievance import (
    GrievanceClassified,
    GrievanceNoteAdded,
    GrievanceStatusChanged,
    GrievanceSubmitted,
)
from libs.common.crypto.keyring import Keyring
from libs.common.db.migrations import migrate
from libs.common.db.uow import UnitOfWork
from libs.common.events import Envelope, Event
from libs.common.ids import new_id, reference
from libs.common.messaging.log import Entry, Wanted, read_log
from libs.common.messaging.relay import Relay
from libs.common.settings import SharedSettings
from libs.common.tokens import Signer
from libs.common.web.client import ServiceClient
from scripts.feedproof.bells import Site
from services.chat.app import create_app as create_chat
from services.chat.clients import CaseLog
from services.chat.domain.relinking import rebuild
from services.chat.domain.thread import blank_state
from services.chat.events import hears
from services.chat.models import (
    Channel,
    Conversation,
    ConversationStatus,
    conversation_subject,
)
from services.chat.settings import ChatSettings
from services.grievance.app import create_app as create_grievance
from services.grievance.settings import GrievanceSettings

PLAN = 20261121
BATCH = 500
LANES = 10
FROM_CHAT = 0.4
PROTECTED = 0.05
MOVES = [
    "acknowledged",
    "under_evaluation",
    "in_progress",
    "under_evaluation",
    "resolved",
    "closed",
]
DUMP = "SELECT grievance_id, conversation_id, status, changed_at FROM {table} ORDER BY 1"


@dataclass(frozen=True)
class Numbers:
    """How much of it."""

    events: int
    conversations: int


class Tower:
    """Takes everything and tells nobody: the log is the subject here, not the bus."""

    async def publish(self, messages: Sequence[Message]) -> int:
        return len(messages)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


class Apart(httpx2.AsyncBaseTransport):
    """Calls an app of this process as if it were another: what it sets stays with it."""

    def __init__(self, app: Any) -> None:
        self._inner = httpx2.ASGITransport(app)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        return await asyncio.create_task(self._inner.handle_async_request(request))


@dataclass
class Both:
    """Grievance and chat, as they are, without their servers."""

    grievance: UnitOfWork
    chat: UnitOfWork
    log: CaseLog


@asynccontextmanager
async def services(site: Site) -> AsyncIterator[Both]:
    """Both services on migrated schemas; chat asks grievance by HTTP, past its guard."""
    shared = SharedSettings(data_dir=site.folder, keys_dir=site.folder / "keys")
    Keyring.create(shared.keys / "keyring.json")
    signer = Signer.at("chat", shared.keys)
    bus = open_bus(site.bus_url, name="proof", prefix=site.prefix)
    urls = {
        name: SecretStr(site.database_url.replace("proof.db", f"{name}.db"))
        for name in ("grievance", "chat")
    }
    grievance = create_grievance(
        GrievanceSettings(shared=shared, database_url=urls["grievance"]), bus=bus
    )
    chat = create_chat(ChatSettings(shared=shared, database_url=urls["chat"]), bus=bus)
    for name, app in (("grievance", grievance), ("chat", chat)):
        await migrate(app.state.service.database, name)
    async with httpx2.AsyncClient(transport=Apart(grievance)) as http:
        peer = ServiceClient("grievance", http, "http://grievance", signer, seconds=3.0)
        yield Both(grievance.state.uow, chat.state.uow, CaseLog(peer))
    for app in (grievance, chat):
        await app.state.service.http.aclose()
        await app.state.service.cache.close()
        await app.state.service.database.close()


async def replay(site: Site, numbers: Numbers) -> bool:
    """Whether the links after a replay are those of before, whatever was done to the table."""
    async with services(site) as both:
        with _timed(f"{numbers.events} events written and placed"):
            talks = await _open(both.chat, numbers.conversations)
            await _write(both.grievance, talks, numbers.events)
        with _timed("heard live, by chat's own consumer"):
            await _hear(both)
        before = await _dump(both.chat)
        good = True
        for name, damage in DAMAGES.items():
            await _do(both.chat, damage)
            began = time.monotonic()
            done = await rebuild(both.chat, both.log)
            after = await _dump(both.chat)
            good = good and after == before and not done.left
            seconds = time.monotonic() - began
            verdict = "byte-equal" if after == before else "DIFFERENT"
            print(f"  {name}: {done.events} filings and moves replayed in {seconds:.1f} s;", end="")
            print(f" {done.written} written, {done.removed} removed; {verdict}", flush=True)
        digest = hashlib.sha256(before).hexdigest()[:16]
        print(f"  {len(before.splitlines())} links, {len(before)} bytes, sha256 {digest}…")
        return good and bool(before)


GHOST = """
    INSERT INTO {table} (grievance_id, conversation_id, status, changed_at)
    SELECT 'GHOST', id, 'pending', started_at FROM {talks} LIMIT 1"""
LATER = "'2030-01-01 00:00:00.000000'"

DAMAGES = {
    "table emptied": ("DELETE FROM {table}",),
    "table spoiled": (
        "UPDATE {table} SET status = 'resolved' WHERE grievance_id LIKE '%A%'",
        f"UPDATE {{table}} SET changed_at = {LATER} WHERE grievance_id LIKE '%B%'",
        "DELETE FROM {table} WHERE grievance_id LIKE '%C%'",
        GHOST,
    ),
    "nothing wrong": (),
}


class _timed:  # noqa: N801 - reads as a statement
    def __init__(self, what: str) -> None:
        self._what = what
        self._began = time.monotonic()

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            print(f"  {self._what} in {time.monotonic() - self._began:.1f} s", flush=True)


async def _open(uow: UnitOfWork, many: int) -> list[str]:
    """Conversations for cases to be filed from."""
    ids = [new_id() for _ in range(many)]
    for start in range(0, many, BATCH):
        async with uow.begin() as tx:
            for each in ids[start : start + BATCH]:
                tx.session.add(
                    Conversation(
                        id=each,
                        owner="guest-1",
                        opening_key=None,
                        channel=Channel.WEB_CHAT,
                        status=ConversationStatus.ACTIVE,
                        locale="ne",
                        restricted=False,
                        state=blank_state(tx.vault.create(conversation_subject(each)), each),
                        last_seq=0,
                        version=1,
                        started_at=utc_now(),
                        ended_at=None,
                    )
                )
    return ids


async def _write(uow: UnitOfWork, talks: list[str], many: int) -> None:
    """The lives of many cases, all mixed, in grievance's outbox; and each event its place."""
    said = _lives(random.Random(PLAN), talks, many)
    for start in range(0, many, BATCH):
        async with uow.begin() as tx:
            for event, is_protected in said[start : start + BATCH]:
                tx.publish(event, restricted=is_protected)
    relay = Relay(uow, Tower())
    while await relay._step():  # noqa: SLF001
        continue
    await relay.drain()


def _lives(plan: random.Random, talks: list[str], many: int) -> list[tuple[Event, bool]]:
    going: list[tuple[list[Event], bool]] = []
    said: list[tuple[Event, bool]] = []
    while len(said) < many:
        if len(going) < 200:  # noqa: PLR2004 - cases open at a time
            going.append((_life(plan, talks), plan.random() < PROTECTED))
        number = plan.randrange(len(going))
        events, is_protected = going[number]
        said.append((events.pop(0), is_protected))
        if not events:
            going.pop(number)
    return said


def _life(plan: random.Random, talks: list[str]) -> list[Event]:
    """What is said of one case: filed, read, noted, moved to and fro."""
    case = reference("GRV", 2026)
    is_ours = plan.random() < FROM_CHAT
    events: list[Event] = [
        GrievanceSubmitted(
            grievance_id=case,
            channel="chat" if is_ours else "web",
            filed_by="guest-1",
            has_contact=False,
            conversation_id=plan.choice(talks) if is_ours else None,
            file_ids=[],
        ),
        GrievanceClassified(
            grievance_id=case, categories=["ACCESS_WATER"], classification_status="suggested"
        ),
        GrievanceNoteAdded(grievance_id=case, note_id=new_id(), by="user:1"),
    ]
    at = "pending"
    for to in MOVES[: plan.randrange(len(MOVES) + 1)]:
        events.append(
            GrievanceStatusChanged(
                grievance_id=case, from_status=at, to_status=to, action="act", level=1
            )
        )
        at = to
    return events


async def _hear(both: Both) -> None:
    """Every event once, in order for each case, several cases side by side, as the bus does it."""
    consumer, queues = hears(), [asyncio.Queue[Entry | None](100) for _ in range(LANES)]

    async def lane(queue: "asyncio.Queue[Entry | None]") -> None:
        while entry := await queue.get():
            told = Envelope.model_validate_json(entry.envelope)
            if told.type in consumer.topics:
                message = Message(told.id, told.type, entry.envelope, told.restricted)
                await consumer._receive(Delivery(message, 1), both.chat)  # noqa: SLF001

    async with asyncio.TaskGroup() as group:
        for queue in queues:
            group.create_task(lane(queue))
        after, has_more = 0, True
        while has_more:
            async with both.grievance.read() as tx:
                page = await read_log(
                    tx.session,
                    both.grievance.ground,
                    Wanted(restricted=True),
                    after=after,
                    limit=BATCH,
                )
            for entry in page.entries:
                subject = Envelope.model_validate_json(entry.envelope).subject
                await queues[hash(subject) % LANES].put(entry)
            after, has_more = page.position, page.has_more
        for queue in queues:
            await queue.put(None)


async def _dump(uow: UnitOfWork) -> bytes:
    """The table as the database tells it, sorted by its key."""
    async with uow.read() as tx:
        rows = await tx.session.execute(text(DUMP.format(**_names(uow))))
        return "".join("|".join(str(value) for value in row) + "\n" for row in rows).encode()


async def _do(uow: UnitOfWork, statements: Sequence[str]) -> None:
    async with uow.begin() as tx:
        for each in statements:
            await tx.session.execute(text(each.format(**_names(uow))))


def _names(uow: UnitOfWork) -> dict[str, str]:
    prefix = "" if uow.database.is_sqlite else "chat."
    return {"table": f"{prefix}case_links", "talks": f"{prefix}conversations"}
