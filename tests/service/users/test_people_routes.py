"""People: appointed, read masked, found by phone, changed."""

import asyncio
from typing import Any

import httpx2
import pytest

from libs.common.contracts.audit import AuditRecorded
from libs.common.contracts.users import SessionRevoked, UserCreated, UserUpdated
from libs.common.principal import READS_SEAH, SUPERVISORS, Role, Scope
from libs.common.testing.stage import Stage
from services.users.models import Act
from tests.service.users.conftest import (
    NAME,
    PHONE,
    Appointing,
    shares_a_case,
    shares_no_case,
)

USERS = "/api/v1/users"
ADMIN = Role.SUPER_ADMIN
PASSWORD = "plum-lantern-9-orbit-gravel"
JUNK = [
    "0", "-1", "1.5", "1e3", "NaN", "%00", "%E0%A5%A7", "01", "+1", "1%20", "%201", "0x1", "1_0",
    "2147483648", "9" * 5000, "me!", "null", "true", "GRV001", "1;2", "..", "%C2%B9",
]  # fmt: skip


async def appoint(stage: Stage, *, by: Role = ADMIN, **body: Any) -> httpx2.Response:
    given = {"phone_number": PHONE, "name": NAME, "role": "citizen", **body}
    return await stage.client(by).post(USERS, json=given)


async def change(
    stage: Stage, user_id: int, *, etag: str | None = '"1"', by: Role = ADMIN, **body: Any
) -> httpx2.Response:
    headers = {} if etag is None else {"If-Match": etag}
    return await stage.client(by).put(f"{USERS}/{user_id}", json=body, headers=headers)


async def test_a_citizen_is_appointed_and_answered_masked(stage: Stage) -> None:
    """S0-16, S1-40."""
    answer = await appoint(stage, email="sita@example.org", address="Ward 5")

    body = answer.json()
    assert (answer.status_code, body["status"]) == (201, "success")
    assert answer.headers["etag"] == '"1"'
    assert body["data"] == {
        "user_id": body["data"]["user_id"],
        "role": "citizen",
        "name": "S*** S***",
        "phone_number": "+97798****5678",
        "username": None,
        "initial_password": None,
        "version": 1,
    }
    created = await stage.said(UserCreated)
    assert created[-1] == UserCreated(user_id=body["data"]["user_id"], role="citizen")


async def test_a_user_is_read_masked(stage: Stage, a_user: Appointing) -> None:
    """S0-17."""
    user = await a_user(
        email="sita@example.org",
        address="Ward 5",
        municipality="Kalika",
        national_id="12-01-75-00123",
    )
    answer = await stage.client(ADMIN).get(f"{USERS}/{user['user_id']}")

    data = answer.json()["data"]
    assert answer.headers["etag"] == '"1"'
    assert (data["name"], data["phone_number"]) == ("S*** S***", "+97798****5678")
    assert (data["email"], data["has_address"], data["has_login"]) == (
        "s***@example.org",
        True,
        True,
    )
    assert data["national_id"] == "****0123"
    for secret in (PHONE, "Sita", "Sharma", "Ward 5", "Kalika", "sita@", "12-01-75"):
        assert secret not in answer.text


async def test_whoever_it_is_reads_themselves_and_for_the_rest_they_do_not_exist(
    stage: Stage, a_user: Appointing
) -> None:
    """design.md 5.7: 404, not 403."""
    user = await a_user("citizen", address="Ward 5")
    path = f"{USERS}/{user['user_id']}"
    own = stage.client(Role.CITIZEN, f"user:{user['user_id']}")

    assert (await own.get(path)).status_code == 200
    for role in (Role.GUEST, Role.CITIZEN):
        for wanted in (path, f"{USERS}/77"):
            answer = await stage.client(role).get(wanted)
            error = answer.json()["error"]
            assert (answer.status_code, error["code"]) == (404, "USER_NOT_FOUND")
    assert (await stage.client(Role.API_CLIENT).get(path)).status_code == 403
    assert stage.peers.asked == []
    me = (await own.get(f"{USERS}/me")).json()["data"]
    assert (me["name"], me["phone_number"], me["address"]) == (NAME, "+9779812345678", "Ward 5")


async def test_a_guest_is_told_that_nothing_is_kept(stage: Stage) -> None:
    me = (await stage.client(Role.GUEST, "guest:1").get(f"{USERS}/me")).json()["data"]

    assert (me["id"], me["role"], me["user_id"], me["name"]) == ("guest:1", "guest", None, None)


