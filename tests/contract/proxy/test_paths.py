"""Addresses: what is forwarded is what was authorised, however somebody else would read it."""

import re
from urllib.parse import unquote

import pytest

from tests.contract.proxy.door import TABLE, Door
from tests.contract.proxy.upstream import Upstream

OURS = {"/healthz", "/readyz", "/version", "/health", "/docs", "/openapi.json"}
"""The gateway's own, which no service is asked for."""
INNER = re.compile(
    r"/+(internal|metrics|healthz|readyz|docs|redoc|openapi\.json|admin|debug)\b", re.IGNORECASE
)

NOWHERE = [
    # slashes and dots
    "//", "//things", "/things//", "/things//1", "///things/1", "/./things", "/things/.",
    "/things/./1", "/things/..", "/open/../things", "/things/1/../2", "/things/1/../../internal/x",
    "/../things", "/..", "/.", "/things/1/", "/things/1//",
    # the same, escaped
    "/%2e/things", "/%2e%2e/things", "/things/%2e", "/things/%2E%2E", "/things/.%2e",
    "/things/%2e.", "/things%2f1", "/things/a%2Fb", "/things%2F..%2Finternal", "/%2fthings",
    "/things/..%2finternal%2fx", "/kept/..%2f..%2finternal", "/kept/%2e%2e/internal/x",
    "/kept/%2e%2e%2finternal", "/kept/a/%2e%2e/%2e%2e/internal", "/kept/../internal/x",
    "/kept//internal", "/kept/a//b", "/kept/", "/kept/./internal",
    # other slashes
    "\\things", "/things\\1", "/things/a%5cb", "/things/..\\internal", "/things/..%5cinternal",
    "/kept/..%5c..%5cinternal", "/things/%ef%bc%8finternal/..", "/things/..%c0%afinternal",
    # parameters
    "/things;/1", "/things;a=b", "/things/..;/internal", "/kept/..;/internal/x",
    "/kept/..;a=b/internal/x", "/kept/.;/internal", "/;/internal/x", "/internal;/x",
    "/kept/..%3b/internal/x", "/kept/%2e%2e;/internal/x",
    # bytes that end or hide something
    "/things/%00", "/things/a%00b", "/things%00", "/internal%00/../things", "/things/%0a",
    "/things/%0d%0aX-User-Id:%201", "/things/%7f", "/things/%08", "/things/a\tb",
    "/things/%c0%ae%c0%ae", "/things/%c0%ae%c0%ae/internal", "/things/%e0%80%af",
    "/things/%f0%80%80%af", "/things/%ff", "/things/%ed%a0%80", "/things/%f4%90%80%80",
    "/things/%E2%80%AE", "/things/%E2%80%8B", "/things/%u002e", "/things/%", "/things/%2",
    "/things/%zz", "/things/\x80", "/th%C3%ADngs",
    # marks of a query or a fragment
    "/things%3fa=b/../internal", "/internal%3f/things", "/internal%23/things",
    # inner paths, spelled
    "/internal", "/internal/", "/internal/x", "/internal/api-keys/exchange", "/Internal/x",
    "/INTERNAL/x", "/%69nternal/x", "/%49nternal/x", "/intern%61l/x", "/internal.", "/internal%20",
    "/internal%2fx", "/metrics", "/Metrics", "/%6detrics", "/metrics/", "/metrics.", "/redoc",
    "/api/v1/../internal", "/api/v1/%2e%2e/internal", "/api/v1/../../internal/x",
    "/api/v1/cases/../../../internal", "/api/v1/internal", "/api/v1//cases/1", "/api/v1/cases",
    "/API/v1/cases/1", "/api/V1/cases/1", "/api/v1/Cases/1", "/things/1/internal",
    "/openapi.json/x",
    "/healthz/x", "/readyz/..%2fmetrics", "/docs/oauth2-redirect", "/healthz/../metrics",
    "/socket.io/../internal/x", "/socket.io/%2e%2e/internal", "/socket.io//internal",
    "/version/../internal", "/health%2f..%2finternal", "/healthz;/internal", "/healthz%00",
    # letters
    "/Things", "/THINGS", "/things.", "/things%20", "/things%2e", "/%20things", "/things/1%20/..",
    "/things\x7f", "/favicon.ico", "/things.json",
    # forms
    "*", "things", "things/1", "?", "#", "http:/things", "http:///things", "https:things",
    "http://", "http://test", "http:", "ftp://test/things", "file:///things", "test:80",
    "http://test\\things", "//internal/x", "//test/internal/x", "http://test/internal/x",
    "http://test//internal/x", "http://test/../internal/x", "http://test/things/../internal/x",
    "http://internal/internal/x", "http://user:pass@test/internal/x", "http://test:80:80/things",
    "http://test/%2e%2e/internal", "http://te st/things", "http://test@internal:80/internal",
]  # fmt: skip
SPELLED_WITH_A_SLASH = {"/things/1/", "/things//", "/internal/", "/metrics/"}
"""A slash at the end is taken off once; then they are what they are."""


