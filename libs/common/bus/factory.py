"""The bus a URL names: embedded in this process, or RabbitMQ."""

from pathlib import Path
from urllib.parse import urlsplit

from libs.common.bus.embedded import EmbeddedBus
from libs.common.bus.protocol import Bus


def open_bus(url: str, *, name: str, prefix: str = "redress") -> Bus:
    """The bus at `url`, not yet started: `embedded:///path/to/bus.db`, `amqp://` or `amqps://`.

    `name` says in the broker's lists of connections who this is; `prefix` keeps installations
    that share a broker apart.
    """
    parts = urlsplit(url)
    match parts.scheme:
        case "embedded":
            return _embedded(parts.netloc, parts.path)
        case "amqp" | "amqps":
            return _rabbit(url, name, prefix)
        case scheme:
            raise ValueError(
                f"No bus speaks {scheme!r}. Use embedded:///path/to/bus.db, amqp://… or amqps://…."
            )


def _embedded(host: str, path: str) -> Bus:
    if host or not path:
        raise ValueError("An embedded bus has an absolute path: embedded:///path/to/bus.db.")
    return EmbeddedBus(Path(path))


def _rabbit(url: str, name: str, prefix: str) -> Bus:
    try:
        from libs.common.bus.rabbit import RabbitBus  # noqa: PLC0415 - an extra: not everybody has it
    except ModuleNotFoundError as missing:
        if missing.name != "aio_pika":
            raise
        raise ValueError(
            f"A bus at {urlsplit(url).scheme}://… needs aio-pika: install redress-common[rabbit]."
        ) from None
    return RabbitBus(url, name=name, prefix=prefix)
