"""What operators do from the command line, beside a running system."""

from argparse import ArgumentParser, Namespace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url, text

from libs.common.cli import Refused
from libs.common.clock import utc_now
from libs.common.contracts.audit import AuditRecorded
from libs.common.contracts.users import ApiKeyRevoked, SessionRevoked
from libs.common.ids import new_id
from libs.common.principal import Role
from libs.common.testing.stage import Stage, until
from libs.common.tokens import PublicKeys, Verifier
from services.users.app import commands
from services.users.app.arguments import COMMANDS, OPTIONS
from services.users.domain import second_factor, sessions
from services.users.domain.sealing import seal_day
from services.users.domain.sessions import SessionRules
from services.users.repository.audit import AuditRepository
from services.users.repository.people import UserRepository
from services.users.repository.sessions import SessionRepository
from services.users.settings import UsersSettings
from tests.service.users.conftest import Appointing
from tests.service.users.test_first_admin import CommandLine

PASSWORD = "correct-horse-battery"
LOGIN = "sita.officer"


def settings_of(stage: Stage) -> UsersSettings:
    found = stage.service.settings
    assert isinstance(found, UsersSettings)
    return found


async def sign_in(stage: Stage, user_id: int) -> str:
    """A session of somebody."""
    rules = SessionRules.of(settings_of(stage))
    async with stage.uow.begin() as tx:
        user = await UserRepository(tx.session).get(user_id)
        role = Role.INTAKE_OFFICER
        begun = await sessions.begin(tx, user, role=role, method="password", rules=rules)
    return begun.session_id


async def has_ended(stage: Stage, session_id: str) -> bool:
    async with stage.uow.read() as tx:
        found = await SessionRepository(tx.session).get(session_id)
    assert found is not None
    return found.ended_at is not None


async def revoke(stage: Stage, **what: str) -> None:
    given: dict[str, str | None] = {"username": None, "session": None, "api_key": None, **what}
    await commands.revoke(settings_of(stage), Namespace(**given))


@pytest.fixture
async def user_id(a_user: Appointing) -> int:
    found: int = (await a_user(username=LOGIN, password=PASSWORD))["user_id"]
    return found


async def test_all_sessions_of_somebody_are_ended(stage: Stage, user_id: int) -> None:
    """Issue 4: operator CLI, revoke."""
    held = [await sign_in(stage, user_id) for _ in range(2)]
    await revoke(stage, username=LOGIN.upper())

    assert [await has_ended(stage, each) for each in held] == [True, True]
    facts = await stage.said(SessionRevoked)
    assert {fact.session_id for fact in facts} >= set(held)
    by = {fact.who for fact in await stage.said(AuditRecorded) if fact.act == "session_ended"}
    assert by == {commands.BY}


async def test_one_session_is_ended_and_no_other(stage: Stage, user_id: int) -> None:
    one, other = await sign_in(stage, user_id), await sign_in(stage, user_id)
    await revoke(stage, session=one)

    assert await has_ended(stage, one)
    assert not await has_ended(stage, other)


async def test_an_api_key_is_revoked_by_its_id(stage: Stage) -> None:
    body = {"name": "Newspaper", "scopes": ["events:read"]}
    made = await stage.client(Role.SUPER_ADMIN).post("/api/v1/api-keys", json=body)
    key = made.json()["data"]
    with pytest.raises(Refused, match="by its id"):
        await revoke(stage, api_key=key["api_key"])
    await revoke(stage, api_key=key["key_id"])

    assert [fact.key_id for fact in await stage.said(ApiKeyRevoked)] == [key["key_id"]]


@pytest.mark.parametrize("what", ["username", "session"])
async def test_whom_nobody_knows_cannot_be_revoked(stage: Stage, what: str) -> None:
    with pytest.raises(Refused, match=r"Nobody|no such"):
        await revoke(stage, **{what: new_id()})


async def test_a_lost_second_factor_is_taken_away(stage: Stage, user_id: int) -> None:
    """Issue 4: operator CLI, reset-totp."""
    who = Namespace(username=LOGIN)
    with pytest.raises(Refused, match="nothing to reset"):
        await commands.reset_totp(settings_of(stage), who)
    async with stage.uow.begin() as tx:
        await second_factor.enrol(tx, await UserRepository(tx.session).get(user_id))
    session_id = await sign_in(stage, user_id)
    await commands.reset_totp(settings_of(stage), who)

    async with stage.uow.read() as tx:
        assert not await second_factor.is_enrolled(tx, user_id)
    assert await has_ended(stage, session_id)
    acts = [(fact.act, fact.who) for fact in await stage.said(AuditRecorded)]
    assert ("factor_reset", commands.BY) in acts


