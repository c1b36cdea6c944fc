"""Sessions: which there are, and ending them."""

from typing import Annotated

from fastapi import Depends, Query, Response

from libs.common.db.paging import Cursor
from libs.common.errors import NotFound
from libs.common.permissions import Permission
from libs.common.principal import Principal, Role
from libs.common.revocations import RevocationPage
from libs.common.web.auth import may
from libs.common.web.responses import Success, answer
from libs.common.web.routing import PathId, router
from services.users.domain import sessions
from services.users.domain.sessions import SessionRules
from services.users.models import Session
from services.users.routes.deps import Settings, UowPort
from services.users.schemas.sessions import Ended, RevocationQuery, SessionRead

routes = router(prefix="/api/v1/auth", tag="auth")
internal = router(tag="internal")

Reader = Annotated[Principal, Depends(may(Permission.SESSION_READ))]
Leaver = Annotated[Principal, Depends(may(Permission.SESSION_END))]
Program = Annotated[Principal, Depends(may(Permission.INTERNAL))]


class SessionNotFound(NotFound):
    """No such session, or none of yours."""

    code = "SESSION_NOT_FOUND"


@routes.post("/logout", response_model=Success[Ended])
async def sign_out(caller: Leaver, uow: UowPort) -> Response:
    """End the session you call with, as a guest too. Its tokens are refused everywhere soon."""
    async with uow.begin() as tx:
        await sessions.leave(tx, caller, why=sessions.LEFT)
    return answer(Success(data=Ended(ended=int(bool(caller.session)))))


@routes.get("/sessions", response_model=Success[list[SessionRead]])
async def list_sessions(caller: Reader, uow: UowPort, settings: Settings) -> Response:
    """Your sessions, newest first. Guests have none: nothing is kept of them."""
    async with uow.read() as tx:
        found = await sessions.of(tx, caller.id, SessionRules.of(settings))
        rows = [_read(each, caller) for each in found]
    return answer(Success(data=rows))


@routes.delete("/sessions/{session_id}", response_model=Success[Ended])
async def end_session(
    session_id: PathId, caller: Leaver, uow: UowPort, settings: Settings
) -> Response:
    """End one of your sessions: on a device you lost, say."""
    async with uow.begin() as tx:
        mine = await sessions.of(tx, caller.id, SessionRules.of(settings))
        if session_id not in {each.session_id for each in mine}:
            raise SessionNotFound("There is no such session.")
        await sessions.end(tx, session_id, why=sessions.REVOKED, by=caller.id)
    return answer(Success(data=Ended(ended=1)))


@routes.delete("/sessions", response_model=Success[Ended])
async def end_other_sessions(caller: Leaver, uow: UowPort, settings: Settings) -> Response:
    """End all your sessions but the one you call with."""
    async with uow.begin() as tx:
        mine = await sessions.of(tx, caller.id, SessionRules.of(settings))
        others = [each.session_id for each in mine if each.session_id != caller.session]
        for session_id in others:
            await sessions.end(tx, session_id, why=sessions.REVOKED, by=caller.id)
    return answer(Success(data=Ended(ended=len(others))))


@internal.get("/internal/revocations", response_model=Success[RevocationPage])
async def list_revocations(
    query: Annotated[RevocationQuery, Query()], caller: Program, uow: UowPort
) -> Response:
    """What is refused though it has not expired, oldest first: since a time, or all of it."""
    after = Cursor.parse(query.cursor) if query.cursor else None
    async with uow.read() as tx:
        page = await sessions.revoked(tx, since=query.since, after=after)
    return answer(Success(data=page))


def _read(session: Session, caller: Principal) -> SessionRead:
    return SessionRead(
        session_id=session.session_id,
        role=Role(session.role),
        method=session.method,
        created_at=session.created_at,
        last_seen_at=session.last_seen_at,
        expires_at=session.expires_at,
        is_current=session.session_id == caller.session,
    )
