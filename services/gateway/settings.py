"""Settings of the gateway (`GATEWAY_*`)."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from libs.common.settings import ProgramSettings


class GatewaySettings(ProgramSettings):
    model_config = SettingsConfigDict(env_prefix="GATEWAY_")

    allowed_hosts: tuple[str, ...] = ("*",)
    """Names this door answers to; `*` is any well-formed one."""
    access_file: Path = Path(__file__).parent / "data" / "access.json"
    api_docs: Path = Path("docs/api")
    head_seconds: float = Field(default=10.0, gt=0)
    """How long the head of a request may take, from its first byte or the connection's."""
    body_seconds: float = Field(default=10.0, gt=0)
    """How long a client may pause inside a body it promised; a small body comes within it."""
    idle_seconds: float = Field(default=30.0, gt=0)
    """How long either side may pause inside an answer."""
    keep_alive_seconds: float = Field(default=30.0, gt=0)
    """How long a connection may be quiet between two requests."""
    max_connections: int = Field(default=10_000, ge=1)
    calls_per_peer: int = Field(default=32, ge=1)
    """How many short calls a service is given at once; more wait for a moment, or are refused."""
    calls: dict[str, int] = Field(default_factory=dict)
    """The same by service, where it is not as good as any: `{"users": 16}`."""
    held_per_peer: int = Field(default=512, ge=1)
    """How many calls that last a service is given at once."""
    rate_limits: bool = True
    limits: dict[str, dict[str, int]] = Field(default_factory=dict)
    """Requests a minute that differ from the defaults: `{"default": {"guest": 20}}`."""
    trusted_proxies: tuple[str, ...] = ()
    """Networks whose X-Forwarded-For and -Proto are believed."""
    allowed_origins: tuple[str, ...] = ()
    """Web pages that may ask from a browser: `https://name`, exactly."""
    allowed_networks: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Where a class of routes is open to, by level or limit class: `{"admin": ["10.0.0.0/8"]}`."""
    https_only: bool = False
    """Refuse what a trusted proxy did not get over https."""
