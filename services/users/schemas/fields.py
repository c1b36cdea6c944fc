"""The fields that several of the shapes have."""

import re
import unicodedata
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from libs.common.errors import Unfit
from libs.common.phones import ascii_digits, e164
from libs.common.principal import Role
from libs.common.web.responses import Words
from libs.common.web.texts import named
from services.users.domain.national_ids import normalised
from services.users.domain.staffing import NEVER_GIVEN

MIN_PASSWORD = 12
_EMAIL = re.compile(r"""[^@\s<>()\[\]\\,;:"]+@[^@\s<>()\[\]\\,;:".]+(\.[^@\s<>()\[\]\\,;:".]+)+""")


def _one_spelling(email: str) -> str:
    """What it means, which has to be one address: `＠` and `＜` mean more than they look."""
    plain = unicodedata.normalize("NFKC", email)
    if not _EMAIL.fullmatch(plain) or not plain.isprintable():
        raise Unfit("This is no e-mail address.")
    return plain


def _national_id(text: str) -> str:
    normalised(text)
    return text


def _appointable(role: Role) -> Role:
    if role in NEVER_GIVEN:
        raise Unfit("Nobody is appointed to this role.")
    return role


Phone = Annotated[str, StringConstraints(max_length=40, strict=True), AfterValidator(e164)]
Name = Annotated[str, Words(100), AfterValidator(named)]
Email = Annotated[
    str,
    StringConstraints(max_length=254, strict=True, pattern=r"^[^@\s]+@[^@\s.]+(\.[^@\s.]+)+$"),
    AfterValidator(_one_spelling),
]
Address = Annotated[str, Words(300), AfterValidator(named)]
Municipality = Annotated[str, Words(100), AfterValidator(named)]
NationalId = Annotated[str, Words(50), AfterValidator(_national_id)]
AppointableRole = Annotated[Role, AfterValidator(_appointable)]
Username = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9._@+-]{2,99}$", strict=True)
]
Clock = Annotated[
    str,
    StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", strict=True),
    BeforeValidator(lambda given: ascii_digits(given) if isinstance(given, str) else given),
]
"""An hour and a minute, in the digits of any script."""
Password = Annotated[str, StringConstraints(min_length=MIN_PASSWORD, max_length=256, strict=True)]
ScopeWord = Annotated[str, Words(100)]
KeyName = Annotated[str, Words(100), AfterValidator(named)]
Token = Annotated[
    str, Field(examples=["eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ1c2VyOjEyIn0.c2lnbmF0dXJl"])
]
Seconds = Annotated[int, Field(examples=[900])]
Instant = Annotated[datetime, Field(examples=["2026-03-02T03:30:00Z"])]
RoleShown = Annotated[Role, Field(examples=["site_safeguards_focal_person"])]
UserId = Annotated[int, Field(examples=[12])]
Version = Annotated[int, Field(examples=[1])]
MaskedName = Annotated[str | None, Field(examples=["S*** S***"])]
MaskedNationalId = Annotated[str | None, Field(examples=["****0123"])]
MaskedPhone = Annotated[str | None, Field(examples=["+97798****0000"])]
