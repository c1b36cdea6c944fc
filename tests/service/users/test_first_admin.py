"""The one who appoints everybody else: at first start, and from the command line."""

import asyncio
import os
import sys
from pathlib import Path

import pyotp
import pytest

from libs.common.contracts.audit import AuditRecorded
from libs.common.principal import Role
from libs.common.testing.stage import Stage
from services.users.app import PASSWORD_FILE, SECRET_FILE, appoint_first
from services.users.domain.passwords import Passwords
from services.users.models import Act
from services.users.settings import UsersSettings

ROOT = Path(__file__).parents[3]
PASSWORD = "correct-horse-battery"


async def test_a_second_start_appoints_nobody_and_leaves_the_password_alone(stage: Stage) -> None:
    settings = stage.service.settings
    assert isinstance(settings, UsersSettings)
    files = [settings.shared.data_dir / name for name in (PASSWORD_FILE, SECRET_FILE)]
    before = [file.read_text() for file in files]
    await appoint_first(stage.uow, Passwords(memory_kib=64), settings)

    assert [file.read_text() for file in files] == before
    acts = [fact.act for fact in await stage.said(AuditRecorded) if fact.target == "user:1"]
    assert acts == [Act.USER_CREATED, Act.PASSWORD_SET, Act.FACTOR_ENROLLED]


async def test_the_first_administrator_signs_in_with_a_second_factor(stage: Stage) -> None:
    """Issue 4: mandatory for administrators, from the first one on."""
    folder = stage.service.settings.shared.data_dir
    password, secret = [
        (folder / name).read_text().strip() for name in (PASSWORD_FILE, SECRET_FILE)
    ]
    form = {"grant_type": "password", "username": "admin", "password": password}

    alone = await stage.client().post("/oauth/token", data=form)
    both = await stage.client().post("/oauth/token", data={**form, "otp": pyotp.TOTP(secret).now()})

    assert (alone.status_code, alone.json()["error"]) == (400, "mfa_required")
    assert both.status_code == 200
    assert [(folder / name).stat().st_mode & 0o777 for name in (PASSWORD_FILE, SECRET_FILE)] == [
        0o600,
        0o600,
    ]


async def test_a_password_file_that_lies_there_is_not_written_through(
    stage: Stage, tmp_path: Path
) -> None:
    """A link somebody laid there first would carry the password away."""
    elsewhere, file = tmp_path / "elsewhere", tmp_path / "secret"
    elsewhere.write_text("kept")
    file.symlink_to(elsewhere)
    from services.users.app import _write_secret  # noqa: PLC0415

    _write_secret(file, "secret")

    assert elsewhere.read_text() == "kept"
    assert not file.is_symlink()
    assert file.stat().st_mode & 0o777 == 0o600


class CommandLine:
    """`python -m services.users …` in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.more: dict[str, str] = {}

    async def __call__(self, *arguments: str, stdin: str = "") -> tuple[int, str, str]:
        environment = {
            **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
            "REDRESS_DATA_DIR": str(self.folder),
            "REDRESS_LOG_LEVEL": "error",
            "USERS_ARGON_MEMORY_KIB": "64",
            **self.more,
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "services.users", *arguments, cwd=ROOT, env=environment,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await process.communicate(stdin.encode())
        return process.returncode or 0, out.decode(), err.decode()


@pytest.fixture
async def command(tmp_path: Path) -> CommandLine:
    found = CommandLine(tmp_path / "data")
    found.folder.mkdir()
    return found


async def test_an_administrator_is_appointed_from_the_command_line(command: CommandLine) -> None:
    """The password comes by stdin: arguments are everybody's to read."""
    status, out, err = await command("create-admin", "--username", "root.two", stdin=PASSWORD)
    assert (status, err) == (0, "")
    assert out == f"root.two is a super_admin in {command.folder / 'users.db'}.\n"
    assert PASSWORD not in out

    status, _, err = await command("create-admin", "--username", "ROOT.two", stdin=PASSWORD)
    assert status == 1
    assert "Traceback" not in err


async def test_without_a_password_one_is_made_and_shown(command: CommandLine) -> None:
    status, out, _ = await command("create-admin", "--username", "admin")

    assert status == 0
    assert len(out.strip().rpartition(" ")[2]) == 24
    for file in command.folder.rglob("*"):
        assert (
            not file.is_file() or out.strip().rpartition(" ")[2].encode() not in file.read_bytes()
        )


async def test_what_an_older_installation_left_open_is_closed(command: CommandLine) -> None:
    """Photos and all else in the folder are out of reach with it."""
    command.folder.chmod(0o755)
    file = command.folder / "chat.db"
    file.touch(0o644)
    await command("create-admin", "--username", "admin")

    assert [path.stat().st_mode & 0o777 for path in (command.folder, file)] == [0o700, 0o600]


@pytest.mark.parametrize(
    ("arguments", "stdin", "status"),
    [
        (["--username", "x"], PASSWORD, 1),
        (["--username", "admin"], "short", 1),
        (["--username", "admin", "--password", PASSWORD], "", 2),
        ([], PASSWORD, 2),
    ],
)
async def test_what_cannot_be_is_said_without_the_password(
    command: CommandLine, arguments: list[str], stdin: str, status: int
) -> None:
    code, out, err = await command("create-admin", *arguments, stdin=stdin)

    assert (code, out) == (status, "")
    assert "Traceback" not in err
    assert not (stdin and stdin in err)


async def test_with_another_keyring_nobody_is_appointed(command: CommandLine) -> None:
    await command("create-admin", "--username", "admin", stdin=PASSWORD)
    keyring = command.folder / "keys" / "keyring.json"
    keyring.rename(keyring.with_suffix(".old"))
    missing = await command("create-admin", "--username", "other", stdin=PASSWORD)
    await asyncio.to_thread(_another, keyring)
    wrong = await command("create-admin", "--username", "other", stdin=PASSWORD)

    for status, out, err in (missing, wrong):
        assert (status, out) == (1, "")
        assert "keyring" in err
        assert "Traceback" not in err


def _another(keyring: Path) -> None:
    from libs.common.crypto.keyring import Keyring  # noqa: PLC0415

    Keyring.create(keyring)


async def test_who_was_appointed_there_signs_in_here(
    stage: Stage, tmp_path: Path, command: CommandLine
) -> None:
    if not stage.service.database.is_sqlite:
        pytest.skip("the command line of an embedded installation")
    command.folder = tmp_path
    status, _, err = await command("create-admin", "--username", "second", stdin=f"{PASSWORD}\n")
    assert (status, err) == (0, "")

    form = {"grant_type": "password", "username": "second", "password": PASSWORD}
    answer = await stage.client().post("/oauth/token", data=form)
    said = answer.json()
    assert (answer.status_code, said["error"]) == (403, "mfa_enrolment_required")
    assert stage.service.verifier.verify(said["mfa_token"], half=True).role is Role.SUPER_ADMIN
