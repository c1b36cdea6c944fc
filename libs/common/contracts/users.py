"""Facts the users service tells."""

from typing import ClassVar

from libs.common.events import Event


class _AboutUser(Event):
    about: ClassVar[str] = "user_id"

    user_id: int


class UserCreated(_AboutUser):
    """Somebody is known to the vault."""

    topic: ClassVar[str] = "user.created.v1"

    role: str


class UserUpdated(_AboutUser):
    """What is known of somebody changed."""

    topic: ClassVar[str] = "user.updated.v1"

    fields: list[str]


class UserLinked(Event):
    """The contact of a case is this person, who is kept in the vault."""

    topic: ClassVar[str] = "user.linked.v1"
    about: ClassVar[str] = "grievance_id"

    grievance_id: str
    user_id: int


class ApiKeyRevoked(Event):
    """A key opens nothing any more."""

    topic: ClassVar[str] = "api_key.revoked.v1"
    about: ClassVar[str] = "key_id"

    key_id: str


class SessionRevoked(Event):
    """Somebody is signed out: of one session, or of all of them."""

    topic: ClassVar[str] = "session.revoked.v1"
    about: ClassVar[str] = "principal_id"

    principal_id: str
    session_id: str | None = None