@pytest.mark.parametrize("base", [USERS, "/api/users"])
async def test_what_is_no_number_is_nobody(stage: Stage, base: str) -> None:
    """path-03…10."""
    admin = stage.client(ADMIN)
    for junk in JUNK:
        for method in ("GET", "PUT"):
            answer = await admin.request(
                method, f"{base}/{junk}", json={"name": "x"} if method == "PUT" else None
            )
            assert answer.status_code in {404, 405}, (method, junk)
            assert answer.json()["status"] == "error"


@pytest.mark.parametrize(
    "spelling",
    ["+977 98-1234-5678", "00977 981 234 5678", "९८१२३४५६७८", "(981) 234-5678", "＋9779812345678"],
)
async def test_one_phone_in_two_spellings_is_one_user(
    stage: Stage, a_user: Appointing, spelling: str
) -> None:
    """user-04."""
    await a_user("citizen")
    answer = await appoint(stage, phone_number=spelling)

    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "USER_EXISTS")
    found = await stage.client(ADMIN).post(f"{USERS}/search", json={"phone_number": spelling})
    assert len(found.json()["data"]["items"]) == 1


async def test_of_two_at_once_one_is_told_that_the_other_was_faster(stage: Stage) -> None:
    answers = await asyncio.gather(*(appoint(stage) for _ in range(5)))

    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]
    assert {a.json()["error"]["code"] for a in answers if a.status_code == 409} == {"USER_EXISTS"}


async def test_one_login_belongs_to_one_user(stage: Stage, a_user: Appointing) -> None:
    await a_user(username="sita")
    answer = await appoint(stage, phone_number="9811111111", role="intake_officer", username="SITA")

    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "USER_EXISTS")


async def test_staff_without_a_password_get_one_that_is_shown_once(
    stage: Stage, a_user: Appointing
) -> None:
    made = await a_user(username="sita")
    given = await a_user(phone="9811111111", password="correct-horse-battery")

    assert len(made["initial_password"]) == 24
    assert made["username"] == "sita"
    answer = await appoint(stage, phone_number="9822222222", role="intake_officer")
    assert (answer.headers["cache-control"], answer.headers["pragma"]) == ("no-store", "no-cache")
    assert given["initial_password"] is None
    read = await stage.client(ADMIN).get(f"{USERS}/{made['user_id']}")
    assert made["initial_password"] not in read.text


async def test_the_same_request_with_the_same_key_is_one_user(stage: Stage) -> None:
    body = {"phone_number": PHONE, "name": NAME, "role": "intake_officer"}
    admin = stage.client(ADMIN)
    first, second = [
        await admin.post(USERS, json=body, headers={"Idempotency-Key": "k"}) for _ in range(2)
    ]

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert second.headers["idempotency-replayed"] == "true"
    assert {each.headers["cache-control"] for each in (first, second)} == {"no-store"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"role": "root"},
        {"role": "admin"},
        {"role": "guest"},
        {"role": "service"},
        {"role": "api_client"},
        {"role": "CITIZEN"},
        {"role": 1},
        {"phone_number": "12"},
        {"phone_number": "not a number"},
        {"phone_number": 9812345678},
        {"phone_number": "+" + "9" * 60},
        {"phone_number": None},
        {"name": ""},
        {"name": "   "},
        {"name": "\u200b\u200b"},
        {"name": "x" * 101},
        {"name": ["x"]},
        {"email": "sita"},
        {"email": "a@b@c.d"},
        {"password": "short", "role": "auditor"},
        {"password": "long-enough-for-all"},
        {"username": "sita"},
        {"username": "9812345678", "role": "auditor"},
        {"scope": {"projects": ["road"]}},
        {"scope": {"projects": ["x" * 101]}, "role": "auditor"},
        {"scope": {"projects": ["x" * 100] * 50}, "role": "auditor"},
        {"user_id": 1},
    ],
)
async def test_what_no_user_can_be_is_refused_without_repeating_it(
    stage: Stage, wrong: dict[str, Any]
) -> None:
    """user-03; design.md 5.6."""
    answer = await appoint(stage, **wrong)

    assert answer.status_code == 422
    assert answer.json()["status"] == "error"
    assert not any(str(v) in answer.text for v in wrong.values() if len(str(v)) > 12)
    assert len(await stage.said(UserCreated)) == 1  # the first administrator


@pytest.mark.parametrize("role", [*sorted(READS_SEAH | SUPERVISORS), Role.AUDITOR])
async def test_only_a_super_admin_appoints_to_what_opens_more(stage: Stage, role: Role) -> None:
    """S0-28, S4-19a."""
    for by in (Role.PROJECT_ADMIN, Role.COUNTRY_ADMIN):
        answer = await appoint(stage, by=by, role=role)
        assert (answer.status_code, answer.json()["error"]["code"]) == (
            403,
            "ROLE_NOT_YOURS_TO_GIVE",
        )
    assert (await appoint(stage, role=role)).status_code == 201


