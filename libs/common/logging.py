"""Logs: an event name and fields, one JSON object a line (ECS names), never a word of a citizen.

Fields pass by an allow-list, and an exception is logged by its class and the places it passed:
its text often quotes the input, or the row, it was about.
"""

import asyncio
import json
import logging
import sys
import time
import traceback
from collections.abc import MutableMapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, TextIO, cast

import structlog

FLUSH_SECONDS = 0.1
FLUSH_LINES = 200
ALLOWED = frozenset(
    {
        "event", "level", "@timestamp", "module", "service", "request_id", "trace_id", "method",
        "route", "status", "code", "duration_ms", "bytes_in", "bytes_out", "principal", "role",
        "grievance_id", "file_id", "task_id", "conversation_id", "user_id", "key_id", "event_id",
        "reveal_id",
        "topic", "queue", "count", "attempt", "reason", "error_type", "stack", "peer", "lane",
        "task_name", "host", "port", "path", "seconds", "position", "field", "revision", "message",
        "position_from", "position_to", "signal", "name", "url", "day", "hash",
    }
)  # fmt: skip

Json = MutableMapping[str, Any]
ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """The logger of a module: `log.info("grievance.filed", grievance_id=…)`."""
    return cast("structlog.stdlib.BoundLogger", structlog.get_logger(module=name))


def bind(**fields: str | None) -> None:
    """Say these fields with every line of the current request, message or task."""
    structlog.contextvars.bind_contextvars(**{k: v for k, v in fields.items() if v is not None})


def unbind_all() -> None:
    """Forget what was bound: a new request, message or task begins."""
    structlog.contextvars.clear_contextvars()


def start_logging(*, level: str, form: str) -> None:
    """Send our logs, and what libraries log, to stdout; `auto` is for people at a terminal."""
    for_people = form == "console" or (form == "auto" and sys.stdout.isatty())
    render: Any = (
        structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty(), sort_keys=False)
        if for_people
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    chain: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="@timestamp"),
        describe_exception,
        keep_allowed,
    ]
    number = logging.getLevelNamesMapping()[level.upper()]
    _Style.is_json = not for_people
    _Style.is_informing = number <= logging.INFO
    structlog.configure(
        processors=[*chain, render],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(cast("TextIO", _Stdout())),
        cache_logger_on_first_use=True,
    )
    root = logging.getLogger()
    root.handlers[:] = [_LibraryHandler()]
    root.setLevel(max(number, logging.WARNING))


def keep_allowed(_logger: object, _method: str, line: Json) -> Json:
    """Drop every field nobody vouched for."""
    return {key: value for key, value in line.items() if key in ALLOWED}


def describe_exception(_logger: object, _method: str, line: Json) -> Json:
    """Replace an exception by its class and the places it passed."""
    info = line.pop("exc_info", None)
    if info is True:
        info = sys.exc_info()
    if isinstance(info, BaseException):
        info = (type(info), info, info.__traceback__)
    if info and info[0] is not None:
        line.update(_places(info))
    return line


def _places(info: ExcInfo) -> dict[str, Any]:
    kind, _, trail = info
    frames = traceback.extract_tb(trail)[-12:]
    return {
        "error_type": f"{kind.__module__}.{kind.__qualname__}",
        "stack": [
            f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames
        ],
    }


class AccessLog:
    """Lines of one kind, many a second: the same line `get_logger` would write, far cheaper.

    Where logs are for people, how it looks is the logger's business as ever.
    """

    def __init__(self, event: str, **always: str) -> None:
        always |= {"level": "info", "event": event}
        said = json.dumps(always, separators=(",", ":"))
        self._always = said[1:-1]
        self._lines: list[str] = []
        self._millis = self._second = 0
        self._date = self._stamp = ""

    def line(self, fields: str) -> None:
        """Write a line with `fields`, JSON as it stands between braces, within FLUSH_SECONDS."""
        if not _Style.is_informing:
            return
        if not self._lines:
            asyncio.get_running_loop().call_later(FLUSH_SECONDS, self.flush)
        self._lines.append(f'{{"@timestamp":"{self._now()}",{self._always},{fields}}}\n')
        if len(self._lines) >= FLUSH_LINES:
            self.flush()

    def _now(self) -> str:
        millis = time.time_ns() // 1_000_000
        if millis != self._millis:
            self._millis = millis
            second, rest = divmod(millis, 1000)
            if second != self._second:
                self._second = second
                self._date = f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%S}"
            self._stamp = f"{self._date}.{rest:03d}Z"
        return self._stamp

    def flush(self) -> None:
        """Write what waits."""
        lines, self._lines = self._lines, []
        if not _Style.is_json:
            for line in lines:
                structlog.get_logger().info(**json.loads(line))
        elif lines:
            sys.stdout.write("".join(lines))
            sys.stdout.flush()


class _Style:
    """How `start_logging` was asked to log."""

    is_json = False
    is_informing = True


class _Stdout:
    """Whatever stdout is when a line is written, not what it was when logging began."""

    def write(self, text: str) -> None:
        sys.stdout.write(text)

    def flush(self) -> None:
        sys.stdout.flush()


class _LibraryHandler(logging.Handler):
    """Libraries' warnings, as their templates: their arguments may hold anything."""

    def emit(self, record: logging.LogRecord) -> None:
        fields = _places(record.exc_info) if record.exc_info and record.exc_info[0] else {}
        log = structlog.get_logger(module=record.name)
        log.log(record.levelno, "library.log", message=str(record.msg)[:200], **fields)
