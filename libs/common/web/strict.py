"""Bodies read strictly: what one reader takes for A and another for B is refused.

UTF-8 only, no NaN, no name said twice, no depth that breaks a reader, and no character that one
database stores and the other does not (NUL, lone surrogates).
"""

import json
import re
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from libs.common.errors import AppError, BadRequest

MAX_DEPTH = 64
_SUSPECT = re.compile(rb"\\u(?:[dD][89abAB]|[dD][c-fC-F]|0000)|\x00")


class TooDeep(BadRequest):
    """Nested beyond any sense."""

    code = "JSON_TOO_DEEP"


def _no_constant(name: str) -> Any:
    raise json.JSONDecodeError(f"{name} is not JSON", "", 0)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise json.JSONDecodeError("a name is said twice", "", 0)
    return found


def read_json(body: bytes) -> Any:
    """Parse `body`. Raises json.JSONDecodeError (422) or TooDeep (400)."""
    try:
        text = body.decode("utf-8")
        found = json.loads(text, parse_constant=_no_constant, object_pairs_hook=_once)
    except RecursionError:
        raise TooDeep("The JSON is nested too deeply.") from None
    except UnicodeDecodeError:
        raise json.JSONDecodeError("the body is not UTF-8", "", 0) from None
    except ValueError as error:
        if isinstance(error, json.JSONDecodeError):
            raise json.JSONDecodeError(error.msg, "", error.pos) from None
        raise json.JSONDecodeError("a number is too long", "", 0) from None
    _check_depth(found)
    if _SUSPECT.search(body):
        _check_characters(found)
    return found


def _check_depth(found: Any) -> None:
    layer = [found]
    for _ in range(MAX_DEPTH):
        layer = [child for value in layer for child in _children(value)]
        if not layer:
            return
    raise TooDeep("The JSON is nested too deeply.")


def _children(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [child for child in value.values() if isinstance(child, dict | list)]
    if isinstance(value, list):
        return [child for child in value if isinstance(child, dict | list)]
    return []


def _check_characters(value: Any) -> None:
    if isinstance(value, str):
        if "\0" in value or (not value.isascii() and _has_surrogate(value)):
            raise json.JSONDecodeError("a text holds NUL or half a character", "", 0)
    elif isinstance(value, dict):
        for name, child in value.items():
            _check_characters(name)
            _check_characters(child)
    elif isinstance(value, list):
        for child in value:
            _check_characters(child)


def _has_surrogate(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


class StrictRequest(Request):
    """A request whose JSON is read strictly."""

    async def json(self) -> Any:
        return read_json(await self.body())


class StrictRoute(APIRoute):
    """The route class of every router of ours."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def strict(request: Request) -> Response:
            try:
                return await handle(StrictRequest(request.scope, request.receive))
            except HTTPException as error:
                # The framework wraps whatever reading the body raised; ours says more.
                if isinstance(error.__cause__, AppError):
                    raise error.__cause__ from None
                raise

        return strict
