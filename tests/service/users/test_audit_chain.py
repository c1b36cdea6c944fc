"""The audit log is only ever added to; whoever changes it all the same is found out."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from libs.common.chain import link
from libs.common.clock import utc_now
from libs.common.contracts.audit import AuditRecorded
from libs.common.events import Envelope
from libs.common.principal import Role
from libs.common.testing.stage import Stage, until
from libs.common.tokens import Signer
from services.users.domain.sealing import Seal, day_of, seal_day
from services.users.domain.verifying import Report, verify
from services.users.models import AuditRow
from services.users.repository.audit import CONTENT, AuditRepository

ROWS = 8
LATER = utc_now() + timedelta(days=2)
PLACES = (1, 4, ROWS)
STRANGE = ("'abc'", "X'ff'", "CAST(X'ff' AS TEXT)", "1e999", "-5", "1000000000000000000")
"""What SQLite keeps in any column, and this program never writes."""
Tamper = Callable[..., Awaitable[None]]


def an_act(number: int) -> AuditRecorded:
    return AuditRecorded(
        who=f"user:{number}", act="case_acted", target=f"case:{number}", details={"n": number}
    )


async def head_of(stage: Stage) -> int:
    async with stage.uow.read() as tx:
        head = await AuditRepository(tx.session).head()
    return head.position if head else 0


@pytest.fixture
async def chain(stage: Stage) -> int:
    """A log of `ROWS` rows: what the first start said, and acts of another service."""

    async def is_quiet() -> bool:
        return await head_of(stage) == len(await stage.said(AuditRecorded)) > 0

    await until(is_quiet)
    begun = await head_of(stage)
    assert begun < ROWS
    for number in range(begun + 1, ROWS + 1):
        await stage.say(an_act(number), source="grievance", restricted=True)
    return ROWS


@pytest.fixture
def folder(stage: Stage) -> Path:
    found: Path = stage.service.settings.audit_seals  # type: ignore[attr-defined]
    return found


@pytest.fixture
def tamper(stage: Stage, chain: int) -> Tamper:
    """Do this to the tables, as somebody who owns the database would: past the triggers."""

    async def do(*statements: str, **values: object) -> None:
        async with stage.uow.begin() as tx:
            for statement in (*_without_triggers(stage), *statements):
                await tx.session.execute(text(statement), values if ":" in statement else {})

    return do


def _without_triggers(stage: Stage) -> list[str]:
    tables = ("audit_log", "chain_seals")
    if stage.service.database.is_sqlite:
        verbs = ("update", "delete", "replace")
        return [f"DROP TRIGGER IF EXISTS {table}_no_{verb}" for table in tables for verb in verbs]
    return [f"DROP TRIGGER IF EXISTS {table}_no_change ON {table}" for table in tables]


@pytest.fixture
def verified(stage: Stage, folder: Path) -> Callable[[], Awaitable[Report]]:
    async def run() -> Report:
        return await verify(stage.uow, stage.service.keys, folder)

    return run


Verified = Callable[[], Awaitable[Report]]


async def test_a_log_nobody_touched_holds(chain: int, verified: Verified) -> None:
    """Issue 4: `make verify-audit`."""
    assert await verified() == Report(rows=ROWS, seals=0)


async def test_an_empty_log_has_no_fault_of_its_own(
    stage: Stage, tamper: Tamper, verified: Verified
) -> None:
    await tamper("DELETE FROM audit_log", "DELETE FROM chain_heads")

    assert await verified() == Report(rows=0, seals=0)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    "change",
    ["who = 'user:0'", "at = at_of_another", "restricted = NOT restricted", "target = NULL"],
)
async def test_an_edited_row_is_named(
    tamper: Tamper, verified: Verified, place: int, change: str
) -> None:
    """Reliability 3 row 39: update."""
    other = "(SELECT at FROM audit_log WHERE position = :other)"
    change = change.replace("at_of_another", other)
    await tamper(
        f"UPDATE audit_log SET {change} WHERE position = :place",  # noqa: S608
        place=place,
        **({"other": 2} if ":other" in change else {}),
    )

    assert await _wrong(verified) == f"row {place}: its content was changed"


async def test_a_row_nobody_can_read_any_more_is_named(
    stage: Stage, tamper: Tamper, verified: Verified
) -> None:
    if not stage.service.database.is_sqlite:
        pytest.skip("PostgreSQL keeps its types")
    await tamper("UPDATE audit_log SET details = '{' WHERE position = 4")

    assert await _wrong(verified) == "row 4: its content was changed"


async def test_a_row_of_what_is_no_text_at_all_is_named(
    stage: Stage, tamper: Tamper, verified: Verified
) -> None:
    """SQLite keeps any kind of value in any column; nothing of ours writes bytes there."""
    if not stage.uow.database.is_sqlite:
        pytest.skip("PostgreSQL holds to the types of its columns")
    await tamper("UPDATE audit_log SET who = X'ff' WHERE position = :place", place=3)

    assert await _wrong(verified) == "row 3: its content was changed"


@pytest.mark.parametrize("value", [*STRANGE, "'['"])
@pytest.mark.parametrize(
    "column", ["event_id", "who", "restricted", "details", "at", "previous", "hash"]
)
async def test_a_value_of_a_wrong_kind_is_a_row_that_was_changed(
    stage: Stage, tamper: Tamper, verified: Verified, column: str, value: str
) -> None:
    if not stage.uow.database.is_sqlite:
        pytest.skip("PostgreSQL holds to the types of its columns")
    await tamper(f"UPDATE audit_log SET {column} = {value} WHERE position = 7")  # noqa: S608

    assert (await _wrong(verified) or "").startswith(("row 7: it", "row 6: it"))


async def test_a_restricted_row_that_no_list_would_show_is_named(
    stage: Stage, chain: int, tamper: Tamper, verified: Verified
) -> None:
    if not stage.uow.database.is_sqlite:
        pytest.skip("PostgreSQL holds to the types of its columns")
    secret = an_act(chain + 1).model_copy(update={"is_restricted": True})
    await stage.say(secret, source="grievance", restricted=True)
    assert await _wrong(verified) is None
    await tamper("UPDATE audit_log SET restricted = 5 WHERE position = :place", place=chain + 1)

    assert await _wrong(verified) == f"row {chain + 1}: its content was changed"


@pytest.mark.parametrize("value", STRANGE)
@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("chain_heads", "position"),
        ("chain_heads", "hash"),
        ("chain_seals", "position"),
        ("chain_seals", "hash"),
        ("chain_seals", "day"),
        ("chain_seals", "signature"),
        ("chain_seals", "sealed_at"),
    ],
)
async def test_a_head_or_a_seal_of_a_wrong_kind_is_found_out(
    stage: Stage, tamper: Tamper, verified: Verified, folder: Path, table: str, column: str,
    value: str,
) -> None:  # fmt: skip
    if not stage.uow.database.is_sqlite:
        pytest.skip("PostgreSQL holds to the types of its columns")
    await seal_day(stage.uow, stage.service.signer, folder, now=LATER)
    await tamper(f"UPDATE {table} SET {column} = {value}")  # noqa: S608

    wrong = await _wrong(verified)
    assert wrong is not None
    assert ("seal" if table == "chain_seals" else "head") in wrong or wrong.startswith("row ")


@pytest.mark.parametrize("place", PLACES)
async def test_a_deleted_row_is_named(tamper: Tamper, verified: Verified, place: int) -> None:
    """Reliability 3 row 39: delete, and truncate the tail by one."""
    await tamper("DELETE FROM audit_log WHERE position = :place", place=place)

    wrong = await _wrong(verified)
    assert wrong is not None
    assert wrong.startswith(f"row {place}: it was {'cut off' if place == ROWS else 'deleted'}")


@pytest.mark.parametrize("place", [2, 4, ROWS + 1])
async def test_a_row_put_in_is_named(
    stage: Stage, tamper: Tamper, verified: Verified, place: int
) -> None:
    """Reliability 3 row 39: insert, with every following row moved to make room."""
    await tamper(
        "UPDATE audit_log SET position = -position - 1 WHERE position >= :place",
        "UPDATE audit_log SET position = -position WHERE position < 0",
        "UPDATE chain_heads SET position = position + 1",
        place=place,
    )
    await _forge(stage, place)

    wrong = await _wrong(verified)
    assert wrong is not None
    assert wrong.startswith(f"row {place}: it was ")


async def test_a_row_before_the_first_is_named(
    stage: Stage, tamper: Tamper, verified: Verified
) -> None:
    """Reliability 3 row 39: insert, where nobody would look."""
    await tamper("UPDATE audit_log SET position = -5 WHERE position = 1")

    assert await _wrong(verified) == "row -5: it was put in later"


@pytest.mark.parametrize(("one", "other"), [(1, 2), (3, 6), (1, ROWS)])
async def test_rows_that_changed_places_are_named(
    tamper: Tamper, verified: Verified, one: int, other: int
) -> None:
    """Reliability 3 row 39: reorder."""
    await tamper(
        "UPDATE audit_log SET position = -1 WHERE position = :one",
        "UPDATE audit_log SET position = :one WHERE position = :other",
        "UPDATE audit_log SET position = :other WHERE position = -1",
        one=one,
        other=other,
    )

    wrong = await _wrong(verified)
    assert wrong is not None
    assert wrong.startswith(f"row {one}: it stood elsewhere")


async def test_a_cut_tail_is_named_by_the_head(tamper: Tamper, verified: Verified) -> None:
    """Reliability 3 row 39: truncate tail."""
    await tamper("DELETE FROM audit_log WHERE position > 3")

    assert await _wrong(verified) == (
        "row 4: it was cut off, with whatever came after it (the head tells)"
    )


async def test_a_cut_tail_is_named_by_a_seal_when_the_head_was_set_back(
    stage: Stage, tamper: Tamper, verified: Verified, folder: Path
) -> None:
    """Reliability 3 row 39: the file outlives what was done to the tables."""
    await seal_day(stage.uow, stage.service.signer, folder, now=LATER)
    await tamper(
        "DELETE FROM chain_seals",
        "DELETE FROM audit_log WHERE position > 3",
        "UPDATE chain_heads SET position = 3, "
        "hash = (SELECT hash FROM audit_log WHERE position = 3)",
    )
    day = day_of(LATER - timedelta(days=1))

    assert await _wrong(verified) == (
        f"row 4: it was cut off, with whatever came after it (the file {day}.json tells)"
    )


async def test_a_tail_written_anew_is_named_by_a_seal(
    stage: Stage, tamper: Tamper, verified: Verified, folder: Path
) -> None:
    """Reliability 3 row 39: a chain that is whole, and is another one."""
    await seal_day(stage.uow, stage.service.signer, folder, now=LATER)
    last = f"position = {ROWS}"
    await tamper(f"DELETE FROM audit_log WHERE {last}")  # noqa: S608
    forged = await _forge(stage, ROWS)
    await tamper("UPDATE chain_heads SET hash = :hash", hash=forged)

    wrong = await _wrong(verified)
    assert wrong is not None
    assert wrong.startswith(f"row {ROWS}: it is not the row that was sealed")


async def test_a_row_behind_the_head_is_named(
    stage: Stage, tamper: Tamper, verified: Verified
) -> None:
    await _forge(stage, ROWS + 1)
    assert (await _wrong(verified) or "").startswith(f"row {ROWS + 1}: the head does not know")

    await tamper("DELETE FROM chain_heads")
    assert (await _wrong(verified) or "").startswith("row 1: the head does not know")


async def test_a_seal_that_we_did_not_sign_is_refused(
    stage: Stage, tamper: Tamper, verified: Verified, folder: Path
) -> None:
    """Issue 4, audit: signature too."""
    seal = await seal_day(stage.uow, stage.service.signer, folder, now=LATER)
    assert seal is not None
    file = folder / f"{seal.day}.json"
    kept = file.read_text()
    raw = json.loads(kept)
    stranger = stage.signers["grievance"].attest(b"audit|2026-03-02|1|00")
    told = {
        "is not signed by a key of ours": {"signature": seal.signature[:-8] + "AAAAAAAA"},
        "was signed for something else": {"position": 3},
        f"the file {file.name} was signed": {"signature": stranger},
        "is no seal": {"hash": "xyz"},
    }
    for words, change in told.items():
        file.write_text(json.dumps(raw | change))
        assert words in (await _wrong(verified) or "")
    file.write_text(kept)
    assert await _wrong(verified) is None

    await tamper("UPDATE chain_seals SET position = 3")
    assert (await _wrong(verified) or "") == f"the seal of {seal.day} was signed for something else"


async def test_a_day_is_sealed_once_and_its_file_is_written_again_when_it_is_gone(
    stage: Stage, chain: int, folder: Path, verified: Verified
) -> None:
    """Issue 4, audit: daily head."""
    first = await seal_day(stage.uow, stage.service.signer, folder, now=LATER)
    assert first is not None
    file = folder / f"{first.day}.json"
    content = file.read_text()
    file.unlink()
    await stage.say(an_act(99), source="grievance", restricted=True)
    again = await seal_day(stage.uow, stage.service.signer, folder, now=LATER)

    assert again == first
    assert file.read_text() == content
    assert file.stat().st_mode & 0o777 == 0o644
    assert Seal.from_json(content, name=first.mark.name) == first
    assert first.mark.position == ROWS
    assert await verified() == Report(rows=ROWS + 1, seals=2)


async def test_a_day_before_the_first_act_is_not_sealed(
    stage: Stage, chain: int, folder: Path
) -> None:
    yesterday = utc_now() - timedelta(days=1)

    assert await seal_day(stage.uow, stage.service.signer, folder, now=yesterday) is None
    assert not folder.exists()


async def test_what_is_signed_is_no_token(stage: Stage, chain: int, folder: Path) -> None:
    """Reliability 3 row 6: a signature made for one thing is good for nothing else."""
    seal = await seal_day(stage.uow, stage.service.signer, folder, now=LATER)
    assert seal is not None
    headers = {"Authorization": f"Bearer {seal.signature}"}

    answer = await stage.client().get("/api/v1/audit", headers=headers)

    assert answer.status_code == 401


async def test_acts_said_at_once_are_one_chain(
    stage: Stage, chain: int, verified: Verified
) -> None:
    """The head is the lock: subjects are heard side by side, and rows are added one by one."""
    said = [Envelope.of(an_act(n), source="chat", restricted=True) for n in range(100, 140)]
    await asyncio.gather(*(stage.publish(envelope) for envelope in said))
    await asyncio.gather(*(stage.publish(envelope) for envelope in said))

    async def heard() -> bool:
        return await head_of(stage) == ROWS + len(said)

    await until(heard)
    assert await verified() == Report(rows=ROWS + len(said), seals=0)


async def test_a_row_keeps_the_time_of_the_act(stage: Stage, chain: int) -> None:
    envelope = Envelope.of(an_act(77), source="files", restricted=True)
    await stage.publish(envelope)

    async def is_kept() -> bool:
        async with stage.uow.read() as tx:
            page = await AuditRepository(tx.session).links(after=ROWS, up_to=ROWS + 1, limit=1)
        return [each.row["at"] for each in page] == [envelope.time]

    await until(is_kept)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_log SET who = 'nobody' WHERE position = 1",
        "DELETE FROM audit_log WHERE position = 1",
        "UPDATE chain_seals SET position = 1",
        "DELETE FROM chain_seals",
    ],
)
async def test_the_database_itself_refuses_to_change_the_log(
    stage: Stage, chain: int, folder: Path, statement: str
) -> None:
    """Reliability 3 row 39, issue 4: append-only."""
    await seal_day(stage.uow, stage.service.signer, folder, now=LATER)

    with pytest.raises(DBAPIError, match="only ever added to"):
        async with stage.service.database.write() as session:
            await session.execute(text(statement))


async def test_a_row_is_not_replaced_by_another(stage: Stage, chain: int, folder: Path) -> None:
    """SQLite deletes what is in the way of INSERT OR REPLACE without a word to its triggers."""
    await seal_day(stage.uow, stage.service.signer, folder, now=LATER)
    row = ["event_id", "service", "'nobody'", "act", "details", "restricted", "at", "previous"]
    into = "position, event_id, service, who, act, details, restricted, at, previous, hash"
    verb, after = "INSERT OR REPLACE", ""
    if not stage.service.database.is_sqlite:
        verb, after = "INSERT", "ON CONFLICT (position) DO UPDATE SET who = excluded.who"
    places = {"position": row, "position + 1000": row, "position + 2000": ["'new'", *row[1:]]}

    refused = []
    for place, columns in places.items():
        copied = f"SELECT {place}, {', '.join(columns)}, hash FROM audit_log WHERE position = 1"  # noqa: S608
        try:
            async with stage.service.database.write() as session:
                await session.execute(text(f"{verb} INTO audit_log ({into}) {copied} {after}"))
        except DBAPIError as error:
            refused.append((place, "only ever added to" in str(error)))

    if stage.service.database.is_sqlite:
        assert refused == [("position", True), ("position + 1000", True)]
    else:
        assert refused == [(place, True) for place in places]


async def test_a_seal_is_not_replaced_by_another(stage: Stage, chain: int, folder: Path) -> None:
    if not stage.service.database.is_sqlite:
        pytest.skip("PostgreSQL has no INSERT OR REPLACE")
    await seal_day(stage.uow, stage.service.signer, folder, now=LATER)

    with pytest.raises(DBAPIError, match="only ever added to"):
        async with stage.service.database.write() as session:
            await session.execute(
                text("INSERT OR REPLACE INTO chain_seals SELECT * FROM chain_seals")
            )


async def test_nobody_changes_the_log_through_the_door(stage: Stage) -> None:
    client = stage.client(Role.SUPER_ADMIN)
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        answer = await client.request(method, "/api/v1/audit")
        assert answer.status_code == 405


async def test_seals_are_signed_by_users_alone(stage: Stage, chain: int, folder: Path) -> None:
    """A seal any other service of ours signed is none."""
    stranger: Signer = stage.signers["chat"]
    seal = await seal_day(stage.uow, stranger, folder, now=LATER)

    assert seal is not None
    report = await verify(stage.uow, stage.service.keys, folder)
    assert report.wrong is not None
    assert "signed for something else" in report.wrong


async def _wrong(verified: Verified) -> str | None:
    return (await verified()).wrong


async def _forge(stage: Stage, position: int) -> bytes:
    """Write a row that follows the one before it, as our own program would."""
    async with stage.uow.begin() as tx:
        [before] = await AuditRepository(tx.session).links(
            after=position - 2, up_to=position - 1, limit=1
        )
        row = {name: before.row[name] for name in CONTENT} | {"event_id": f"forged-{position}"}
        own = link(before.hash, position, row)
        tx.insert(AuditRow, position=position, previous=before.hash, hash=own, **row)
    return own
