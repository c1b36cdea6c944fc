"""Must show 1: every route with an id × everybody it is not for; made from the OpenAPI document."""

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx2
import pytest

from libs.common.ids import new_id
from tests.system.conftest import Start
from tests.system.matrix import PARAMETER, Matrix, Question, asked_of, life
from tests.system.owned import WORDS, Caller

REFUSED = {401, 403, 404}
NOT_FOUND = 404
FOUND = 200
VERSION = {"If-Match": '"1"'}
FEW = 30
SHORT = 10
UNKNOWN = {"user_id": "99999", "grievance_id": "GRV-2026-AAAAAA-0"}


@pytest.mark.timeout(180)
async def test_what_is_not_yours_does_not_exist(start: Start) -> None:
    """Reliability 3 rows 1, 2, 5, 14: 0 leaks, 404 on what is not yours, 0 routes uncovered."""
    matrix = await asked_of(await start())

    assert [each async for each in wrong_cells(matrix)] == []
    assert [each async for each in leaks_in_lists(matrix)] == []
    assert [each async for each in told_apart(matrix)] == []
    # Nobody changed anything, and those it is for get through: the routes do work.
    assert [each async for each in closed_to_all(matrix)] == []


async def wrong_cells(matrix: Matrix) -> AsyncIterator[str]:
    """Who was not refused as they should be, or was told a word that was planted."""
    assert len(matrix.questions) > FEW
    async for caller, each, client in _outsiders(matrix, matrix.questions):
        answer = await each.ask(client)
        expected = each.expects(caller)
        if answer.status != expected:
            yield f"{caller.name}: {each.name}: {answer.status}, not {expected}"
        for word in WORDS:
            if word in answer.text:
                yield f"{caller.name}: {each.name}: {word}"


async def leaks_in_lists(matrix: Matrix) -> AsyncIterator[str]:
    """Words and ids of what is not theirs in what others list."""
    planted = {each for each in matrix.owned.ids.values() if len(each) > SHORT}
    looked = 0
    async for caller, each, client in _outsiders(matrix, matrix.lists):
        answer = await each.ask(client)
        looked += answer.status == FOUND
        for word in (*WORDS, *planted):
            if word in answer.text:
                yield f"{caller.name}: {each.name}: {word}"
    assert looked > FEW


async def told_apart(matrix: Matrix) -> AsyncIterator[str]:
    """Where one could tell what is not theirs from what is not there (guarantee 7)."""
    compared = 0
    async for caller, each, client in _outsiders(matrix, matrix.questions):
        if not each.names_something or each.expects(caller) != NOT_FOUND:
            continue
        path = PARAMETER.sub(lambda found: UNKNOWN.get(found[1], new_id()), each.template)
        there, nowhere = await each.ask(client), await replace(each, path=path).ask(client)
        compared += 1
        if (there.status, there.error) != (nowhere.status, nowhere.error):
            yield f"{caller.name}: {each.name}: {there}, {nowhere}"
    assert compared > FEW


async def closed_to_all(matrix: Matrix) -> AsyncIterator[str]:
    """Routes that do not even let in those they are for."""
    insiders = [
        (each, matrix.system.client(each.token, **VERSION)) for each in matrix.owned.insiders()
    ]
    for each in sorted(matrix.questions, key=life):
        answers = [
            (await each.ask(client, rightly=True)).status
            for caller, client in insiders
            if caller.principal and each.access.admits(caller.principal)
        ]
        if not any(status not in REFUSED and status < 500 for status in answers):
            yield f"{each.name}: {answers}"


async def _outsiders(
    matrix: Matrix, questions: list[Question]
) -> AsyncIterator[tuple[Caller, Question, httpx2.AsyncClient]]:
    for caller in matrix.owned.outsiders():
        client = matrix.system.client(caller.token, **VERSION)
        for each in questions:
            is_free = each.access.is_public and each in matrix.lists
            if not is_free and each.expects(caller) is not None:
                yield caller, each, client
