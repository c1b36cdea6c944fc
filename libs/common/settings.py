"""Configuration: frozen objects read once from the environment, built in `app.py`, passed down."""

from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

SERVICES = ("users", "grievance", "files", "tasks", "chat")
"""The services behind the gateway."""


class SharedSettings(BaseSettings):
    """What every process of one installation agrees on (`REDRESS_*`)."""

    model_config = SettingsConfigDict(
        env_prefix="REDRESS_",
        env_file=".env",
        env_nested_delimiter="__",
        extra="ignore",
        frozen=True,
        populate_by_name=True,
    )

    data_dir: Path = Path("var")
    keys_dir: Path | None = None
    bus_url: SecretStr | None = None
    bus_prefix: str = "redress"
    redis_url: SecretStr | None = None
    redis_prefix: str = "redress:"
    peers: dict[str, str] = Field(default_factory=dict)
    host: str = "127.0.0.1"
    port: int = Field(default=8000, validation_alias=AliasChoices("REDRESS_PORT", "PORT"))
    admin_port: int = 0
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["auto", "json", "console"] = "auto"
    otlp_endpoint: str | None = None
    trace_ratio: float = Field(default=0.0, ge=0, le=1)
    internal_deadline: float = Field(default=3.0, gt=0)
    drain_seconds: float = Field(default=25.0, gt=0)
    linger_seconds: float = Field(default=1.0, ge=0)
    """How long a door that closes still lets in who has not heard of it."""

    @cached_property
    def keys(self) -> Path:
        """Where the keyring, this service's signing key and its peers' public keys lie."""
        return self.keys_dir or self.data_dir / "keys"

    @property
    def bus(self) -> str:
        """The bus; without one named, a file that belongs to a single process."""
        if self.bus_url is None:
            return f"embedded://{self.bus_file}"
        return self.bus_url.get_secret_value()

    @property
    def bus_file(self) -> Path:
        """Where the bus is kept that is embedded."""
        return (self.data_dir / "bus.db").absolute()

    @property
    def redis(self) -> str | None:
        """What replicas share values through; None when each keeps them for itself."""
        return self.redis_url.get_secret_value() if self.redis_url else None

    @property
    def is_traced(self) -> bool:
        """Whether anybody wants spans: of new requests, or of those their clients trace."""
        return self.trace_ratio > 0 or self.otlp_endpoint is not None

    @property
    def is_embedded(self) -> bool:
        """Whether everything runs in this one process."""
        return self.bus_url is None

    def peer(self, name: str) -> str:
        """Where a service answers."""
        return self.peers.get(name, f"http://{name}:8000").rstrip("/")


class ProgramSettings(BaseSettings):
    """Base of a program's own settings; a subclass sets its `env_prefix`."""

    model_config = SettingsConfigDict(
        env_file=".env", env_nested_delimiter="__", extra="ignore", frozen=True
    )

    shared: SharedSettings = Field(default_factory=SharedSettings)


class ServiceSettings(ProgramSettings):
    """Base of the settings of a service that has a schema."""

    database_url: SecretStr | None = None
    pool_size: int = Field(default=20, ge=1, le=100)

    def database(self, service: str) -> str:
        """The SQLAlchemy URL; without one named, an SQLite file of this service's own."""
        if self.database_url is None:
            return f"sqlite+aiosqlite:///{(self.shared.data_dir / f'{service}.db').absolute()}"
        return self.database_url.get_secret_value()
