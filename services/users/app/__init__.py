"""The users service, put together."""

import os
from datetime import datetime
from pathlib import Path

import httpx2
from fastapi import FastAPI

from libs.common.bus.protocol import Bus
from libs.common.clock import utc_now
from libs.common.db.paging import Cursor
from libs.common.db.uow import UnitOfWork
from libs.common.principal import Role
from libs.common.revocations import RevocationPage
from libs.common.telemetry import PURGED
from libs.common.web.holding import holding_routes
from libs.common.web.service import Service
from services.users.app.commands import create_admin
from services.users.clients import CoreBusiness, GrievanceClient
from services.users.domain import exporting, holding, retaining, second_factor
from services.users.domain.passwords import Passwords, new_password
from services.users.domain.retaining import Kind
from services.users.domain.sealing import seal_day
from services.users.domain.sessions import revoked
from services.users.domain.signing_in import appoint_super_admin
from services.users.events import hears
from services.users.models import GROUND
from services.users.repository.archives import Archives
from services.users.repository.people import UserRepository
from services.users.repository.privacy_exporting import ExportRepository
from services.users.routes import (
    api_keys,
    audit,
    auth,
    consents,
    erasure,
    exports,
    identify,
    internal,
    me,
    merging,
    mfa,
    oauth,
    otp as otp_routes,
    passwords as password_routes,
    preferences,
    retention,
    reveals,
    roles,
    seed,
    sessions,
    users,
)
from services.users.settings import UsersSettings

__all__ = [
    "FIRST_LOGIN", "PASSWORD_FILE", "SECRET_FILE", "appoint_first", "create_admin", "create_app",
]  # fmt: skip

FIRST_LOGIN = "admin"
PASSWORD_FILE = "admin-password"  # noqa: S105 - a name
SEAL_SECONDS = 300.0
FORGET_SECONDS = 60.0
SECRET_FILE = "admin-totp"  # noqa: S105 - a name


def create_app(
    settings: UsersSettings, *, bus: Bus, transport: httpx2.AsyncBaseTransport | None = None
) -> FastAPI:
    """The app; `transport` carries calls to peers (the network without one)."""
    service = Service.open("users", settings, ground=GROUND, bus=bus, transport=transport)
    passwords = Passwords(memory_kib=settings.argon_memory_kib)
    grievance = GrievanceClient(service.peer("grievance"))

    async def prepare() -> None:
        if settings.shared.is_embedded:
            await appoint_first(service.uow, passwords, settings)

    async def seal() -> None:
        await seal_day(service.uow, service.signer, settings.audit_seals, now=utc_now())

    async def read_revocations(since: datetime | None, cursor: str | None) -> RevocationPage:
        async with service.uow.read() as tx:
            return await revoked(tx, since=since, after=Cursor.parse(cursor) if cursor else None)

    archives = Archives(settings.exports)

    async def retain() -> None:
        await tidy(service.uow, archives)

    revoking = service.revoking(read_revocations)
    service.uow.on_events(revoking.ask_at_once)
    return service.app(
        routers=[
            auth.routes,
            oauth.routes,
            sessions.routes,
            sessions.internal,
            # What is under /users/me comes before what is under anybody's number.
            me.routes,
            password_routes.routes,
            users.routes,
            preferences.routes,
            consents.routes,
            merging.routes,
            reveals.routes,
            roles.routes,
            api_keys.routes,
            internal.routes,
            seed.routes,
            audit.routes,
            otp_routes.routes,
            mfa.routes,
            identify.routes,
            erasure.routes,
            exports.routes,
            holding_routes(holding.everything_on),
            retention.routes,
            retention.internal,
        ],
        consumer=hears(grievance),
        background=[
            service.round("audit-seal", seal, seconds=SEAL_SECONDS),
            service.round("retention", retain, seconds=FORGET_SECONDS),
        ],
        prepare=prepare,
        revoking=revoking,
        state={
            "grievance": grievance,
            "passwords": passwords,
            "signer": service.signer,
            "public_keys": service.keys,
            "verifier": service.verifier,
            "cache": service.cache,
            "core": CoreBusiness(service.http, settings.core_business_url),
            "archives": archives,
            "settings": settings,
        },
    )


async def tidy(uow: UnitOfWork, archives: Archives) -> None:
    """Hold to the rules of retention, and remove archives that are nobody's."""
    async with uow.begin() as tx:
        gone = await retaining.apply(tx)
        ended = await exporting.expire(tx)
    for kind, count in {**gone, Kind.EXPORTS: len(ended)}.items():
        PURGED.labels("users", kind).inc(count)
    await archives.remove(*ended)
    left = await archives.older_than(exporting.GIVEN_UP_AFTER)
    async with uow.read() as tx:
        orphans = set(left) - await ExportRepository(tx.session).kept(left)
    await archives.remove(*orphans)


async def appoint_first(uow: UnitOfWork, passwords: Passwords, settings: UsersSettings) -> None:
    """On the very first start, appoint the one who appoints everybody else.

    Password and secret lie in their files before they are in the database: whatever ends the
    process in between, the next start begins again, and nobody is locked out.
    """
    async with uow.read() as tx:
        if await UserRepository(tx.session).has_super_admin():
            return
    folder = settings.shared.data_dir
    password = new_password()
    kept = await passwords.hash(password)
    _write_secret(folder / PASSWORD_FILE, password)
    async with uow.begin() as tx:
        admin = await appoint_super_admin(
            tx, username=FIRST_LOGIN, password_hash=kept, by="first start"
        )
        if second_factor.is_required(Role.SUPER_ADMIN, settings):
            _write_secret(folder / SECRET_FILE, await second_factor.enrol(tx, admin))


def _write_secret(file: Path, secret: str) -> None:
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(f"{secret}\n")
        out.flush()
        os.fsync(out.fileno())
