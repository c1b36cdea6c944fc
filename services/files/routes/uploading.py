"""Sending a file: a form, or the sources' JSON with base64."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, TypeVar

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from libs.common.errors import UnsupportedType
from libs.common.ids import new_id
from libs.common.principal import Principal, Role
from libs.common.web.responses import Success, answer
from libs.common.web.routing import router
from libs.common.web.strict import read_json
from libs.common.web.units import unit_of
from services.files.clients.grievance import GrievanceClient
from services.files.clients.store import Arrival, Store
from services.files.domain import naming, verdict
from services.files.domain.storing import Kept, Upload, keep
from services.files.models import Status
from services.files.routes.deps import Bytes, Cases, Uploader
from services.files.routes.forms import FILE, read_form
from services.files.schemas import FileReceipt, UploadForm, UploadJson, decoded

routes = router(tag="files")
S = TypeVar("S", bound=BaseModel)

BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file", "file_type"],
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        "file_type": {"enum": ["image", "document", "voice"]},
                        "grievance_id": {"type": "string", "examples": ["GRV-2026-7K3MQX-4"]},
                        "file_id": {"type": "string"},
                    },
                }
            },
            "application/json": {"schema": UploadJson.model_json_schema()},
        },
    }
}
"""What the framework cannot see, because the route reads the body itself, as it arrives."""


@dataclass(frozen=True, slots=True)
class Received:
    """An upload as it came, judged, not yet kept."""

    wish: UploadForm
    file_name: str | None
    arrival: Arrival
    content: verdict.Content

    @property
    def fingerprint(self) -> bytes:
        """What makes two uploads the same one: a form's boundary is another each time."""
        said = [*self.wish.model_dump(include=set(UploadForm.model_fields)).values()]
        return sha256(json.dumps([*said, self.file_name, self.arrival.sha256]).encode()).digest()


@routes.post(
    "/api/v1/files", status_code=201, response_model=Success[FileReceipt], openapi_extra=BODY
)
async def upload_file(request: Request, caller: Uploader, store: Bytes, cases: Cases) -> Response:
    """Send a photo (JPEG or PNG, at most 5 MiB and 40 megapixels) as a form or as base64.

    Name the case it belongs to, or leave `grievance_id` out and name the file when you file the
    case. `file_id` is yours to choose only with an API key: repeating it with the same bytes is
    the same file. Poll `GET /files/{file_id}` until it is `ready` or `rejected`.
    """
    return await take(request, caller, store, cases, shape=_receipt)


async def take(
    request: Request,
    caller: Principal,
    store: Store,
    cases: GrievanceClient,
    *,
    shape: Callable[[Kept, str | None], BaseModel],
) -> Response:
    """Receive, judge and keep what `request` carries; answer in the wanted shape."""
    async with _received(request, store) as received:
        unit = unit_of(request, received.fingerprint)
        await unit.replay()
        wish = received.wish
        case = wish.grievance_id
        is_restricted = None if case is None else await cases.check_access(case)
        is_trusted = caller.role is Role.API_CLIENT
        upload = Upload(
            file_id=(wish.file_id if is_trusted else None) or new_id(),
            file_type=verdict.accepted_type(wish.file_type),
            owner=caller.id,
            grievance_id=case,
            file_name=received.file_name,
            is_restricted=is_restricted,
        )
        await received.arrival.finish()
        async with unit.begin() as tx:
            kept = await keep(tx, store, upload, received.arrival, received.content)
            status = 201 if kept.is_new else 200
            return answer(shape(kept, case), tx=tx, status=status)


def _receipt(kept: Kept, _: str | None) -> BaseModel:
    data = FileReceipt(file_id=kept.file_id, status=Status(kept.status), file_type=kept.file_type)
    return Success(data=data)


@asynccontextmanager
async def _received(request: Request, store: Store) -> AsyncIterator[Received]:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        raise UnsupportedType("Send the file as multipart/form-data, or as JSON with base64.")
    async with store.arrival(limit=verdict.MAX_IMAGE_BYTES) as arrival:
        if kind == "multipart/form-data":
            form = await read_form(request, arrival)
            wish: UploadForm = read_as(UploadForm, form.fields)
            verdict.accepted_type(wish.file_type)
            if form.file_name is None:
                raise missing(FILE)
            yield await judged(wish, form.file_name, arrival)
        else:
            body = read_as(UploadJson, await _json(request))
            yield await received_json(body, arrival)


async def received_json(body: UploadJson, arrival: Arrival) -> Received:
    """Take the bytes out of a JSON upload, and judge them."""
    verdict.accepted_type(body.file_type)
    await arrival.write(decoded(body.file_data))
    return await judged(body, body.file_name, arrival)


async def judged(wish: UploadForm, file_name: str | None, arrival: Arrival) -> Received:
    """The upload, if it passes the door."""
    verdict.check_size(arrival.size)
    name = None if file_name is None else naming.plain(file_name)
    verdict.check_name(name)
    return Received(wish, name, arrival, await arrival.judged(verdict.judge))


def read_as(schema: type[S], found: object) -> S:
    """Read what was sent as `schema`. Raises RequestValidationError."""
    try:
        return schema.model_validate(found)
    except ValidationError as error:
        places = [{**item, "loc": ("body", *item["loc"])} for item in error.errors()]
        raise RequestValidationError(places) from None


def missing(name: str) -> RequestValidationError:
    """What is said when a field is not there."""
    return RequestValidationError(
        [{"type": "missing", "loc": ("body", name), "msg": "Field required"}]
    )


async def _json(request: Request) -> object:
    try:
        return read_json(await request.body())
    except json.JSONDecodeError:
        raise RequestValidationError(
            [{"type": "json_invalid", "loc": ("body",), "msg": "JSON decode error"}]
        ) from None
