"""Chat's links made again where everything is one process, while it runs and when it does not."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.system.conftest import Start, settled
from tests.system.test_journey import Citizen, filed_by_chat
from tests.system.test_starting import said_by

Link = tuple[str, str, str]


def links(folder: Path) -> list[Link]:
    with closing(sqlite3.connect(folder / "chat.db")) as database:
        rows = "SELECT grievance_id, conversation_id, status FROM case_links ORDER BY 1"
        return database.execute(rows).fetchall()


def lose_links(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "chat.db")) as database, database:
        database.execute("DELETE FROM case_links")


async def test_links_are_made_again_beside_the_running_system_and_without_it(
    start: Start,
) -> None:
    """design 3: the sync of the two databases, replayed on the embedded default."""
    system = await start()
    citizen = Citizen(await system.guest())
    case = await filed_by_chat(citizen)

    async def linked() -> list[Link]:
        return await asyncio.to_thread(links, system.folder)

    before = await settled(linked)
    assert [(link[0], link[1]) for link in before] == [(case, citizen.conversation)]

    for is_running in (True, False):
        if not is_running:
            assert await system.stop() == 0
        lose_links(system.folder)
        code, said = await said_by("services", "rebuild-links", REDRESS_DATA_DIR=str(system.folder))
        assert (code, "0 removed" in said) == (0, True), said
        # While it runs, chat may hear of the case and make the link a moment before the command.
        assert is_running or "1 links written" in said
        assert links(system.folder) == before


async def test_without_data_there_is_nothing_to_rebuild(tmp_path: Path) -> None:
    code, said = await said_by("services", "rebuild-links", REDRESS_DATA_DIR=str(tmp_path))

    assert code == 1
    assert "There is no database at" in said
    assert list(tmp_path.iterdir()) == []


async def test_chat_alone_names_the_command_that_can(tmp_path: Path) -> None:
    code, said = await said_by("services.chat", "rebuild-links", REDRESS_DATA_DIR=str(tmp_path))

    assert code == 1
    assert "python -m services rebuild-links" in said
