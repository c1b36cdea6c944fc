"""Who takes part: guests, and staff the administrator lets in."""

import asyncio
import os
import random
import string
import time
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pyotp

from scripts.demo.api import FINE, Answer, Caller, Unexpected

OFFICER = "pd_piu_safeguards_focal"
SEAH_OFFICER = "seah_national_officer"
SUPERVISOR = "project_admin"


STEP_SECONDS = 30
TOKENS = ("token_type", "expires_in")


@dataclass(frozen=True)
class Account:
    """What a member of staff signs in with; `secret` is their authenticator's, if they have one."""

    username: str
    password: str
    secret: str | None = None


def administrator(password: str | None = None, secret: str | None = None) -> Account:
    """The administrator, as given, or as the first start wrote them down."""
    return Account("admin", password or _kept("admin-password"), secret or _kept("admin-totp"))


def _kept(name: str) -> str:
    path = Path(os.environ.get("REDRESS_DATA_DIR", "var")) / name
    if not path.exists():
        raise Unexpected(
            f"{path} is not there: is `make run` running in this folder? An older installation has "
            "no admin-totp until you enrol one: docs/administration.md, The first administrator. "
            "Otherwise give --admin-password and --admin-totp."
        )
    return path.read_text().strip()


async def guest(anyone: Caller) -> Caller:
    """A citizen nobody knows yet."""
    answer = await anyone.post("/api/v1/auth/guest", show=("guest_id", "expires_in"))
    return anyone.as_somebody(answer.data["access_token"])


async def sign_in(anyone: Caller, account: Account) -> Caller:
    """A member of staff, by password and, where it is asked for, by the second factor."""
    answer = await _password(anyone, account)
    if answer.status == HTTPStatus.FORBIDDEN:
        return await _enrol(anyone.as_somebody(answer.data["mfa_token"]))
    if answer.status not in FINE and account.secret:
        # A code is good once: somebody signed in within this half minute.
        await asyncio.sleep(STEP_SECONDS - time.time() % STEP_SECONDS)
        answer = await _password(anyone, account)
    if answer.status not in FINE:
        raise Unexpected(f"{account.username} cannot sign in: {answer.data}")
    return anyone.as_somebody(answer.data["access_token"])


async def _password(anyone: Caller, account: Account) -> Answer:
    form = {
        "grant_type": "password",
        "username": account.username,
        "password": account.password,
        **({"otp": pyotp.TOTP(account.secret).now()} if account.secret else {}),
    }
    return await anyone.post("/oauth/token", data=form, show=(*TOKENS, "error"), expect=())


async def _enrol(half: Caller) -> Caller:
    """A role that needs a second factor gets one, and is in with its first code."""
    path = "/api/v1/auth/mfa/totp"
    made: dict[str, Any] = (await half.post(path, show=("otpauth_uri",))).data
    code = {"code": pyotp.TOTP(made["secret"]).now()}
    answer = await half.post(f"{path}/confirm", json=code, show=TOKENS)
    return half.as_somebody(answer.data["access_token"])


async def hire(admin: Caller, role: str, name: str) -> Caller:
    """A new member of staff, created by the administrator and signed in."""
    username = f"{role}-{_random(string.ascii_lowercase, 6)}"
    body = {"name": name, "role": role, "username": username, "phone_number": a_phone()}
    answer = await admin.post(
        "/api/v1/users", json=body, show=("user_id", "role", "phone_number", "username")
    )
    account = Account(username, answer.data["initial_password"])
    return await sign_in(admin.as_somebody(None), account)


async def api_key(admin: Caller) -> Caller:
    """Another system, with a key of its own."""
    answer = await admin.post(
        "/api/v1/api-keys",
        json={"name": "demo", "scopes": ["case:file", "case:read"]},
        show=("key_id",),
    )
    return admin.as_somebody(answer.data["api_key"])


def a_phone() -> str:
    """A mobile number of Nepal that is nobody's."""
    return f"+97798{_random(string.digits, 8)}"


def _random(letters: str, length: int) -> str:
    return "".join(random.choices(letters, k=length))
