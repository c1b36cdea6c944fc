"""Who may call what: every route of every service names a permission of the table."""

from collections.abc import Callable

import pytest
from fastapi import FastAPI

from libs.common.permissions import GRANTS, Permission
from libs.common.settings import SERVICES
from libs.common.web.auth import Anyone, Service
from libs.common.web.routing import NoAccessDeclared, RouteTable, Rule, router
from services.gateway.app import ROUTERS

PUBLIC = {
    "/.well-known/jwks.json",
    "/api/chatbot/config",
    "/api/chatbot/faqs",
    "/api/v1/auth/guest",
    "/api/v1/auth/otp/request",
    "/api/v1/auth/otp/verify",
    "/api/v1/chat/config",
    "/api/v1/chat/faqs",
    "/api/v1/events/schemas",
    "/api/v1/events/schemas/{topic}",
    "/api/v1/events/stream",
    "/api/v1/exports/{export_id}/download",
    "/asyncapi.json",
    "/docs",
    "/health",
    "/healthz",
    "/oauth/revoke",
    "/oauth/token",
    "/openapi.json",
    "/readyz",
    "/version",
}
"""What nobody is asked who they are for. The stream looks at tokens and tickets itself,
and an export is for whoever has its signed link."""


@pytest.fixture
def rules(build: Callable[[str], FastAPI]) -> list[Rule]:
    behind: list[Rule] = [rule for name in SERVICES for rule in build(name).state.table.rules]
    return [*RouteTable.of(ROUTERS).rules, *behind]


def test_what_is_open_to_strangers_is_a_short_list(rules: list[Rule]) -> None:
    """Reliability 3 row 3: a route that becomes public is a change of this list."""
    assert {rule.template for rule in rules if rule.access.is_public} == PUBLIC


def test_what_our_own_programs_ask_is_internal_and_nothing_else_is(rules: list[Rule]) -> None:
    inside = {rule.template for rule in rules if rule.template.startswith("/internal")}

    assert inside
    assert {rule.template for rule in rules if rule.access.is_internal} == inside


def test_every_permission_is_asked_for_and_granted(rules: list[Rule]) -> None:
    """Issue 4, roles: nothing in the table is dead, and no route is closed to everybody."""
    asked = {rule.access.permission for rule in rules}
    granted = {permission for grants in GRANTS.values() for permission in grants}
    unnamed = {Permission.PUBLIC, Permission.INTERNAL}

    assert granted == set(Permission) - unnamed
    assert asked == set(Permission)


def test_a_route_that_does_not_say_who_may_call_it_cannot_be_built() -> None:
    routes = router(tag="x")

    @routes.get("/x")
    async def read() -> None:
        return None

    with pytest.raises(NoAccessDeclared):
        RouteTable.of([routes])


def test_a_route_that_says_it_twice_cannot_be_built() -> None:
    routes = router(tag="x")

    @routes.get("/x")
    async def read(one: Anyone, other: Service) -> None:
        return None

    with pytest.raises(NoAccessDeclared):
        RouteTable.of([routes])
