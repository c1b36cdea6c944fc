"""The fields that several of the shapes have."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from libs.common.errors import Unfit
from libs.common.phones import e164
from libs.common.web.responses import Int32, Words
from libs.common.web.texts import legible
from libs.language.categorising import CATEGORIES
from services.grievance.models import Status
from services.grievance.schemas.plain_words import PlainWords

MAX_DESCRIPTION = 20_000
MAX_LEVELS = 8
"""Country, province, district, municipality, ward, and more: a case is filed under each."""


IN_NEPALI = "वडा नं. ७ को धारामा दुई हप्तादेखि पानी आएको छैन।"


IN_ENGLISH = "There has been no water at the tap in ward 7 for two weeks."
"""The complaint that examples tell of."""


_ALIASES = {"submitted": "pending", "denied": "rejected"}


def _known_status(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    word = value.strip().lower()
    return _ALIASES.get(word, word)


def _known_category(code: str) -> str:
    if code not in CATEGORIES:
        raise Unfit("This is no category of this installation.")
    return code


def _few_levels(place: str) -> str:
    if place.count("/") >= MAX_LEVELS:
        raise Unfit("A place has eight levels at most.")
    return place


Reference = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,50}$", strict=True)]


StatusWord = Annotated[Status, BeforeValidator(_known_status)]


CategoryCode = Annotated[
    str, StringConstraints(max_length=40, strict=True), AfterValidator(_known_category)
]


Phone = Annotated[str, StringConstraints(max_length=40, strict=True), AfterValidator(e164)]


Email = Annotated[
    str, StringConstraints(max_length=254, strict=True, pattern=r"^[^@\s]+@[^@\s.]+(\.[^@\s.]+)+$")
]


Description = Annotated[str, Words(MAX_DESCRIPTION), AfterValidator(legible)]


Ward = Annotated[Int32, Field(ge=1, le=99)]


ProjectType = Annotated[str, PlainWords(50)]


Organisation = Annotated[str, PlainWords(100)]


Municipality = Annotated[str, PlainWords(100), AfterValidator(_few_levels)]


PlainCode = Annotated[str, StringConstraints(max_length=20, strict=True)]


CaseReference = Annotated[str, Field(examples=["GRV-2026-7K3MQX-4"])]


Instant = Annotated[datetime, Field(examples=["2026-03-02T03:30:00Z"])]


Told = Annotated[str | None, Field(examples=[IN_NEPALI])]
"""Nothing once whoever wrote it was erased."""


Summary = Annotated[str | None, Field(examples=["No water at a tap in ward 7 for two weeks."])]


Categories = Annotated[list[str], Field(examples=[["ACCESS_WATER"]])]


Classified = Annotated[str, Field(examples=["officer_confirmed"])]


Level = Annotated[int, Field(examples=[1])]


Version = Annotated[int, Field(examples=[3])]
