"""Issue 4: a key that was destroyed stays destroyed, whatever comes late, on both databases."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from sqlalchemy import MetaData, make_url, select

from libs.common.clock import utc_now
from libs.common.crypto.keyring import Keyring
from libs.common.crypto.sealing import CannotOpen
from libs.common.db.base import ground, service_metadata
from libs.common.db.engine import Database
from libs.common.db.idempotency import Reply, ReplyErased, Request
from libs.common.db.uow import UnitOfWork
from libs.common.db.vault import Erased

METADATA: MetaData = service_metadata()
GROUND = ground(METADATA, guests=True)
USER = 12
CASE = "case:GRV-1"
SOME, PART = 4, 12
"""A key begins with the name of what wrapped it; no dozen bytes beyond that may be left."""


@pytest.fixture
async def uow(database_url: str, tmp_path: Path) -> AsyncIterator[UnitOfWork]:
    database = Database(database_url, schema="public")
    async with database.engine.begin() as connection:
        await connection.run_sync(METADATA.create_all)
    keys = Keyring.create(tmp_path / "keyring.json").of("weather")
    yield UnitOfWork(database, service="weather", ground=GROUND, keys=keys)
    await database.close()


async def a_key(uow: UnitOfWork, subject: str = CASE) -> None:
    async with uow.begin() as tx:
        tx.vault.create(subject)


async def is_destroyed(uow: UnitOfWork, subject: str = CASE) -> bool:
    async with uow.read() as tx:
        return not await tx.vault.surviving_keys([subject])


async def erase(uow: UnitOfWork) -> None:
    async with uow.begin() as tx:
        await tx.vault.destroy_of(USER)


async def link(uow: UnitOfWork, subject: str = CASE) -> bool:
    async with uow.begin() as tx:
        return await tx.vault.belongs_to(subject, USER)


async def test_what_is_somebodys_is_destroyed_with_them(uow: UnitOfWork) -> None:
    await a_key(uow)
    await a_key(uow, "case:other")
    assert await link(uow)

    await erase(uow)

    assert await is_destroyed(uow)
    assert not await is_destroyed(uow, "case:other")
    async with uow.begin() as tx:
        with pytest.raises(Erased):
            await tx.vault.key(CASE)
        assert await tx.vault.key_or_new(CASE) is None


async def test_what_turns_out_to_be_somebody_erased_is_destroyed_then(uow: UnitOfWork) -> None:
    await a_key(uow)
    await erase(uow)

    assert not await link(uow)
    assert await is_destroyed(uow)


async def test_a_subject_whose_key_comes_later_gets_none(uow: UnitOfWork) -> None:
    await erase(uow)
    assert not await link(uow)

    async with uow.begin() as tx:
        assert await tx.vault.key_or_new(CASE, user_id=USER) is None


async def test_linking_and_erasing_at_once_leave_nothing(uow: UnitOfWork) -> None:
    subjects = [f"case:{number}" for number in range(12)]
    for subject in subjects:
        await a_key(uow, subject)

    links = [link(uow, subject) for subject in subjects]
    await asyncio.gather(*links[:6], erase(uow), *links[6:])

    assert [subject for subject in subjects if not await is_destroyed(uow, subject)] == []


async def test_what_is_passed_on_to_somebody_erased_is_destroyed(uow: UnitOfWork) -> None:
    await a_key(uow)
    async with uow.begin() as tx:
        await tx.vault.belongs_to(CASE, 99)
    await erase(uow)

    async with uow.begin() as tx:
        assert not await tx.vault.pass_on(99, to=USER)

    assert await is_destroyed(uow)


async def test_somebody_merged_is_whom_they_became_in_whatever_order_it_is_heard(
    uow: UnitOfWork,
) -> None:
    for gone, into in ((98, USER), (99, 98)):
        async with uow.begin() as tx:
            assert await tx.vault.pass_on(gone, to=await tx.vault.survivor(into))
    await a_key(uow)

    async with uow.begin() as tx:
        assert await tx.vault.writer("user:99") == f"user:{USER}"
        assert await tx.vault.writer("guest:99") == "guest:99"
        assert await tx.vault.belongs_to(CASE, 99)
    await erase(uow)

    assert await is_destroyed(uow)
    async with uow.begin() as tx:
        with pytest.raises(Erased):
            await tx.vault.writer("user:99")


async def test_a_guest_is_the_first_person_they_proved_to_be(uow: UnitOfWork) -> None:
    async with uow.begin() as tx:
        assert await tx.vault.bind("guest:1", 99) == 99
        assert await tx.vault.bind("guest:1", USER) is None
        assert await tx.vault.writer("guest:1") == "user:99"
        assert await tx.vault.writer("guest:2") == "guest:2"


async def test_a_guest_follows_whom_they_became(uow: UnitOfWork) -> None:
    """Bound before the person was merged, and after; then the one they all are is erased."""
    async with uow.begin() as tx:
        await tx.vault.bind("guest:1", 99)
        await tx.vault.pass_on(99, to=USER)
        assert await tx.vault.bind("guest:2", 99) == USER
        assert await tx.vault.who_is("guest:1") == await tx.vault.who_is("guest:2")
        assert await tx.vault.writer("guest:1") == f"user:{USER}"
    await erase(uow)

    async with uow.begin() as tx:
        with pytest.raises(Erased):
            await tx.vault.writer("guest:1")


async def test_who_a_guest_was_is_forgotten_after_a_month(
    uow: UnitOfWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with uow.begin() as tx:
        await tx.vault.bind("guest:1", USER)
    later = utc_now() + timedelta(days=31)
    monkeypatch.setattr("libs.common.db.vault.utc_now", lambda: later)

    async with uow.begin() as tx:
        await tx.vault.bind("guest:2", USER)

    async with uow.begin() as tx:
        assert await tx.vault.who_is("guest:1") == "guest:1"
        assert await tx.vault.who_is("guest:2") == f"user:{USER}"


async def test_linking_and_merging_at_once_leave_nothing_of_the_one_that_went(
    uow: UnitOfWork,
) -> None:
    subjects = [f"case:{number}" for number in range(12)]
    for subject in subjects:
        await a_key(uow, subject)

    async def merge() -> None:
        async with uow.begin() as tx:
            await tx.vault.pass_on(USER, to=99)

    links = [link(uow, subject) for subject in subjects]
    await asyncio.gather(*links[:6], merge(), *links[6:])

    keys = GROUND.data_keys
    async with uow.read() as tx:
        owners = await tx.session.scalars(keys.select().with_only_columns(keys.c.user_id))
        assert {owner for owner in owners if owner is not None} == {99}


async def test_a_destroyed_key_lies_in_no_file(uow: UnitOfWork, tmp_path: Path) -> None:
    if not uow.database.is_sqlite:
        pytest.skip("PostgreSQL overwrites with its vacuum")
    for subject in ("case:a", CASE, "case:z"):
        await a_key(uow, subject)
    table = uow.ground.data_keys
    query = table.select().where(table.c.subject == CASE)
    async with uow.read() as tx:
        [wrapped] = [row.wrapped for row in await tx.session.execute(query)]
    path = Path(make_url(uow.database.url).database or "")
    files = [path, path.with_name(f"{path.name}-wal")]
    assert any(wrapped in file.read_bytes() for file in files)

    async with uow.begin() as tx:
        await tx.vault.destroy(CASE)

    lying = [file.read_bytes() for file in tmp_path.iterdir()]
    parts = [wrapped[at : at + PART] for at in range(SOME, len(wrapped) - PART)]
    assert [part for part in parts for content in lying if part in content] == []


async def test_a_reply_about_somebody_erased_is_gone_and_the_request_stays_done(
    uow: UnitOfWork,
) -> None:
    await a_key(uow)
    await link(uow)
    request = Request.of(caller="user:1", route="/notes", key="once", body=b"{}")
    async with uow.begin(request=request) as tx:
        await tx.vault.key(CASE)
        tx.answer(201, b"Sita called")

    await erase(uow)

    with pytest.raises(ReplyErased):
        async with uow.begin(request=request):
            raise AssertionError("it was done before")
    with pytest.raises(ReplyErased):
        await uow.replay(request)


async def test_what_was_asked_is_not_to_be_guessed_from_its_row(uow: UnitOfWork) -> None:
    """Issue 4, privacy: a body may hold a password, and a hash anybody can make is soon tried."""
    request = Request.of(caller="user:1", route="/users", key="once", body=b"a password")
    async with uow.begin(request=request) as tx:
        tx.answer(201, b"done")

    async with uow.read() as tx:
        table = uow.ground.idempotency_keys
        kept = await tx.session.scalar(select(table.c.fingerprint))
    assert kept is not None
    assert kept != sha256(b"a password").digest()


async def test_a_reply_about_nobody_is_replayed(uow: UnitOfWork) -> None:
    request = Request.of(caller="user:1", route="/status", key="once", body=b"{}")
    async with uow.begin(request=request) as tx:
        tx.answer(200, Reply(200, b"done").body)
    await erase(uow)

    with pytest.raises(Exception, match="answered before"):
        await uow.replay(request)


def with_keys(uow: UnitOfWork, ring: Keyring) -> UnitOfWork:
    keys = ring.of("weather")
    return UnitOfWork(uow.database, service="weather", ground=GROUND, keys=keys)


def ring_of(tmp_path: Path) -> Keyring:
    return Keyring.load(tmp_path / "keyring.json")


@pytest.mark.parametrize("wrong", ["index_key", "keys"])
async def test_a_keyring_with_another_key_is_refused(
    uow: UnitOfWork, tmp_path: Path, wrong: str
) -> None:
    """Issue 4, administration: with another one nothing starts, be it the index key alone."""
    other = Keyring.create(tmp_path / "other.json")
    changed = replace(ring_of(tmp_path), **{wrong: getattr(other, wrong)})
    await uow.check_keyring()
    await a_key(uow)

    with pytest.raises(CannotOpen):
        await with_keys(uow, changed).check_keyring()
    await uow.check_keyring()


async def test_data_of_before_the_index_key_was_checked_is_taken_on_once(
    uow: UnitOfWork, tmp_path: Path
) -> None:
    await a_key(uow, "keyring-check")
    await a_key(uow)
    other = replace(ring_of(tmp_path), index_key=b"2" * 32)

    await uow.check_keyring()

    with pytest.raises(CannotOpen, match="blind indexes"):
        await with_keys(uow, other).check_keyring()


async def test_a_look_at_the_keyring_leaves_nothing(uow: UnitOfWork) -> None:
    await uow.check_keyring(note=False)

    async with uow.read() as tx:
        assert (await tx.session.scalars(select(GROUND.data_keys.c.subject))).all() == []
