"""Everything that says no, in the one refusal shape: ours, the framework's, and the unforeseen."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from libs.common.db.idempotency import Replay
from libs.common.db.vault import Erased
from libs.common.errors import AppError, BadRequest, Invalid, NotFound, Unfit
from libs.common.logging import get_logger
from libs.common.web.responses import JSON, NOT_KEPT, refusal

log = get_logger(__name__)

MAX_DETAILS = 20


class MethodNotAllowed(AppError):
    """The path exists; this method on it does not."""

    status = HTTPStatus.METHOD_NOT_ALLOWED
    code = "METHOD_NOT_ALLOWED"


class ErasedError(AppError):
    """What was asked for was about somebody who is erased: nobody can read it any more."""

    status = HTTPStatus.GONE
    code = "ERASED"


class Unforeseen(AppError):
    """A fault of ours: the log has it under the request id."""

    code = "INTERNAL_ERROR"


def request_id(request: Request) -> str | None:
    """The id this request is logged under."""
    found: str | None = request.scope.get("state", {}).get("request_id")
    return found


def described(error: RequestValidationError) -> Invalid:
    """What is wrong and where; never what was sent, which may be somebody's secret."""
    fields = [
        {"field": _place(item), "problem": _problem(item)} for item in error.errors()[:MAX_DETAILS]
    ]
    return Invalid("The request does not have the right shape.", fields=fields)


def _place(item: dict[str, Any]) -> str:
    # The name of a field that should not be there is the sender's word, and may be a secret.
    known = item["loc"][:-1] if item["type"] in {"extra_forbidden", "json_invalid"} else item["loc"]
    return ".".join(str(part) for part in known)[:200]


def _problem(item: dict[str, Any]) -> str:
    if item["type"] != "value_error":
        return str(item["msg"])[:200]
    # Anybody's ValueError may repeat what was sent; ours says so by its type.
    error = item["ctx"]["error"]
    return str(error)[:200] if isinstance(error, Unfit) else "value_error"


def _of_framework(error: HTTPException) -> AppError:
    if error.status_code == HTTPStatus.NOT_FOUND:
        return NotFound("There is nothing here.")
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        return MethodNotAllowed("This method is not allowed here.")
    return BadRequest("The request is malformed.")


def install_error_handlers(app: FastAPI) -> None:
    """Render every refusal in the one shape."""

    def handler(kind: type[Exception], read: Callable[[Any], AppError]) -> None:
        async def render(request: Request, error: Exception) -> Response:
            return refusal(read(error), request_id(request))

        app.add_exception_handler(kind, render)

    handler(AppError, lambda error: error)
    handler(RequestValidationError, described)
    handler(HTTPException, _of_framework)
    handler(Erased, lambda _: ErasedError("This was erased."))
    app.add_exception_handler(Replay, _render_replay)


async def _render_replay(_: Request, replay: Exception) -> Response:
    assert isinstance(replay, Replay)  # noqa: S101 - for the type checker
    headers = {"Idempotency-Replayed": "true", **NOT_KEPT}
    return Response(replay.reply.body, replay.reply.status, headers, JSON)
