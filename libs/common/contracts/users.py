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


class UserErased(_AboutUser):
    """Somebody is forgotten: whatever is sealed for them is destroyed, everywhere."""

    topic: ClassVar[str] = "user.erased.v1"


class UserMerged(_AboutUser):
    """Two rows were one person: `user_id` is `into_user_id` from now on."""

    topic: ClassVar[str] = "user.merged.v1"

    into_user_id: int


class GuestBound(_AboutUser):
    """A guest has proved who they are: what the guest began is this person's."""

    topic: ClassVar[str] = "guest.bound.v1"

    guest_id: str


class OtpRequested(Event):
    """A one-time code is to be sent. Where to, and which, is asked of users."""

    topic: ClassVar[str] = "otp.requested.v1"
    about: ClassVar[str] = "challenge_id"

    challenge_id: str
    channel: str


class ExportRequested(Event):
    """Everything that is held on somebody is to be put together."""

    topic: ClassVar[str] = "export.requested.v1"
    about: ClassVar[str] = "export_id"

    export_id: str
    user_id: int