async def test_the_signing_key_is_rotated_and_nobody_notices(stage: Stage) -> None:
    """Issue 4: operator CLI, rotate; what the old key signed still holds."""
    before = stage.token(Role.AUDITOR)
    settings = settings_of(stage)
    await commands.rotate(settings, Namespace(withdraw=False))

    assert Verifier(PublicKeys(settings.shared.keys), "grievance").verify(before).id == "auditor-1"
    [fact] = [each for each in await stage.said(AuditRecorded) if "signing_key" in each.target]
    assert (fact.act, fact.who, fact.reason) == ("signing_key_rotated", commands.BY, None)
    with pytest.raises(Refused, match="withdraw"):
        await commands.rotate(settings, Namespace(withdraw=False))


async def test_a_seal_outlives_the_key_it_was_signed_with(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    """Issue 4: rotation and the audit chain."""
    await _quiet(stage)
    settings = settings_of(stage)
    later = utc_now() + timedelta(days=2)
    await seal_day(stage.uow, stage.service.signer, settings.audit_seals, now=later)
    await commands.rotate(settings, Namespace(withdraw=True))
    await commands.verify_audit(settings, Namespace(seals=None))

    assert "2 seals checked.\nThe audit log holds.\n" in capsys.readouterr().out


async def test_a_broken_log_is_said_with_its_first_bad_row(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    """Issue 4: `make verify-audit` names it."""
    last = await _quiet(stage)
    async with stage.uow.begin() as tx:
        await tx.session.execute(text("UPDATE chain_heads SET position = position + 1"))

    with pytest.raises(Refused, match=rf"broken at row {last + 1}: it was cut off"):
        await commands.verify_audit(settings_of(stage), Namespace(seals=None))
    assert capsys.readouterr().out == f"{last} rows and 0 seals checked.\n"


async def test_seals_are_looked_for_where_one_says(stage: Stage, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no such folder"):
        await commands.verify_audit(settings_of(stage), Namespace(seals=tmp_path / "nowhere"))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "2026-03-02.json").write_text("{}")

    with pytest.raises(Refused, match=r"the file 2026-03-02\.json is no seal"):
        await commands.verify_audit(settings_of(stage), Namespace(seals=elsewhere))


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["reset-totp", "--username", "nobody"], 1, "Nobody signs in under this name."),
        (["revoke", "--username", "nobody"], 1, "Nobody signs in under this name."),
        (["revoke", "--session", "x"], 1, "There is no such session."),
        (["revoke", "--api-key", "x"], 1, "There is no such API key."),
        (["verify-audit", "--seals", "/nowhere"], 1, "There is no such folder of seals."),
        (["revoke"], 2, "one of the arguments --username --session --api-key is required"),
        (["revoke", "--username", "a", "--session", "b"], 2, "not allowed with argument"),
        (["reset-totp"], 2, "--username"),
    ],
)
async def test_what_cannot_be_done_is_said_in_one_line(
    tmp_path: Path, arguments: list[str], status: int, words: str
) -> None:
    """Issue 4: clear refusals for unknown names."""
    command = CommandLine(tmp_path)
    assert (await command("create-admin", "--username", "admin"))[0] == 0

    code, out, err = await command(*arguments)

    assert (code, out) == (status, "")
    [*usage, line] = err.strip().splitlines()
    assert words in line
    assert bool(usage) is (status == 2)


@pytest.mark.parametrize(
    "arguments",
    [
        ["verify-audit"],
        ["revoke", "--username", "admin"],
        ["reset-totp", "--username", "admin"],
        ["rotate"],
        ["dead", "list"],
    ],
    ids=lambda given: given[0],
)
async def test_without_a_database_nothing_is_done_and_nothing_is_made(
    tmp_path: Path, arguments: list[str]
) -> None:
    """A mistyped folder, or one whose database was taken away: neither is a log that holds."""
    folder = tmp_path / "mistyped"
    code, out, err = await CommandLine(folder)(*arguments)
    file = folder / ("bus.db" if arguments[0] == "dead" else "users.db")

    assert (code, out) == (1, "")
    assert err == (f"redress users: There is no database at {file}: is REDRESS_DATA_DIR right?\n")
    assert not folder.exists()


