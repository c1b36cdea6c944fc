"""A small durable broker in one SQLite file, for all services in one process."""

from libs.common.bus.embedded.bus import EmbeddedBus
from libs.common.bus.embedded.lock import BusInUse

__all__ = ["BusInUse", "EmbeddedBus"]
