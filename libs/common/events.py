"""Facts and how they travel: CloudEvents 1.0, structured JSON (github.com/cloudevents/spec)."""

from datetime import datetime
from typing import Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from libs.common.clock import utc_now
from libs.common.ids import new_id

CONTENT_TYPE = "application/cloudevents+json"


class Event(BaseModel):
    """A fact, in the past tense. Ids and codes only: personal data never travels.

    `topic` is the CloudEvents `type` and the routing key; it ends in its version. `about` names
    the field that holds the id of the aggregate the fact is about.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    topic: ClassVar[str]
    about: ClassVar[str]

    @property
    def subject(self) -> str:
        """The aggregate's id: facts with the same subject stay in order."""
        return str(getattr(self, self.about))


class Envelope(BaseModel):
    """An event on its way. `restricted` and `traceparent` are CloudEvents extensions."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    specversion: Literal["1.0"] = "1.0"
    id: str = Field(default_factory=new_id, min_length=1, max_length=50)
    source: str = Field(min_length=1, max_length=100)
    type: str = Field(min_length=1, max_length=100)
    subject: str = Field(min_length=1, max_length=100)
    time: datetime = Field(default_factory=utc_now)
    datacontenttype: Literal["application/json"] = "application/json"
    traceparent: str | None = None
    restricted: bool = False
    data: dict[str, Any]

    @classmethod
    def of(
        cls,
        event: Event,
        *,
        source: str,
        restricted: bool = False,
        traceparent: str | None = None,
    ) -> Self:
        """Wrap `event` as said by the service `source`."""
        return cls(
            source=f"/services/{source}",
            type=event.topic,
            subject=event.subject,
            restricted=restricted,
            traceparent=traceparent,
            data=event.model_dump(mode="json", by_alias=True),
        )

    def to_bytes(self) -> bytes:
        """The structured JSON form; a null attribute is an absent one."""
        return self.model_dump_json(exclude_none=True).encode()