async def test_an_audit_log_without_a_row_does_not_hold(tmp_path: Path) -> None:
    command = CommandLine(tmp_path)
    assert (await command("create-admin", "--username", "admin"))[0] == 0

    code, out, err = await command("verify-audit")

    assert (code, out) == (1, "0 rows and 0 seals checked.\n")
    assert "There is no row: nothing was ever recorded here" in err


async def test_a_log_taken_away_with_its_head_before_a_seal_does_not_hold(stage: Stage) -> None:
    await _quiet(stage)
    is_sqlite = stage.service.database.is_sqlite
    trigger = "audit_log_no_delete" if is_sqlite else "audit_log_no_change ON audit_log"
    async with stage.uow.begin() as tx:
        for statement in (
            f"DROP TRIGGER {trigger}", "DELETE FROM audit_log", "DELETE FROM chain_heads",
        ):  # fmt: skip
            await tx.session.execute(text(statement))

    with pytest.raises(Refused, match="There is no row"):
        await commands.verify_audit(settings_of(stage), Namespace(seals=None))


@pytest.mark.parametrize("command", ["verify-audit", "revoke"])
@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("nonsense", "The URL of the database of users is none this program can use."),
        ("mysql://somebody:secret@127.0.0.1/x", "none this program can use"),
        ("postgresql+asyncpg://somebody:secret@127.0.0.1:1/x", "refused"),
        (None, "users.db: file is not a database"),
    ],
)
async def test_a_database_that_is_none_is_said_in_one_line(
    tmp_path: Path, command: str, url: str | None, words: str
) -> None:
    call = CommandLine(tmp_path)
    assert (await call("create-admin", "--username", "admin"))[0] == 0
    if url:
        call.more["USERS_DATABASE_URL"] = url
    else:
        (tmp_path / "users.db").write_text("no database, and longer than a header of one " * 50)
    code, out, err = await call(command, *(["--username", "x"] if command == "revoke" else []))

    [line] = err.splitlines()
    assert (code, out) == (1, "")
    assert words in line.replace("Connect call failed", "refused")
    assert "secret" not in line


async def test_a_server_that_refuses_the_role_is_said_in_one_line(
    stage: Stage, tmp_path: Path
) -> None:
    if stage.service.database.is_sqlite:
        pytest.skip("a file refuses nobody")
    call = CommandLine(tmp_path)
    url = make_url(stage.service.database.url).set(username="nobody", password="secret")
    call.more["USERS_DATABASE_URL"] = url.render_as_string(hide_password=False)
    code, out, err = await call("verify-audit")

    [line] = err.splitlines()
    assert (code, out) == (1, "")
    assert "The database is not available." in line
    assert "nobody" in line
    assert "secret" not in line


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_with_examples(command: str) -> None:
    """Issue 4: clear help; and nowhere a place to put a secret."""
    parser = ArgumentParser(prog=f"python -m services.users {command}")
    OPTIONS[command](parser)
    said = parser.format_help()

    assert f"examples:\n  python -m services.users {command}" in said
    for secret in ("--password", "--code", "--token", "--secret"):
        assert secret not in said


async def test_beside_a_running_system_the_command_line_is_heard(
    stage: Stage, tmp_path: Path, user_id: int
) -> None:
    """Issue 4: works on the embedded default too; the audit log of the running system grows."""
    if not stage.service.database.is_sqlite:
        pytest.skip("the command line of an embedded installation")
    session_id = await sign_in(stage, user_id)
    command = CommandLine(tmp_path)
    code, out, err = await command("revoke", "--username", LOGIN)
    assert (code, err) == (0, "")
    assert out == "Done. It is refused everywhere within five seconds.\n"

    async def is_told() -> bool:
        log = await stage.client(Role.AUDITOR).get(
            "/api/v1/audit", params={"target": f"session:{session_id}"}
        )
        rows: list[dict[str, Any]] = log.json()["data"]["items"]
        return [row["who"] for row in rows] == [commands.BY]

    await until(is_told)
    assert (await command("verify-audit"))[0] == 0


async def _quiet(stage: Stage) -> int:
    """Wait until everything said is in the chain; answer how long it is."""

    async def head() -> int:
        async with stage.uow.read() as tx:
            found = await AuditRepository(tx.session).head()
        return found.position if found else 0

    async def is_quiet() -> bool:
        return await head() == len(await stage.said(AuditRecorded)) > 0

    await until(is_quiet)
    return await head()
