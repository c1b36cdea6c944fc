from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from libs.common.principal import Role
from libs.common.testing.stage import Stage
from services.grievance.app import create_app
from services.grievance.settings import GrievanceSettings

WATER = "There has been no water in ward 5 for three days."
HARASSED = "The supervisor touches the women workers and asks for sexual favours."

Filing = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture
async def stage(raise_stage: Callable[..., Awaitable[Stage]]) -> Stage:
    return await raise_stage("grievance", create_app, GrievanceSettings)


@pytest.fixture
def a_grievance(stage: Stage) -> Filing:
    """File a grievance through the door; say only what matters."""

    async def file(
        description: str = WATER, *, by: str = "guest-1", role: Role = Role.GUEST, **more: Any
    ) -> dict[str, Any]:
        answer = await stage.client(role, by).post(
            "/api/v1/grievances", json={"description": description, **more}
        )
        assert answer.status_code == 201, answer.text
        data: dict[str, Any] = answer.json()["data"]
        return data

    return file
