"""Settings of the users service (`USERS_*`)."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from libs.common.principal import READS_SEAH, SUPERVISORS, Role
from libs.common.settings import ServiceSettings
from libs.common.tokens import ACCESS_TOKEN_SECONDS, MAX_LIFE


class UsersSettings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="USERS_")

    argon_memory_kib: int = Field(default=64 * 1024, ge=64)
    access_seconds: int = Field(default=ACCESS_TOKEN_SECONDS, ge=60, le=MAX_LIFE)
    session_idle_seconds: int = Field(default=30 * 60, ge=60)
    """A session nobody refreshes for so long is over."""
    staff_session_seconds: int = Field(default=12 * 3600, ge=60)
    citizen_session_seconds: int = Field(default=30 * 24 * 3600, ge=60)
    guest_seconds: int = Field(default=MAX_LIFE, ge=60, le=MAX_LIFE)
    login_tries: int = Field(default=10, ge=1)
    otp_per_contact: int = Field(default=5, ge=1)
    """Codes an hour to one contact."""
    otp_per_minute: int = Field(default=600, ge=1)
    """Codes a minute to all of them together: what an installation sends at most."""
    identify_tries: int = Field(default=5, ge=1)
    """Tries an hour for one national id, and of one caller."""
    core_business_url: str | None = None
    """Where the core business system answers whose national id it is; without one, nobody does."""
    totp_required_for: frozenset[Role] = READS_SEAH | SUPERVISORS
    """Roles that do nothing before they have a second factor."""
    login_window_seconds: int = Field(default=300, ge=1)
    reveals_a_day: int = Field(default=50, ge=1)
    seah_reveals_a_day: int = Field(default=20, ge=1)
    """How often one member of staff is shown somebody's data in plain text."""

    keep_dir: Path | None = None
    """A folder all replicas share; without one, that of the data."""

    @property
    def audit_seals(self) -> Path:
        """Where the ends of the audit chain lie, day by day, to be taken elsewhere."""
        return (self.keep_dir or self.shared.data_dir) / "audit-seals"

    @property
    def exports(self) -> Path:
        """Where sealed archives wait for whom they are about."""
        return (self.keep_dir or self.shared.data_dir) / "exports"