@pytest.mark.parametrize("target", NOWHERE, ids=ascii)
async def test_an_address_that_is_none_leads_nowhere(
    door: Door, upstream: Upstream, target: str
) -> None:
    """reliability row 23, path-…: refused, or forwarded as something the table names."""
    got = await door.ask("GET", target, "Connection: close")

    if got.status == 200:
        assert target in SPELLED_WITH_A_SLASH
        assert _named(upstream.targets[0])
    else:
        assert got.status in {400, 404, 405, 414, 421}
        assert upstream.heads == []


AS_SPELLED = {
    "/things": "/things",
    "/things/": "/things",
    "/things/1": "/things/1",
    "/things/a.b~c_d-e": "/things/a.b~c_d-e",
    "/things/%E0%A5%A7": "/things/%E0%A5%A7",
    "/things/%e0%a5%a7": "/things/%e0%a5%a7",
    "/things/a%20b": "/things/a%20b",
    "/things/a+b": "/things/a+b",
    "/things/a%2541": "/things/a%2541",
    "/things/%252e%252e": "/things/%252e%252e",
    "/things/internal": "/things/internal",
    "/things/a@b:c": "/things/a@b:c",
    "/kept/a/b/c.png": "/kept/a/b/c.png",
    "/kept/a/internal/b": "/kept/a/internal/b",
    "/api/v1/cases/GRV-2026-7K3MQX-4": "/api/v1/cases/GRV-2026-7K3MQX-4",
    "/things?a=b%2Fc&d=%2e%2e": "/things?a=b%2Fc&d=%2e%2e",
    "/things?next=/../internal": "/things?next=/../internal",
    "/things?a=http://b/?c": "/things?a=http://b/?c",
    "/things?a;b": "/things?a;b",
    "/things?": "/things",
    "http://test/things/1?a=b": "/things/1?a=b",
    "http://TEST/things/1": "/things/1",
    "http://test:8000/things/1": "/things/1",
}


@pytest.mark.parametrize("target", AS_SPELLED)
async def test_an_address_goes_on_as_it_is_spelled(
    door: Door, upstream: Upstream, target: str
) -> None:
    """Issue 3, data path: authorised on what is forwarded."""
    got = await door.ask("GET", target)

    assert got.status == 200
    assert upstream.targets == [AS_SPELLED[target]]
    assert _named(upstream.targets[0])


@pytest.mark.parametrize("path", sorted(OURS))
async def test_our_own_addresses_are_ours_to_answer(
    door: Door, upstream: Upstream, path: str
) -> None:
    """reliability row 23: the inner health, docs and descriptions are unreachable."""
    got = await door.ask("GET", path)

    assert got.status in {200, 404}
    assert not {path, path + "/"} & set(upstream.targets)
    assert not got.body.startswith(b"GET ")


def _named(target: str) -> bool:
    """Whether the table names this path, however a reader unescapes and simplifies it."""
    path = target.partition("?")[0]
    readings = {path, unquote(path), re.sub(r";[^/]*", "", unquote(path))}
    return all(_is_in_table(reading) and not INNER.match(reading) for reading in readings)


def _is_in_table(path: str) -> bool:
    if any(segment in {"", ".", ".."} for segment in path.split("/")[1:]):
        return False
    patterns = (
        re.sub(r"\\{\w+(:path)?\\}", lambda found: ".+" if found[1] else "[^/]+", re.escape(row))
        for row in (str(each["path"]) for each in TABLE)
    )
    return any(re.fullmatch(pattern, path, re.DOTALL) for pattern in patterns)


BYPASSES = [
    "/internal", "/things/../internal", "/things/%2e%2e/internal/x", "/kept/..;/internal",
    "/things//1", "/things/a/b", "/metrics",
]  # fmt: skip


@pytest.mark.parametrize("path", BYPASSES)
def test_what_would_be_a_bypass_is_seen_as_one(path: str) -> None:
    """The judge above can say no."""
    assert not _named(path)