async def test_a_project_admin_appoints_within_their_project(stage: Stage) -> None:
    admin = stage.client(Role.PROJECT_ADMIN, "user:9", Scope(("road",)))
    body = {"phone_number": PHONE, "name": NAME, "role": "intake_officer"}
    wider = await admin.post(USERS, json={**body, "scope": {"projects": ["rail"]}})
    own = await admin.post(USERS, json=body)

    assert (wider.status_code, wider.json()["error"]["code"]) == (403, "SCOPE_NOT_YOURS_TO_GIVE")
    read = await stage.client(ADMIN).get(f"{USERS}/{own.json()['data']['user_id']}")
    assert read.json()["data"]["scope"] == {
        "projects": ["road"],
        "places": [],
        "organisations": [],
    }


async def test_a_project_admin_does_not_touch_who_is_above(
    stage: Stage, a_user: Appointing
) -> None:
    above = [
        await a_user(role, phone=f"981234567{number}")
        for number, role in enumerate(("seah_hq_officer", "adb_hq_exec", "auditor"))
    ]

    for user in above:
        for body in ({"name": "x"}, {"password": "correct-horse-battery"}, {"role": "citizen"}):
            answer = await change(stage, user["user_id"], by=Role.PROJECT_ADMIN, **body)
            assert (answer.status_code, answer.json()["error"]["code"]) == (
                403,
                "ROLE_NOT_YOURS_TO_GIVE",
            )


@pytest.mark.parametrize("role", [None, Role.GUEST, Role.CITIZEN, Role.API_CLIENT, Role.AUDITOR])
async def test_others_appoint_nobody(stage: Stage, role: Role | None) -> None:
    """user-02."""
    body = {"phone_number": PHONE, "name": NAME, "role": "super_admin"}
    answer = await stage.client(role).post(USERS, json=body)

    assert answer.status_code == (403 if role else 401)
    assert len(await stage.said(UserCreated)) == 1


async def test_a_change_names_the_version_it_was_made_on(stage: Stage, a_user: Appointing) -> None:
    """S0-18; design.md 5.4: no lost update."""
    user = await a_user()
    user_id = user["user_id"]

    blind = await change(stage, user_id, etag=None, name="Sita Rai")
    first = await change(stage, user_id, name="Sita Rai")
    late = await change(stage, user_id, name="Sita Gurung")
    nonsense = await change(stage, user_id, etag="x", name="Sita Gurung")

    assert (blind.status_code, blind.json()["error"]["code"]) == (428, "IF_MATCH_REQUIRED")
    assert (first.status_code, first.headers["etag"]) == (200, '"2"')
    assert first.json()["data"]["name"] == "S*** R***"
    assert (late.status_code, late.json()["error"]["code"]) == (412, "STALE_VERSION")
    assert nonsense.status_code == 412
    assert await stage.said(UserUpdated) == [UserUpdated(user_id=user_id, fields=["name"])]


async def test_of_two_changes_at_once_one_comes_too_late(stage: Stage, a_user: Appointing) -> None:
    user = await a_user()
    answers = await asyncio.gather(
        *(change(stage, user["user_id"], name=f"Sita {letter}") for letter in "ABCDE")
    )

    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412, 412]


async def test_a_change_says_what_changed_and_never_to_what(
    stage: Stage, a_user: Appointing
) -> None:
    user = await a_user()
    await change(
        stage, user["user_id"], email="rai@example.org", address="Ward 9", municipality="Kalika",
        phone_number="9811111111", password="correct-horse-battery", role="auditor",
        scope={"projects": ["road"]},
    )  # fmt: skip

    [said] = await stage.said(UserUpdated)
    assert said.fields == [
        "address", "email", "municipality", "password", "phone_number", "role", "scope",
    ]  # fmt: skip
    rows = await stage.said(AuditRecorded)
    about = [row for row in rows if row.target == f"user:{user['user_id']}"]
    assert [row.act for row in about] == [
        Act.USER_CREATED,
        Act.PASSWORD_SET,
        Act.PASSWORD_SET,
        Act.USER_CHANGED,
    ]
    assert {row.who for row in about} == {"super_admin-1"}
    assert about[-1].details == {"fields": said.fields}


