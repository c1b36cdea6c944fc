"""Settings of the users service (`USERS_*`)."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from libs.common.settings import ServiceSettings
from libs.common.tokens import ACCESS_TOKEN_SECONDS, MAX_LIFE


class UsersSettings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="USERS_")

    argon_memory_kib: int = Field(default=64 * 1024, ge=64)
    staff_seconds: int = Field(default=ACCESS_TOKEN_SECONDS, ge=60, le=MAX_LIFE)
    guest_seconds: int = Field(default=MAX_LIFE, ge=60, le=MAX_LIFE)
    login_tries: int = Field(default=10, ge=1)
    login_window_seconds: int = Field(default=300, ge=1)
