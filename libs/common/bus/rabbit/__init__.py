"""RabbitMQ, spoken to through aio-pika; only what 3.10 and 4.3 both understand is used."""

from libs.common.bus.rabbit.bus import RabbitBus

__all__ = ["RabbitBus"]