async def test_nothing_said_is_nothing_changed(stage: Stage, a_user: Appointing) -> None:
    user = await a_user()
    answer = await change(stage, user["user_id"])

    assert (answer.status_code, answer.headers["etag"]) == (200, '"1"')
    assert await stage.said(UserUpdated) == []


async def test_nobody_takes_the_phone_of_another(stage: Stage, a_user: Appointing) -> None:
    await a_user("citizen")
    other = await a_user("citizen", phone="9811111111")
    own = await change(stage, other["user_id"], phone_number="+977 9811111111")
    taken = await change(stage, other["user_id"], etag='"2"', phone_number="+977 98-1234-5678")

    assert own.status_code == 200
    assert (taken.status_code, taken.json()["error"]["code"]) == (409, "USER_EXISTS")


async def test_a_change_of_nobody_is_nobody(stage: Stage) -> None:
    answer = await change(stage, 77, name="x")

    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "USER_NOT_FOUND")


async def test_a_citizen_has_no_password(stage: Stage, a_user: Appointing) -> None:
    user = await a_user("citizen")
    answer = await change(stage, user["user_id"], password="correct-horse-battery")

    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "ONLY_FOR_STAFF")


async def test_a_citizen_becomes_staff_with_a_password(stage: Stage, a_user: Appointing) -> None:
    user = await a_user("citizen")
    answer = await change(
        stage,
        user["user_id"],
        role="intake_officer",
        scope={},
        password="correct-horse-battery",
    )
    form = {"grant_type": "password", "username": PHONE, "password": "correct-horse-battery"}

    assert answer.json()["data"]["has_login"] is True
    assert (await stage.client().post("/oauth/token", data=form)).status_code == 200


async def test_only_the_whole_number_finds_anybody(stage: Stage, a_user: Appointing) -> None:
    user = await a_user("citizen")
    shares_a_case(stage, user["user_id"])

    async def found(number: str) -> list[int]:
        client = stage.client(Role.INTAKE_OFFICER)
        answer = await client.post(f"{USERS}/search", json={"phone_number": number})
        assert answer.status_code == 200
        assert "98123" not in answer.text
        return [item["user_id"] for item in answer.json()["data"]["items"]]

    assert await found("९८१-२३४-५६७८") == [user["user_id"]]
    assert await found("9812345679") == []
    for role in (Role.GUEST, Role.CITIZEN, Role.API_CLIENT):
        answer = await stage.client(role).post(f"{USERS}/search", json={"phone_number": PHONE})
        assert answer.status_code == 403


async def test_a_service_gets_one_masked_contact(stage: Stage, a_user: Appointing) -> None:
    user = await a_user("citizen")
    path = f"/internal/users/{user['user_id']}/contact"
    answer = await stage.peer("grievance").get(path)

    assert answer.json()["data"] == {"name_masked": "S*** S***", "phone_masked": "+97798****5678"}
    assert (await stage.peer("grievance").get("/internal/users/77/contact")).status_code == 404
    for role in (Role.GUEST, Role.SUPER_ADMIN):
        assert (await stage.client(role).get(path)).status_code == 403


async def test_staff_see_whose_case_they_may_see_and_nobody_else(
    stage: Stage, a_user: Appointing
) -> None:
    """Issue 4, row scope: whoever asks is passed on to grievance, which knows the cases."""
    user = await a_user("citizen")
    path = f"{USERS}/{user['user_id']}"
    shares_no_case(stage, user["user_id"])
    officer = stage.client(Role.INTAKE_OFFICER, "user:9")

    for role in (Role.INTAKE_OFFICER, Role.AUDITOR, Role.SEAH_HQ_OFFICER, Role.PROJECT_ADMIN):
        refused = await stage.client(role).get(path)
        assert (refused.status_code, refused.json()["error"]["code"]) == (404, "USER_NOT_FOUND")
    shares_a_case(stage, user["user_id"])
    assert (await officer.get(path)).json()["data"]["name"] == "S*** S***"

    asked = stage.peers.asked[-1]
    behalf = stage.service.verifier.verify(asked.headers["x-on-behalf-of"])
    assert (behalf.id, asked.url.query) == ("user:9", b"citizen=%d" % user["user_id"])


async def test_without_grievance_nobody_is_shown_who_might_not_be_theirs(
    stage: Stage, a_user: Appointing
) -> None:
    user = await a_user("citizen")
    own = stage.client(Role.CITIZEN, f"user:{user['user_id']}")
    path = f"{USERS}/{user['user_id']}"

    stage.peers.answers.clear()
    for role in (Role.INTAKE_OFFICER, ADMIN):
        answer = await stage.client(role).get(path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "PEER_UNAVAILABLE")
    assert (await own.get(path)).status_code == 200


