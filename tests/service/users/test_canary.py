"""Who somebody is, is nowhere in the clear."""

import pytest
from sqlalchemy import text

from libs.common.contracts.grievance import GrievanceSubmitted
from libs.common.contracts.users import UserCreated, UserLinked, UserUpdated
from libs.common.principal import Role, Scope
from libs.common.testing.stage import Stage
from libs.common.tokens import Verifier
from services.users.app import PASSWORD_FILE
from services.users.models import Base

NAME = "Kanchhi Canari"
PHONE = "9841777001"
EMAIL = "canari.kanchhi@example.org"
ADDRESS = "Canari Tole 77"
NATIONAL_ID = "77-01-75-770077"
CODE_WORD = "canari umbrella"
FILED_EMAIL = "maila.canari@example.org"
PASSWORD = "canari-sings-at-dawn"
USERNAME = "kanchhi.canari"
FILED_NAME = "Maila Canari"
TWIN_PHONE = "9841777003"
FILED_PHONE = "9841777002"


async def live_through(stage: Stage) -> tuple[list[bytes], str]:
    """Everything that happens to a person here; what was refused on the way, and an API key."""
    admin = stage.client(Role.SUPER_ADMIN)
    who = {"phone_number": PHONE, "name": NAME, "email": EMAIL, "address": ADDRESS,
           "municipality": ADDRESS, "national_id": NATIONAL_ID}  # fmt: skip
    staff = {**who, "role": "auditor", "username": USERNAME, "password": PASSWORD}
    keyed = {"Idempotency-Key": "once"}
    user = (await admin.post("/api/v1/users", json=staff, headers=keyed)).json()["data"]
    path = f"/api/v1/users/{user['user_id']}"
    form = {"grant_type": "password", "username": USERNAME, "password": PASSWORD}
    assert (await stage.client().post("/oauth/token", data=form)).status_code == 200
    changed = await admin.put(path, json={**who, "password": PASSWORD}, headers={"If-Match": '"1"'})
    assert changed.status_code == 200
    api_key = (await admin.post("/api/v1/api-keys", json={"name": "x"}, headers=keyed)).json()
    key = str(api_key["data"]["api_key"])
    found = await admin.post("/api/v1/users/search", json={"phone_number": PHONE})
    assert len(found.json()["data"]["items"]) == 1
    places = await looked_at(stage, user["user_id"])
    exchange = "/internal/api-keys/exchange"
    assert (await stage.peer("gateway").post(exchange, json={"api_key": key})).status_code == 200
    refused = [
        await admin.post("/api/v1/users", json=staff),
        await admin.post("/api/v1/users", json={**staff, "role": NAME}),
        await admin.post("/api/v1/users", json={**staff, "more": NAME}),
        await admin.post("/api/v1/users", json={**staff, "phone_number": NAME}),
        await admin.put(path, json={"name": NAME}, headers={"If-Match": '"1"'}),
        await admin.get(f"/api/v1/users/{NAME}"),
        await stage.client().post("/oauth/token", data={**form, "password": PASSWORD[:-1]}),
        await stage.client().post("/oauth/token", data={**form, "grant_type": NAME}),
        await stage.peer("gateway").post(exchange, json={"api_key": key[:-1]}),
        await stage.peer("gateway").post(exchange, json={"api_key": [key]}),
    ]
    assert [answer.status_code // 100 for answer in refused] == [4] * len(refused)
    return [*places, *(answer.content for answer in (*refused, changed, found))], key


async def looked_at(stage: Stage, user_id: int) -> list[bytes]:
    """What happens to a person who is searched for, revealed, and turns out to be two."""
    admin = stage.client(Role.SUPER_ADMIN)
    own = stage.client(Role.CITIZEN, f"user:{user_id}")
    users = "/api/v1/users"
    preferences = {"code_word": CODE_WORD, "safe_channels": ["sms"]}
    answers = [
        await admin.post(f"{users}/search", json={"email": EMAIL}),
        await admin.post(f"{users}/search", json={"national_id": NATIONAL_ID}),
        await admin.post(f"{users}/search", json={"email": EMAIL, "national_id": NATIONAL_ID}),
        await admin.get(f"{users}/{user_id}"),
        await admin.post(f"{users}/{user_id}/reveal", json={"reason": NAME, "fields": ["name"]}),
        await admin.post(f"{users}/{user_id}/reveal", json={"reason": "legal_request",
                         "fields": [PHONE]}),
        await own.post(f"{users}/me/consents", json={"purpose": NAME, "is_given": True}),
        await own.post(f"{users}/me/consents", json={"purpose": "contact", "is_given": True,
                       "text_version": PHONE}),
        await own.put(f"{users}/me/preferences", json={**preferences, "language": NAME},
                      headers={"If-Match": '"0"'}),
        await own.put(f"{users}/me/preferences", json={**preferences, "reason": NAME},
                      headers={"If-Match": '"0"'}),
        await admin.post(f"{users}/{user_id}/merge", json={"into_user_id": 1, "reason": NAME}),
    ]  # fmt: skip
    changed = await own.put(
        f"{users}/me/preferences", json=preferences, headers={"If-Match": '"0"'}
    )
    fields = ["name", "phone_number", "email", "address", "national_id", "code_word"]
    body = {"reason": "legal_request", "fields": fields}
    revealed = await admin.post(f"{users}/{user_id}/reveal", json=body)
    assert (changed.status_code, revealed.status_code) == (200, 200)
    twin = {"phone_number": TWIN_PHONE, "name": NAME, "role": "citizen", "email": EMAIL}
    created = [
        (await admin.post(users, json={**twin, "phone_number": number})).json()["data"]["user_id"]
        for number in (TWIN_PHONE, "9800000001")
    ]
    merged = {"into_user_id": created[1], "reason": "identity_checked"}
    answers.append(await admin.get(f"{users}/{created[0]}/duplicates"))
    answers.append(await admin.post(f"{users}/{created[0]}/merge", json=merged))
    assert answers[-1].status_code == 200
    return [answer.content for answer in answers]


async def test_who_somebody_is_is_in_no_file_no_event_no_log_and_no_refusal(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    """design.md 5.5; S4-19."""
    case = "GRV-2026-7K3MQX-4"
    stage.peers.answers[f"GET grievance /internal/grievances/{case}/contact"] = {
        "name": FILED_NAME,
        "phone_number": FILED_PHONE,
        "email": FILED_EMAIL,
        "address": ADDRESS,
        "municipality": ADDRESS,
    }
    submitted = GrievanceSubmitted(
        grievance_id=case, channel="web", filed_by="g", has_contact=True, file_ids=[]
    )
    await stage.say(submitted, source="grievance")
    places, key = await live_through(stage)
    shared = stage.service.settings.shared
    first = (shared.data_dir / PASSWORD_FILE).read_text().strip()

    for kind in (UserCreated, UserUpdated, UserLinked):
        said = await stage.envelopes(kind)
        assert said
        places += [envelope.to_bytes() for envelope in said]
    places += await rows(stage)
    out = capsys.readouterr().out
    assert "request.answered" in out
    places.append(out.encode())
    files = [path for path in shared.data_dir.rglob("*") if path.is_file()]
    places += [path.read_bytes() for path in files if path.name != PASSWORD_FILE]

    canaries = [NAME, PHONE, EMAIL, ADDRESS, PASSWORD, USERNAME, FILED_NAME, FILED_PHONE, key]
    canaries += [NATIONAL_ID, "770175770077", CODE_WORD, FILED_EMAIL, TWIN_PHONE]
    canaries += [key[18:50], first, "Kanchhi", "kanchhi", "Canari", "canari", "977984"]
    for place in places:
        assert [canary for canary in canaries if canary.encode() in place] == []


async def test_where_somebody_works_and_what_keys_are_called_is_sealed(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    """Issue 4: whoever types a name there writes it into nothing that anybody could read."""
    admin, keyed = stage.client(Role.SUPER_ADMIN), {"Idempotency-Key": "once"}
    users, keys = "/api/v1/users", "/api/v1/api-keys"
    scope = {"projects": [NAME], "places": [f"Koshi/{PHONE}"], "organisations": [EMAIL]}
    who = {"phone_number": "9800000001", "name": "Ram Rai", "role": "intake_officer"}
    staff = {**who, "scope": scope, "username": "ram.rai", "password": PASSWORD}
    user = (await admin.post(users, json=staff, headers=keyed)).json()["data"]
    path = f"{users}/{user['user_id']}"
    moved = {**scope, "projects": [FILED_NAME]}
    await admin.put(path, json={"scope": moved}, headers={"If-Match": '"1"'})
    form = {"grant_type": "password", "username": "ram.rai", "password": PASSWORD}
    token = (await stage.client().post("/oauth/token", data=form)).json()["access_token"]
    narrow = stage.client(Role.PROJECT_ADMIN, scope=Scope(projects=("road",)))
    refused = [
        await narrow.post(users, json={**staff, "phone_number": "9800000002"}),
        await admin.put(path, json={"scope": {"projects": [NAME] * 51}}, headers={"If-Match": "1"}),
    ]
    called = [NAME, f"{NAME} {PHONE} {EMAIL}"]
    made = [(await admin.post(keys, json={"name": name}, headers=keyed)).json() for name in called]
    key_id = made[0]["data"]["key_id"]
    await admin.post(f"{keys}/{key_id}/rotate", json={})
    await admin.delete(f"{keys}/{key_id}")

    assert (await admin.get(path)).json()["data"]["scope"] == moved
    assert Verifier(stage.service.keys, "users").verify(token).scope.projects == (FILED_NAME,)
    listed = (await admin.get(keys)).json()["data"]["items"]
    assert sorted(each["name"] for each in listed) == sorted([NAME, *called])
    assert [answer.status_code // 100 for answer in refused] == [4, 4]
    places = [*await rows(stage), *(answer.content for answer in refused)]
    places.append(capsys.readouterr().out.encode())
    data_dir = stage.service.settings.shared.data_dir
    places += [path.read_bytes() for path in data_dir.rglob("*") if path.is_file()]
    for place in places:
        found = [word for word in (NAME, PHONE, EMAIL, FILED_NAME) if word.encode() in place]
        assert found == []


async def rows(stage: Stage) -> list[bytes]:
    """Every row of every table, on whichever database this is."""
    async with stage.uow.read() as tx:
        found = [
            row
            for table in Base.metadata.sorted_tables
            for row in await tx.session.execute(text(f'SELECT * FROM "{table.name}"'))  # noqa: S608
        ]
    assert len(found) > 20
    plain = [value for row in found for value in row]
    return [value if isinstance(value, bytes) else str(value).encode() for value in plain]
