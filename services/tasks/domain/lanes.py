"""The lanes: what their workers listen for, and how many things they do at a time."""

from libs.common.bus.protocol import Bus
from libs.common.contracts.tasks import (
    DefaultTaskReady,
    LlmTaskReady,
    NotificationTaskReady,
    TaskReady,
)
from services.tasks.models import Lane

READY: dict[Lane, type[TaskReady]] = {
    Lane.LLM: LlmTaskReady,
    Lane.DEFAULT: DefaultTaskReady,
    Lane.NOTIFICATIONS: NotificationTaskReady,
}
"""What each lane's workers listen for."""

SLOTS = {Lane.LLM: 6, Lane.DEFAULT: 4, Lane.NOTIFICATIONS: 2}
"""Things each lane's workers do at a time (S1-18, S1-19, S1-20)."""


def queue_of(lane: Lane) -> str:
    """The queue a lane's workers share."""
    return f"tasks.{lane}"


async def declare_lane(bus: Bus, lane: Lane) -> None:
    """Make the queue of `lane` exist, so that no announcement from now on is missed."""
    await bus.declare(queue_of(lane), [READY[lane].topic], restricted=True)