async def test_supervisors_see_the_staff_of_their_part_and_no_others(
    stage: Stage, a_user: Appointing
) -> None:
    """S4-19a."""
    own = await a_user(scope={"projects": ["road"]})
    other = await a_user(phone="9811111111", scope={"projects": ["rail"]})
    shares_no_case(stage, other["user_id"])
    admin = stage.client(Role.PROJECT_ADMIN, "user:9", Scope(("road",)))

    assert (await admin.get(f"{USERS}/{own['user_id']}")).status_code == 200
    assert (await admin.get(f"{USERS}/{other['user_id']}")).status_code == 404
    refused = await admin.put(
        f"{USERS}/{other['user_id']}", json={"name": "x"}, headers={"If-Match": '"1"'}
    )
    assert (refused.status_code, refused.json()["error"]["code"]) == (404, "USER_NOT_FOUND")
    shares_no_case(stage, own["user_id"])
    colleague = stage.client(Role.INTAKE_OFFICER, "user:8", Scope(("road",)))
    assert (await colleague.get(f"{USERS}/{own['user_id']}")).status_code == 404
    assert stage.peers.asked[-1].url.query == b"staff=%d" % own["user_id"]


async def test_people_are_found_by_email_and_national_id_however_they_are_spelled(
    stage: Stage, a_user: Appointing
) -> None:
    """S1-27, S1-32; S4-06."""
    user = await a_user("citizen", email="Sita@Example.org", national_id="12-01-75/00123")
    admin = stage.client(ADMIN)

    for wanted in (
        {"email": "sita@EXAMPLE.org"},
        {"national_id": "१२ ०१ ७५ ००१२३"},
        {"national_id": "12017500123"},
    ):
        found = await admin.post(f"{USERS}/search", json=wanted)
        assert [each["user_id"] for each in found.json()["data"]["items"]] == [user["user_id"]]
    for other in ({"email": "sita@example.com"}, {"national_id": "1201750012"}):
        found = await admin.post(f"{USERS}/search", json=other)
        assert found.json()["data"]["items"] == []


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"phone_number": PHONE, "email": "sita@example.org"},
        {"name": NAME},
        {"national_id": "-"},
        {"national_id": "²²²²"},
        {"email": None},
    ],
)
async def test_a_search_names_one_thing(stage: Stage, body: dict[str, Any]) -> None:
    answer = await stage.client(ADMIN).post(f"{USERS}/search", json=body)

    assert answer.status_code == 422


async def test_a_search_finds_only_whom_the_caller_may_see(
    stage: Stage, a_user: Appointing
) -> None:
    user = await a_user("citizen")
    shares_no_case(stage, user["user_id"])
    answer = await stage.client(Role.INTAKE_OFFICER).post(
        f"{USERS}/search", json={"phone_number": PHONE}
    )

    assert (answer.status_code, answer.json()["data"]["items"]) == (200, [])


async def test_of_all_who_are_found_grievance_is_asked_once(
    stage: Stage, a_user: Appointing
) -> None:
    """However many share a contact: one question, and an answer for each of them."""
    same = {"email": "sita@example.org"}
    found = [
        (await a_user("citizen", phone=f"981234567{number}", **same))["user_id"]
        for number in range(4)
    ]
    for user_id in found[:2]:
        shares_a_case(stage, user_id)
    shares_no_case(stage, found[2])

    officer = stage.client(Role.INTAKE_OFFICER)
    answer = await officer.post(f"{USERS}/search", json=same)

    assert [each["user_id"] for each in answer.json()["data"]["items"]] == found[:2]
    assert len(stage.peers.asked) == 1


async def test_observers_search_for_nobody(stage: Stage) -> None:
    answer = await stage.client(Role.ADB_HQ_EXEC).post(
        f"{USERS}/search", json={"phone_number": PHONE}
    )

    assert answer.status_code == 403


async def test_whoever_is_given_another_role_is_signed_out(
    stage: Stage, a_user: Appointing
) -> None:
    """Reliability 3 row 10."""
    user = await a_user(username="sita", password=PASSWORD)
    form = {"grant_type": "password", "username": "sita", "password": PASSWORD}
    assert (await stage.client().post("/oauth/token", data=form)).status_code == 200

    await change(stage, user["user_id"], name="Sita Rai")
    assert await stage.said(SessionRevoked) == []
    await change(stage, user["user_id"], etag='"2"', role="grc_member")

    [revoked] = await stage.said(SessionRevoked)
    assert revoked.principal_id == f"user:{user['user_id']}"
