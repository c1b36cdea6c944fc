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
    body_seconds: float = Field(default=10.0, gt=0)
    """How long a client may pause inside a body it promised."""
    idle_seconds: float = Field(default=30.0, gt=0)
    """How long either side may pause inside an answer."""
    connections_per_peer: int = Field(default=256, ge=1)

    def peer(self, name: str) -> str:
        """Where a service answers."""
        return self.shared.peers.get(name, f"http://{name}:8000").rstrip("/")
