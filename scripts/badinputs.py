"""Malformed and hostile requests against a running system, and which of them it answered badly.

`python -m scripts.badinputs --port 8000 --runner ../shared/tools/run_badinputs.py`

The runner and its list of cases are given; this prepares what they need: people, cases, files and
conversations on the running system, and a signing key to forge tokens with.

The system is to be started with GATEWAY_RATE_LIMITS=false: a guest who asks two hundred times in a
minute would be answered 429, and nothing be said about the cases.
"""

import argparse
import asyncio
import json
import os
import runpy
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import httpx2
from cryptography.hazmat.primitives import serialization

from libs.common.tokens import AUDIENCE, ISSUER, Signer
from scripts.demo.api import Caller, Unexpected, connect
from scripts.demo.people import OFFICER, Account, administrator, guest, hire, sign_in
from scripts.demo.story import upload
from scripts.samples.picture import drawing

GROUPS = ("json", "grv", "phone", "path", "state", "user", "chat", "file", "mp", "type", "http",
          "auth", "idem")  # fmt: skip
"""The groups whose routes exist; webhooks and the admin's chat settings have none yet."""
NOT_YET = frozenset({"file-10", "file-16", "file-17", "file-18", "file-19"})
"""Documents and voice belong to later issues."""
RUN_SECONDS = 300


async def prepare(http: httpx2.AsyncClient, account: Account) -> dict[str, Any]:
    """Fill the system with one of each; answer the runner's variables."""
    anyone = Caller(http)
    admin = await sign_in(anyone, account)
    officer = await hire(admin, OFFICER, "Ram Karki")
    citizen, other = await guest(anyone), await guest(anyone)
    mine, theirs = [await _belongings(each) for each in (citizen, other)]
    staff = [await admin.get("/api/v1/users/me"), await officer.get("/api/v1/users/me")]
    tokens = {"citizen": citizen, "officer": officer, "admin": admin}
    return {
        **mine,
        **{f"{name}_other": value for name, value in theirs.items()},
        **{f"tok_{name}": caller.token for name, caller in tokens.items()},
        "cid_closed": await _closed(citizen),
        "uid": str(staff[0].data["user_id"]),
        "uid_other": str(staff[1].data["user_id"]),
    }


async def _belongings(citizen: Caller) -> dict[str, str]:
    """A case with a photo, and a conversation with a message."""
    stored = await upload(citizen, drawing(), "a.png", "image/png")
    body = {"description": "The tap is dry.", "file_ids": [stored.data["file_id"]]}
    case = (await citizen.post("/api/v1/grievances", json=body)).data["grievance_id"]
    talk = (await citizen.post("/api/v1/chat/messages", json={"text": "hello"})).data
    return {
        "gid": case,
        "cid": talk["conversation_id"],
        "mid": talk["message"]["id"],
        "fpath": f"images/{case}/{stored.data['file_id']}.png",
    }


async def _closed(citizen: Caller) -> str:
    talk = (await citizen.post("/api/v1/chat/messages", json={"text": "hello"})).data
    closed = str(talk["conversation_id"])
    await citizen.post(f"/api/v1/chat/conversations/{closed}/close")
    return closed


