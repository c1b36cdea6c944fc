"""The routes of a service as a table: the guard looks them up, the gateway's is made of them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter
from fastapi.routing import APIRoute
from pydantic import AfterValidator

from libs.common.errors import NotFound
from libs.common.web.auth import Access
from libs.common.web.strict import StrictRoute

_AN_ID = re.compile(r"[A-Za-z0-9._:-]{1,100}", re.ASCII)


def _existing(text: str) -> str:
    if not _AN_ID.fullmatch(text):
        raise NotFound("There is nothing here.")
    return text


PathId = Annotated[str, AfterValidator(_existing)]
"""An id in a path: what can be no id of ours is not found, and no database is asked."""


class NoAccessDeclared(Exception):
    """A route does not say who may call it."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One route: its template, its methods, and who may call it."""

    template: str
    pattern: re.Pattern[str]
    methods: frozenset[str]
    access: Access


def router(*, prefix: str = "", tag: str) -> APIRouter:
    """A router of ours: strict bodies, one tag."""
    return APIRouter(prefix=prefix, tags=[tag], route_class=StrictRoute)


class RouteTable:
    """Finds the rule of a request: exact paths first, then templates in the order declared."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules = list(rules)
        self._exact: dict[str, list[Rule]] = {}
        self._templates: list[Rule] = []
        for rule in self.rules:
            if "{" in rule.template:
                self._templates.append(rule)
            else:
                self._exact.setdefault(rule.template, []).append(rule)

    @classmethod
    def of(cls, routers: Iterable[APIRouter]) -> "RouteTable":
        """The table of `routers`. Raises NoAccessDeclared."""
        return cls(_rule(route) for each in routers for route in each.routes)

    def find(self, method: str, path: str) -> tuple[Rule | None, frozenset[str]]:
        """The rule for `method path`, and the methods the path knows."""
        rules = self._exact.get(path) or [r for r in self._templates if r.pattern.match(path)]
        methods: frozenset[str] = frozenset()
        for rule in rules:
            if method in rule.methods:
                return rule, rule.methods
            methods |= rule.methods
        return None, methods


def _rule(route: object) -> Rule:
    if not isinstance(route, APIRoute):
        raise NoAccessDeclared(f"{route!r} is not a route of ours")
    declared = [d.call for d in route.dependant.dependencies if isinstance(d.call, Access)]
    if len(declared) != 1:
        raise NoAccessDeclared(f"{route.methods} {route.path} must say once who may call it")
    methods = frozenset(route.methods or ())
    return Rule(route.path, route.path_regex, methods, declared[0])
