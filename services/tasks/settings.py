"""Settings of the tasks service (`TASKS_*`)."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode, SettingsConfigDict

from libs.common.settings import ServiceSettings

LANES = ("llm", "default", "notifications")


def _listed(value: Any) -> Any:
    return (
        tuple(filter(None, value.replace(" ", "").split(","))) if isinstance(value, str) else value
    )


class TasksSettings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="TASKS_")

    lanes: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)] = LANES
    """The lanes this process works; none leaves them to `python -m services.tasks.worker`."""

    soft_limit: float = Field(default=240, gt=0)
    hard_limit: float = Field(default=300, gt=0)
    lease_seconds: float = Field(default=30, gt=0)
    """How soon a task is taken for lost when its worker says nothing more."""
    sweep_seconds: float = Field(default=1.0, gt=0)
    smtp_url: SecretStr | None = None
    """`smtps://user:password@host:465`, or `smtp://…:587` for STARTTLS; without one, no e-mail."""
    smtp_from: str = "redress@localhost"
    children: int = Field(default=2, ge=1)
