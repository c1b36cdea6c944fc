"""A caller of the public API, through the gateway; a loud one prints every step."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx2

T = TypeVar("T")

PATIENCE_SECONDS = 30.0
POLL_SECONDS = 0.2
FINE = frozenset({200, 201, 202, 204})
BRIEF = 78
TOO_MANY = 429
MINUTE = 60


class Unexpected(Exception):
    """The system answered something else than it should."""


@dataclass(frozen=True)
class Answer:
    """What came back; `data` is the envelope's content, or all of a bare body."""

    status: int
    data: Any
    headers: httpx2.Headers
    content: bytes = field(repr=False, default=b"")

    @property
    def etag(self) -> str:
        """The version one may edit."""
        return self.headers["ETag"]

    @property
    def is_fine(self) -> bool:
        """Whether it was done."""
        return self.status in FINE


@dataclass
class Caller:
    """Somebody with a token, or without one."""

    http: httpx2.AsyncClient
    token: str | None = None
    is_loud: bool = False

    def as_somebody(self, token: str | None) -> "Caller":
        """The same line, with another token."""
        return Caller(self.http, token, self.is_loud)

    def quietly(self) -> "Caller":
        """The same caller, printing nothing."""
        return Caller(self.http, self.token)

    async def get(self, path: str, **more: Any) -> Answer:
        """Read."""
        return await self.call("GET", path, **more)

    async def post(self, path: str, **more: Any) -> Answer:
        """Write."""
        return await self.call("POST", path, **more)

    async def call(
        self,
        method: str,
        path: str,
        *,
        expect: Collection[int] = FINE,
        show: Collection[str] = (),
        headers: dict[str, str] | None = None,
        **more: Any,
    ) -> Answer:
        """Ask, print if loud, and raise Unexpected unless the status is one of `expect`."""
        given = dict(headers or {})
        if self.token:
            given.setdefault("Authorization", f"Bearer {self.token}")
        response = await self.http.request(method, path, headers=given, **more)
        while response.status_code == TOO_MANY and int(response.headers["Retry-After"]) <= MINUTE:
            print(f"     (asked too often: waiting {response.headers['Retry-After']} s)")
            await asyncio.sleep(int(response.headers["Retry-After"]))
            response = await self.http.request(method, path, headers=given, **more)
        answer = Answer(
            response.status_code, _content(response), response.headers, response.content
        )
        if self.is_loud:
            print(f"     {method} {path} → {answer.status}  {_brief(answer.data, show)}")
        if expect and answer.status not in expect:
            raise Unexpected(f"{method} {path} → {answer.status}: {_brief(answer.data, ())}")
        return answer


def connect(base: str, *, connections: int = 16) -> httpx2.AsyncClient:
    """A line to the gateway at `base`."""
    limits = httpx2.Limits(max_connections=connections)
    return httpx2.AsyncClient(base_url=base, timeout=60.0, limits=limits, trust_env=False)


async def until(
    look: Callable[[], Awaitable[T | None]],
    *,
    what: str,
    seconds: float = PATIENCE_SECONDS,
    every: float = POLL_SECONDS,
) -> T:
    """Look until there is something to see. Raises Unexpected when the time is up."""
    try:
        async with asyncio.timeout(seconds):
            while True:
                found = await look()
                if found:
                    return found
                await asyncio.sleep(every)
    except TimeoutError:
        raise Unexpected(f"waited {seconds:.0f} s in vain for {what}") from None


def _content(response: httpx2.Response) -> Any:
    if "json" not in response.headers.get("content-type", ""):
        return {"bytes": len(response.content), "type": response.headers.get("content-type")}
    body = response.json()
    if isinstance(body, dict) and body.get("status") == "success" and "data" in body:
        return body["data"]
    if isinstance(body, dict) and body.get("status") == "error" and "error" in body:
        return body["error"]
    return body


def _brief(data: Any, show: Collection[str]) -> str:
    """The fields worth a look, in one line."""
    if not isinstance(data, dict):
        return ""
    if "code" in data and "message" in data:
        detail = data.get("details") or {}
        allowed = f"  allowed={detail['allowed']}" if "allowed" in detail else ""
        return f"{data['code']}: {data['message']}{allowed}"
    parts = (f"{name}={_short(data[name])}" for name in show if name in data)
    return "  ".join(parts)


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = " ".join(text.split())
    return text if len(text) <= BRIEF else f"{text[: BRIEF - 1]}…"
