"""What the tables of this service have in common."""

from datetime import datetime
from typing import Any

from sqlalchemy import LargeBinary
from sqlalchemy.orm import DeclarativeBase

from libs.common.db.base import ground, service_metadata
from libs.common.db.types import Json, UtcDateTime


class Base(DeclarativeBase):
    metadata = service_metadata()
    type_annotation_map = {
        datetime: UtcDateTime(),
        dict[str, list[str]]: Json,
        dict[str, Any]: Json,
        list[str]: Json,
        bytes: LargeBinary,
    }


GROUND = ground(Base.metadata)
