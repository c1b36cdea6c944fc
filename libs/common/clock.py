"""Time. Everything inside the system is UTC; Kathmandu exists only at the edges."""

import time
from datetime import UTC, datetime

monotonic = time.monotonic
"""Seconds that never go backwards: for deadlines, leases in memory and measuring."""


def utc_now() -> datetime:
    """This moment, aware, in UTC."""
    return datetime.now(UTC)
