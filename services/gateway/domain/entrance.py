"""Who is let in, where to, and how often: decided before a byte of body is read."""

from collections.abc import Sequence

from libs.common.errors import AppError, Forbidden, Unauthenticated
from libs.common.web.guard import check_body_headers, check_query
from services.gateway.domain.allowances import Charge, Limits
from services.gateway.domain.asking import Asked
from services.gateway.domain.callers import Callers, Terms
from services.gateway.domain.limiting import Limiter
from services.gateway.domain.remembering import keep
from services.gateway.domain.table import Entry
from services.gateway.domain.verdicts import RateLimited, limit_lines
from services.gateway.domain.ways import PROBES, Ways

MAX_TERMS = 8
"""Of one caller: who asks for ever something else gains nothing by being remembered."""


class Entrance:
    """Lets requests in, or says why not. What it finds out is written into what was asked."""

    def __init__(self, *, ways: Ways, callers: Callers, limits: Limits, limiter: Limiter) -> None:
        self._ways = ways
        self._callers = callers
        self._limits = limits
        self._limiter = limiter

    def forget_callers(self) -> None:
        """Look at every token again: some of them do not hold any more."""
        self._callers.forget()

    async def admit(self, asked: Asked) -> Entry:
        """The route that was asked for, by who may. Raises AppError; Preflight."""
        entry = self._ways.look(asked)
        if not entry.is_open:
            await self._identify(asked, entry)
        terms = self._terms(asked, entry)
        await self._count(asked, terms.charges)
        if terms.refused:
            raise terms.refused
        return entry

    def agree(self, asked: Asked) -> Terms | None:
        """The terms of a request, if they can be told at once. Raises AppError; Preflight."""
        way = self._ways.find(asked)
        entry = asked.entry = way.entry
        asked.told, asked.address = way.told, way.address
        if entry.is_open:
            return self._terms(asked, entry)
        caller = self._callers.known(asked)
        if caller is None:
            return None
        asked.token, asked.principal = caller.token, caller.principal
        if asked.heads.is_unusual:
            return self._terms(asked, entry)
        terms = caller.terms.get(way)
        if terms is None:
            terms = self._terms(asked, entry)
            if not terms.refused:
                keep(caller.terms, way, terms, MAX_TERMS)
        return terms

    def settle(self, asked: Asked, terms: Terms) -> bool:
        """Let in on these terms, unless the counters have to be asked first. Raises AppError."""
        if terms.charges:
            verdict = self._limiter.take_all(terms.charges)
            if verdict is None:
                return False
            if not verdict.is_allowed:
                raise RateLimited(verdict)
            asked.told += limit_lines(verdict)
        if terms.refused:
            raise terms.refused
        return True

    async def admit_listener(self, asked: Asked) -> None:
        """Let in who will show later who it is. Raises AppError."""
        self._ways.check_listener(asked)
        charges = self._limits.charges("held", None, asked.address, "/socket.io")
        await self._count(asked, charges)

    async def _identify(self, asked: Asked, entry: Entry) -> None:
        """Who asks. Strangers are counted by where they come from. Raises AppError."""
        try:
            await self._callers.identify(asked, half=entry.access.half)
        except Unauthenticated:
            await self._count(asked, self._charges(asked, entry)[1:])
            raise

    def _terms(self, asked: Asked, entry: Entry) -> Terms:
        refused: AppError | None = None
        try:
            if asked.principal and not entry.access.admits(asked.principal):
                raise Forbidden("You may not do this.")
            check_query(asked.target.query)
            check_body_headers(entry.access, asked.heads.said)
        except AppError as error:
            refused = error
        return Terms(self._charges(asked, entry), refused)

    def _charges(self, asked: Asked, entry: Entry) -> tuple[Charge, ...]:
        if asked.target.path in PROBES:
            return ()
        return self._limits.charges(
            entry.access.limit, asked.principal, asked.address, entry.template
        )

    async def _count(self, asked: Asked, charges: Sequence[Charge]) -> None:
        """Raises RateLimited."""
        if charges:
            verdict = self._limiter.take_all(charges) or await self._limiter.ask_all(charges)
            if not verdict.is_allowed:
                raise RateLimited(verdict)
            asked.told += limit_lines(verdict)
