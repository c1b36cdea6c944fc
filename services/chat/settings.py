"""Settings of the chat service (`CHAT_*`)."""

from typing import Literal

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from libs.common.settings import ServiceSettings


class ChatSettings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="CHAT_")

    locale: Literal["ne", "en"] = "ne"
    """The language of whoever wrote nothing one could tell it by."""
    retry_seconds: float = Field(default=2.0, gt=0)
    """How often a kept filing is sent again."""
