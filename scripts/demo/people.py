"""Who takes part: guests, and staff the administrator lets in."""

import os
import random
import string
from pathlib import Path

from scripts.demo.api import Caller, Unexpected

OFFICER = "pd_piu_safeguards_focal"
SEAH_OFFICER = "seah_national_officer"
SUPERVISOR = "project_admin"


def admin_password(given: str | None) -> str:
    """The administrator's password: given, or where the first start wrote it."""
    if given:
        return given
    path = Path(os.environ.get("REDRESS_DATA_DIR", "var")) / "admin-password"
    if not path.exists():
        raise Unexpected(
            f"{path} is not there: is `make run` running in this folder? "
            "Otherwise give --admin-password."
        )
    return path.read_text().strip()


async def guest(anyone: Caller) -> Caller:
    """A citizen nobody knows yet."""
    answer = await anyone.post("/api/v1/auth/guest", show=("guest_id", "expires_in"))
    return anyone.as_somebody(answer.data["access_token"])


async def sign_in(anyone: Caller, username: str, password: str) -> Caller:
    """A member of staff, by password."""
    form = {"grant_type": "password", "username": username, "password": password}
    answer = await anyone.post("/oauth/token", data=form, show=("token_type", "expires_in"))
    return anyone.as_somebody(answer.data["access_token"])


async def hire(admin: Caller, role: str, name: str) -> Caller:
    """A new member of staff, created by the administrator and signed in."""
    username = f"{role}-{_random(string.ascii_lowercase, 6)}"
    body = {"name": name, "role": role, "username": username, "phone_number": a_phone()}
    answer = await admin.post(
        "/api/v1/users", json=body, show=("user_id", "role", "phone_number", "username")
    )
    return await sign_in(admin.as_somebody(None), username, answer.data["initial_password"])


async def api_key(admin: Caller) -> Caller:
    """Another system, with a key of its own."""
    answer = await admin.post(
        "/api/v1/api-keys", json={"name": "demo", "scopes": ["grievances:write"]}, show=("key_id",)
    )
    return admin.as_somebody(answer.data["api_key"])


def a_phone() -> str:
    """A mobile number of Nepal that is nobody's."""
    return f"+97798{_random(string.digits, 8)}"


def _random(letters: str, length: int) -> str:
    return "".join(random.choices(letters, k=length))
