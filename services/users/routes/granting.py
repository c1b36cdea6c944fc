"""What whoever has signed in is handed."""

from typing import Any

from libs.common.principal import Role, Scope
from libs.common.tokens import Signer
from services.users.domain.sessions import Begun
from services.users.models import User
from services.users.settings import UsersSettings


def tokens_of(
    signer: Signer,
    settings: UsersSettings,
    user: User,
    begun: Begun,
    *,
    role: Role,
    scope: Scope,
) -> dict[str, Any]:
    """The tokens of a session, by the names of RFC 6749, 5.1."""
    access_token = signer.sign(
        user.principal_id,
        role,
        seconds=settings.access_seconds,
        scope=scope,
        session=begun.session_id,
    )
    return {
        "access_token": access_token,
        "token_type": "Bearer",
        "expires_in": settings.access_seconds,
        "refresh_token": begun.refresh_token,
        "session_id": begun.session_id,
    }
