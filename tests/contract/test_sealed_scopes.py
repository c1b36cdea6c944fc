"""What lay in the open before is dropped on the way, and nobody may more by that."""

import pytest
from sqlalchemy import text

from libs.common.db.engine import Database
from libs.common.db.migrations import migrate

BEFORE = "b09fc43fbe26"
ROAD = '{"projects": ["road"], "places": [], "organisations": []}'
EVERYWHERE = '{"projects": [], "places": [], "organisations": []}'
ADD = (
    "INSERT INTO users (user_id, role, scope, version, is_email_proven, created_at, updated_at) "
    "VALUES (:user_id, :role, CAST(:scope AS {}), 1, false, CURRENT_TIMESTAMP, CURRENT_TIMESTAMP)"
)


@pytest.mark.parametrize("revision", ["head", BEFORE])
async def test_who_worked_in_a_part_does_not_work_everywhere_afterwards(
    revision: str, database_url: str
) -> None:
    database = Database(database_url, schema="users")
    kind = "TEXT" if database.is_sqlite else "JSONB"
    await migrate(database, "users", revision=BEFORE)
    people = [(1, "super_admin", EVERYWHERE), (2, "country_admin", ROAD), (3, "citizen", "{}")]
    async with database.write() as session:
        for user_id, role, scope in people:
            given = {"user_id": user_id, "role": role, "scope": scope}
            await session.execute(text(ADD.format(kind)), given)
    await migrate(database, "users")
    if revision != "head":
        await migrate(database, "users", revision=revision)

    async with database.read() as session:
        found = await session.execute(text("SELECT user_id, role FROM users ORDER BY user_id"))
    assert [tuple(row) for row in found] == [(1, "super_admin"), (2, "citizen"), (3, "citizen")]
    await migrate(database, "users", revision="base")
    await database.close()
