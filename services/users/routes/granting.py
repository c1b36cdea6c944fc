"""What whoever has signed in is handed."""

from typing import Any

from libs.common.principal import Role, Scope
from libs.common.tokens import Signer
from services.users.domain.sessions import Begun
from services.users.models import User
from services.users.settings import UsersSettings

NOWHERE = Scope()


def tokens_of(
    signer: Signer, settings: UsersSettings, user: User, begun: Begun, *, role: Role
) -> dict[str, Any]:
    """The tokens of a session, by the names of RFC 6749, 5.1.

    Staff who sign in as citizens have no part of the programme with them.
    """
    access_token = signer.sign(
        user.principal_id,
        role,
        seconds=settings.access_seconds,
        scope=user.works_in if role.is_staff else NOWHERE,
        session=begun.session_id,
    )
    return {
        "access_token": access_token,
        "token_type": "Bearer",
        "expires_in": settings.access_seconds,
        "refresh_token": begun.refresh_token,
        "session_id": begun.session_id,
    }
