"""Settings of the files service (`FILES_*`; `UPLOAD_FOLDER` is the sources' own name)."""

from pathlib import Path

from pydantic import AliasChoices, Field
from pydantic_settings import SettingsConfigDict

from libs.common.settings import ServiceSettings


class FilesSettings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="FILES_", populate_by_name=True)

    upload_dir: Path | None = Field(
        default=None, validation_alias=AliasChoices("FILES_UPLOAD_DIR", "UPLOAD_FOLDER")
    )
    orphan_seconds: float = Field(default=3600, gt=0)
    caseless_seconds: float = Field(default=7 * 24 * 3600, gt=0)
    sweep_seconds: float = Field(default=600, gt=0)

    @property
    def uploads(self) -> Path:
        """Where the bytes lie."""
        return self.upload_dir or self.shared.data_dir / "uploads"
