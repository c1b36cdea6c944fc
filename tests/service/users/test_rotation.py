"""Issue 4: the keyring is rotated while the service reads and writes."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from libs.common.clock import utc_now
from libs.common.crypto.keyring import Keyring
from libs.common.crypto.rotating import begin
from libs.common.crypto.sealing import CannotOpen
from libs.common.db import rewrapping
from libs.common.db.rewrapping import left, rewrap, wrapped_in
from libs.common.principal import Role
from libs.common.testing.stage import Stage, until
from tests.service.users.conftest import Appointing

COLUMNS = "data_keys", "idempotency_keys"


def keyring(stage: Stage) -> Path:
    return stage.service.settings.shared.keys / "keyring.json"


async def rotate(stage: Stage) -> int:
    """One pass over every column, as the script does it from a process of its own."""
    keys = Keyring.load(keyring(stage)).of("users")
    found = 0
    for column in wrapped_in(stage.uow.ground):
        async for count in rewrap(stage.service.database, keys, column):
            found += count
    return found


async def remaining(stage: Stage, kid: str) -> int:
    columns = wrapped_in(stage.uow.ground)
    return sum([await left(stage.service.database, column, kid) for column in columns])


async def test_nothing_fails_while_the_keyring_is_rotated(
    stage: Stage, a_user: Appointing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rewrapping, "BATCH", 3)
    admin = stage.client(Role.SUPER_ADMIN)
    made = [await a_user("citizen", phone=f"98412000{n:02}") for n in range(10)]
    is_over = False
    statuses: list[int] = []

    async def read_on() -> None:
        while not is_over:
            for user in made:
                answer = await admin.get(f"/api/v1/users/{user['user_id']}")
                statuses.append(answer.status_code)

    async def write_on() -> None:
        number = 0
        while not is_over:
            number += 1
            body = {"phone_number": f"98413{number:05}", "name": "Ram Rai", "role": "citizen"}
            headers = {"Idempotency-Key": str(number)}
            answer = await admin.post("/api/v1/users", json=body, headers=headers)
            statuses.append(answer.status_code)

    others = [asyncio.create_task(read_on()), asyncio.create_task(write_on())]
    begin(keyring(stage), now=utc_now(), grace=0)
    await rotate(stage)
    await until(lambda: stage.uow.keys.active == "k2")
    await rotate(stage)
    await until(lambda: len(statuses) > 20)
    is_over = True
    await asyncio.gather(*others)
    await rotate(stage)

    assert set(statuses) == {200, 201}
    assert await remaining(stage, "k2") == 0
    assert await remaining(stage, "k1") > len(made)


async def test_a_rotation_killed_half_way_is_gone_on_with(
    stage: Stage, a_user: Appointing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rewrapping, "BATCH", 2)
    for n in range(5):
        await a_user("citizen", phone=f"98412000{n:02}")
    begin(keyring(stage), now=utc_now(), grace=0)
    whole = await remaining(stage, "k2")
    keys = Keyring.load(keyring(stage)).of("users")
    async for count in rewrap(stage.service.database, keys, wrapped_in(stage.uow.ground)[0]):
        assert count == 2
        break

    assert await remaining(stage, "k2") == whole - 2
    assert await rotate(stage) == whole - 2
    assert await rotate(stage) == 0


async def test_a_key_that_is_destroyed_meanwhile_stays_destroyed(
    stage: Stage, a_user: Appointing, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await a_user("citizen")
    subject = f"user:{made['user_id']}"
    begin(keyring(stage), now=utc_now(), grace=0)
    read = rewrapping._page

    async def then_destroyed(*arguments: Any, **more: Any) -> Any:
        rows = await read(*arguments, **more)
        if subject in dict(rows):
            async with stage.uow.begin() as tx:
                await tx.vault.destroy(subject)
        return rows

    monkeypatch.setattr(rewrapping, "_page", then_destroyed)
    await rotate(stage)

    async with stage.uow.read() as tx:
        assert not await tx.vault.surviving_keys([subject])


async def test_keys_that_changed_places_are_noticed(stage: Stage, a_user: Appointing) -> None:
    one, other = await a_user("citizen"), await a_user("citizen", phone="9841200099")
    table = stage.uow.ground.data_keys
    names = [f"user:{user['user_id']}" for user in (one, other)]
    async with stage.uow.begin() as tx:
        query = table.select().where(table.c.subject.in_(names))
        rows = {row.subject: row.wrapped for row in await tx.session.execute(query)}
        for name, wrapped in zip(names, (rows[names[1]], rows[names[0]]), strict=True):
            statement = update(table).where(table.c.subject == name)
            await tx.session.execute(statement.values(wrapped=wrapped))

    async with stage.uow.read() as tx:
        with pytest.raises(CannotOpen):
            await tx.vault.key(names[0])
    begin(keyring(stage), now=utc_now(), grace=0)
    with pytest.raises(CannotOpen):
        await rotate(stage)
