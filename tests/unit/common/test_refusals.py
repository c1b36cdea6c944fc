"""What a refusal says of a value it could not take: our words, and nothing of what was sent."""

from typing import Annotated, Any

import pytest
from fastapi.exceptions import RequestValidationError
from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from libs.common.errors import Unfit
from libs.common.web.errors import described


def _ours(text: str) -> str:
    raise Unfit("This is no such thing.")


def _anybodys(text: str) -> str:
    raise ValueError(f"{text!r} does not appear to be one")


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")

    ours: Annotated[str, AfterValidator(_ours)] | None = None
    anybodys: Annotated[str, AfterValidator(_anybodys)] | None = None


def problems(body: dict[str, Any]) -> list[dict[str, str]]:
    with pytest.raises(ValidationError) as refused:
        Body.model_validate(body)
    found: Any = described(RequestValidationError(refused.value.errors())).details["fields"]
    return list(found)


def test_our_words_are_read_and_those_of_others_are_not() -> None:
    assert problems({"ours": "Sita"}) == [{"field": "ours", "problem": "This is no such thing."}]
    assert problems({"anybodys": "Sita"}) == [{"field": "anybodys", "problem": "value_error"}]


def test_a_name_nobody_knows_is_not_repeated() -> None:
    assert problems({"Sita": 1}) == [{"field": "", "problem": "Extra inputs are not permitted"}]


def test_broken_json_is_the_bodys_fault() -> None:
    error = {"type": "json_invalid", "loc": ("body", 17), "msg": "JSON decode error", "input": {}}
    found: Any = described(RequestValidationError([error])).details["fields"]
    assert found == [{"field": "body", "problem": "JSON decode error"}]
