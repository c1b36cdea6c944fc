"""Fields nobody asked for are refused, and nothing of such a request is applied."""

import pytest

from libs.common.principal import Role
from libs.common.testing.stage import Stage
from tests.service.users.conftest import Appointing

SMUGGLED = {
    "user_id": 1, "version": 99, "level": "admin", "is_staff": True, "password_hash": "x",
    "phone_index": "x", "created_at": "2020-01-01T00:00:00Z", "erased_at": None, "merged_into": 1,
    "principal_id": "user:1", "permissions": ["user:erase"], "__class__": "x",
}  # fmt: skip
NEW = {"phone_number": "9811111111", "name": "Ram Rai", "role": "citizen"}


@pytest.mark.parametrize("field", sorted(SMUGGLED))
async def test_a_field_nobody_asked_for_is_refused(
    stage: Stage, a_user: Appointing, field: str
) -> None:
    """Reliability 3 row 4; user-05."""
    user = await a_user("citizen")
    path = f"/api/v1/users/{user['user_id']}"
    admin = stage.client(Role.SUPER_ADMIN)
    extra = {field: SMUGGLED[field]}
    before = (await admin.get(path)).json()["data"]

    answers = [
        await admin.post("/api/v1/users", json=NEW | extra),
        await admin.post("/api/users", json=NEW | extra),
        await admin.post("/api/v1/users", json=NEW | {"scope": extra}),
        await admin.put(path, json={"name": "Somebody Else"} | extra, headers={"If-Match": '"1"'}),
        await admin.put(f"/api/users/{user['user_id']}", json=NEW | extra),
    ]

    found = [(answer.status_code, answer.json()["error"]["code"]) for answer in answers]
    assert found == [(422, "VALIDATION_ERROR")] * len(answers)
    assert (await admin.get(path)).json()["data"] == before


async def test_nobody_gives_themselves_a_role(stage: Stage, a_user: Appointing) -> None:
    """A citizen's own row is theirs to read, and an administrator's to change."""
    user = await a_user("citizen")
    me = stage.client(Role.CITIZEN, f"user:{user['user_id']}")
    path = f"/api/v1/users/{user['user_id']}"

    refused = await me.put(path, json={"role": "super_admin"}, headers={"If-Match": '"1"'})

    assert refused.status_code == 403
    assert (await me.get(path)).json()["data"]["role"] == "citizen"
