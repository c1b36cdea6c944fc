"""`GET /api/v1/roles`: who may do what, as the table has it."""

from typing import Any

import pytest

from libs.common.permissions import GRANTS
from libs.common.principal import READS_SEAH, SUPERVISORS, Role
from libs.common.testing.stage import Stage

ROLES = "/api/v1/roles"


async def rows(stage: Stage) -> dict[str, dict[str, Any]]:
    answer = await stage.client(Role.AUDITOR).get(ROLES)
    assert answer.status_code == 200, answer.text
    return {row["role"]: row for row in answer.json()["data"]}


async def test_the_table_is_shown_as_it_is_enforced(stage: Stage) -> None:
    """Issue 4, roles: each role, its permissions and how far they reach."""
    shown = await rows(stage)

    assert shown.keys() == {*Role} - {"service"}
    for role, row in shown.items():
        told = {each["permission"]: each["reach"] for each in row["permissions"]}
        assert told == GRANTS[Role(role)]
    assert {"permission": "case:read", "reach": "scope"} in shown["auditor"]["permissions"]
    assert shown["citizen"]["level"] == "authenticated"
    assert shown["super_admin"]["level"] == "admin"


async def test_a_second_factor_is_demanded_of_administrators_and_of_who_reads_seah_cases(
    stage: Stage,
) -> None:
    shown = await rows(stage)

    demanded = {role for role, row in shown.items() if row["second_factor_required"]}
    assert demanded == SUPERVISORS | {"seah_national_officer", "seah_hq_officer", "adb_hq_exec"}


async def test_who_appoints_whom_is_said(stage: Stage) -> None:
    shown = await rows(stage)

    for role in READS_SEAH | SUPERVISORS | {Role.AUDITOR}:
        assert shown[role]["appointed_by"] == ["super_admin"]
    for role in (Role.INTAKE_OFFICER, Role.CITIZEN, Role.ADB_HQ_SAFEGUARDS):
        assert shown[role]["appointed_by"] == sorted(SUPERVISORS)
    assert shown["guest"]["appointed_by"] == shown["api_client"]["appointed_by"] == []


@pytest.mark.parametrize("role", [Role.GUEST, Role.CITIZEN, Role.API_CLIENT])
async def test_the_table_is_for_who_works_here(stage: Stage, role: Role) -> None:
    assert (await stage.client(role).get(ROLES)).status_code == 403
