"""Settings of the grievance service (`GRIEVANCE_*`)."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from libs.common.settings import ServiceSettings


class GrievanceSettings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="GRIEVANCE_")

    reference_prefix: str = Field(default="GRV", pattern=r"^[A-Z]{2,6}$")
    contact_seconds: float = Field(default=1.0, gt=0)
    tracking_tries: int = Field(default=10, ge=1)