def forging(keys: Path, folder: Path, subject: str) -> dict[str, Any]:
    """What the runner needs to forge tokens: the real key, so that only the forgery is wrong."""
    private = keys / "sign" / "users.pem"
    key = serialization.load_pem_private_key(private.read_bytes(), None)
    public = folder / "public.pem"
    public.write_bytes(
        key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    claims = {"sub": subject, "role": "guest", "iss": ISSUER, "aud": AUDIENCE, "typ": "access"}
    return {
        "alg": "ES256",
        "private": str(private.absolute()),
        "public": str(public),
        "kid": Signer("users", private.read_bytes()).public_jwk["kid"],
        "claims": claims,
    }


async def check_limits(http: httpx2.AsyncClient) -> None:
    """Raises Unexpected where requests are counted."""
    if "RateLimit" in (await Caller(http).get("/version")).headers:
        raise Unexpected("this system limits requests: start it with GATEWAY_RATE_LIMITS=false")


async def check_forging(http: httpx2.AsyncClient, runner: Path, jwt: dict[str, Any]) -> None:
    """An honest token of the runner must be let in; else every forgery is refused for nothing."""
    tokens = runpy.run_path(str(runner))["Tokens"]
    await Caller(http, tokens(jwt).make({})).get("/api/v1/grievances")


def run(runner: Path, base: str, folder: Path, wanted: dict[str, Any]) -> dict[str, Any]:
    """Run the given runner; what it wrote down."""
    for name, content in wanted.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    files = [f"--{name}={folder / f'{name}.json'}" for name in wanted]
    out = folder / "results.json"
    command = [sys.executable, str(runner), f"--base={base}", f"--only={','.join(GROUPS)}", *files]
    subprocess.run([*command, f"--out={out}"], check=False, timeout=RUN_SECONDS)
    found: dict[str, Any] = json.loads(out.read_text())
    return found


def report(results: list[dict[str, Any]]) -> bool:
    """Print every case that was not answered as it should; whether there is none."""
    ran = [each for each in results if each["status"] != "skipped" and each["id"] not in NOT_YET]
    missed = [each for each in ran if not _is_fine(each)]
    ideal = sum(each["ideal"] for each in ran)
    print(f"\n{len(ran)} cases, {len(ran) - len(missed)} as listed, {ideal} ideal")
    for each in missed:
        traits = [name for name in ("slow", "leak") if each[name]]
        traits += [f"no {name}" for name in ("envelope", "alive") if not each[name]]
        print(
            f"  ✗ {each['id']:9}{each['status']!s:8} wanted {','.join(each['expect']):22}"
            f" {' '.join(traits):14} {each['title']}"
        )
    for each in ran:
        if _is_fine(each) and not each["ideal"]:
            answered = f"{each['id']:9}{each['status']!s:8} ideal {each['expect'][0]:6}"
            print(f"  · {answered} {each['title']}")
    return not missed


def _is_fine(each: dict[str, Any]) -> bool:
    is_bare = each["id"].startswith("http-")  # what the HTTP parser refuses may be bare
    is_shaped = each["envelope"] or is_bare
    return each["ok"] and each["alive"] and is_shaped and not (each["slow"] or each["leak"])


async def play(base: str, account: Account, runner: Path, keys: Path) -> bool:
    """Prepare, run, report."""
    with tempfile.TemporaryDirectory(prefix="redress-badinputs-") as name:
        folder = Path(name)
        async with connect(base) as http:
            await check_limits(http)
            wanted = {"vars": await prepare(http, account)}
            wanted["jwt"] = forging(keys, folder, "guest:forged")
            await check_forging(http, runner, wanted["jwt"])
        found = await asyncio.to_thread(run, runner, base, folder, wanted)
    return report(found["results"])


def main() -> int:
    """Exit code 0 when every case was answered with a status it lists."""
    parser = argparse.ArgumentParser(prog="python -m scripts.badinputs", description=__doc__)
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--runner", type=Path, required=True)
    parser.add_argument("--admin-password", help="instead of the one in var/admin-password")
    parser.add_argument("--admin-totp", help="instead of the secret in var/admin-totp")
    parser.add_argument("--keys", type=Path, help="instead of var/keys")
    given = parser.parse_args()
    keys = given.keys or Path(os.environ.get("REDRESS_DATA_DIR", "var")) / "keys"
    base = f"http://127.0.0.1:{given.port}"
    try:
        account = administrator(given.admin_password, given.admin_totp)
        is_fine = asyncio.run(play(base, account, given.runner, keys))
    except (httpx2.TransportError, Unexpected) as failure:
        sys.stderr.write(f"badinputs: {type(failure).__name__} {failure}\n")
        return 1
    return 0 if is_fine else 1


if __name__ == "__main__":
    sys.exit(main())
