"""Calls between services: one client, with a total deadline, our identity and typed answers.

A call carries a token of our own that says which program asks, the caller's token when it is asked
for somebody, the request id, the trace, and how long is left. Reads are tried again when they
fail; writes only where the caller says that doing them twice is doing them once.
"""

import asyncio
import random
from collections.abc import AsyncIterable
from http import HTTPStatus
from typing import Any, TypeVar

import httpx2
from pydantic import TypeAdapter, ValidationError

from libs.common.clock import monotonic
from libs.common.errors import AppError, NotFound, Unavailable
from libs.common.logging import get_logger
from libs.common.telemetry import PEER_CALLS, traceparent
from libs.common.tokens import SERVICE_TOKEN_SECONDS, Signer
from libs.common.web.context import caller_token, current_request_id, seconds_left

log = get_logger(__name__)

T = TypeVar("T")
TRIES = 3
TOO_FEW_SECONDS = 0.02


class PeerFailed(Unavailable):
    """Another service did not answer, not in time, or not as promised. Trying later may help."""

    code = "PEER_UNAVAILABLE"


class PeerRefused(AppError):
    """Another service said no; `code` and `status` are its own words."""

    def __init__(self, status: int, code: str, message: str, **details: object) -> None:
        super().__init__(message, **details)
        self.status = status  # type: ignore[misc,assignment]
        self.code = code  # type: ignore[misc]


class ServiceClient:
    """Asks one peer."""

    def __init__(
        self, peer: str, http: httpx2.AsyncClient, base_url: str, signer: Signer, *, seconds: float
    ) -> None:
        self.peer = peer
        self._http = http
        self._base_url = base_url.rstrip("/")
        self._signer = signer
        self._seconds = seconds
        self._token = ("", 0.0)

    async def get(self, path: str, *, reads: type[T] | Any, for_caller: bool = False) -> T:
        """GET `path` and read the answer's `data`. Raises NotFound, PeerRefused, PeerFailed."""
        answer = await self._call("GET", path, again=True, for_caller=for_caller)
        return self._read(answer, reads)  # type: ignore[no-any-return]

    async def post(
        self,
        path: str,
        body: object,
        *,
        reads: type[T] | Any,
        for_caller: bool = False,
        idempotency_key: str | None = None,
        seconds: float | None = None,
    ) -> T:
        """POST `body` as JSON; tried again only with a key, which makes twice once."""
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        answer = await self._call(
            "POST",
            path,
            again=idempotency_key is not None,
            for_caller=for_caller,
            json=body,
            headers=headers,
            seconds=seconds,
        )
        return self._read(answer, reads)  # type: ignore[no-any-return]

    async def put_bytes(
        self,
        path: str,
        content: bytes | AsyncIterable[bytes],
        *,
        headers: dict[str, str],
        seconds: float = 60,
    ) -> None:
        """PUT `content` as it is; the receiver makes twice once."""
        await self._call(
            "PUT", path, again=False, content=content, headers=headers, seconds=seconds
        )

    async def get_bytes(self, path: str, *, at_most: int, seconds: float = 60) -> bytes:
        """GET the bytes at `path`. Raises PeerFailed when there are more than `at_most`."""
        answer = await self._call("GET", path, again=True, seconds=seconds)
        if len(answer.content) > at_most:
            raise PeerFailed(f"{self.peer} sent more than it may.", peer=self.peer)
        return answer.content

    async def _call(
        self, method: str, path: str, *, again: bool, seconds: float | None = None, **kwargs: Any
    ) -> httpx2.Response:
        until = monotonic() + seconds_left(seconds or self._seconds)
        for attempt in range(1, TRIES + 1):
            try:
                return await self._once(method, path, until - monotonic(), **kwargs)
            except PeerFailed:
                pause = random.uniform(0.5, 1) * 0.05 * 4**attempt  # noqa: S311 - jitter
                if not again or attempt == TRIES or until - monotonic() < pause:
                    raise
                await asyncio.sleep(pause)
        raise AssertionError  # pragma: no cover - the loop returns or raises

    async def _once(
        self, method: str, path: str, seconds: float, *, for_caller: bool = False, **kwargs: Any
    ) -> httpx2.Response:
        if seconds < TOO_FEW_SECONDS:
            raise PeerFailed("There was no time left to ask.", peer=self.peer)
        headers = self._headers(seconds, for_caller=for_caller) | kwargs.pop("headers", {})
        try:
            # The library's own timeouts are per read: a dripping answer outlives them.
            async with asyncio.timeout(seconds):
                answer = await self._http.request(
                    method, self._base_url + path, headers=headers, timeout=seconds, **kwargs
                )
        except (httpx2.HTTPError, OSError, TimeoutError) as error:
            PEER_CALLS.labels(self._signer.service, self.peer, "failed").inc()
            raise PeerFailed(f"{self.peer} does not answer.", peer=self.peer) from error
        return self._judged(answer)

    def _judged(self, answer: httpx2.Response) -> httpx2.Response:
        outcome = "ok" if answer.is_success else str(answer.status_code)
        PEER_CALLS.labels(self._signer.service, self.peer, outcome).inc()
        if answer.is_success:
            return answer
        if answer.is_server_error:
            raise PeerFailed(f"{self.peer} answered {answer.status_code}.", peer=self.peer)
        try:
            error = answer.json()["error"]
            code, message = str(error["code"]), str(error["message"])
            details = dict(error.get("details") or {})
        except (ValueError, KeyError, TypeError):
            raise PeerFailed(f"{self.peer} refused without a reason.", peer=self.peer) from None
        if answer.status_code == HTTPStatus.NOT_FOUND:
            raise NotFound(message)
        raise PeerRefused(answer.status_code, code, message, **details)

    def _headers(self, seconds: float, *, for_caller: bool) -> dict[str, str]:
        token, good_until = self._token
        if good_until < monotonic():
            token = self._signer.sign_to(self.peer)
            self._token = (token, monotonic() + SERVICE_TOKEN_SECONDS / 2)
        headers = {"Authorization": f"Bearer {token}", "X-Deadline": f"{seconds:.3f}"}
        more = {
            "X-On-Behalf-Of": caller_token.get() if for_caller else None,
            "X-Request-ID": current_request_id.get(),
            "traceparent": traceparent(),
        }
        return headers | {name: value for name, value in more.items() if value}

    def _read(self, answer: httpx2.Response, reads: type[T] | Any) -> T:
        try:
            found: T = TypeAdapter(reads).validate_python(answer.json()["data"])
        except (ValidationError, ValueError, KeyError, TypeError):
            raise PeerFailed(f"{self.peer} answered something else.", peer=self.peer) from None
        return found
