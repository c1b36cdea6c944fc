"""Who somebody is comes from a verified token and from nowhere else."""

import pytest

from tests.contract.proxy.door import Door
from tests.contract.proxy.messages import read_answer
from tests.contract.proxy.upstream import Upstream

FORGED = "forged-7"
REQUEST_ID = "019cac98-8b10-7a52-8c3f-1e9d4b7a6f20"
SPELLINGS = [
    "X-User-Id", "X-USER-ID", "x-user-id", "x-uSeR-iD", "X_User_Id", "X-User_Id", "x_user_id",
    "X-User", "X-User-Role", "X-User-Email", "X-User-Scopes", "X-Internal", "X-Internal-Token",
    "X_Internal_Token", "X-Internal-User", "X-Internal-Secret", "X-Service", "X-Service-Token",
    "X-Service-Name", "X-On-Behalf-Of", "X_On_Behalf_Of", "X-Forwarded-For", "X_Forwarded_For",
    "X-Forwarded", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port",
    "X-Forwarded-Prefix", "X-Forwarded-User", "X-Forwarded-Email", "X-Forwarded-Groups",
    "X-Forwarded-Access-Token", "X-Forwarded-Client-Cert", "X-Forwarded-Server", "Forwarded",
    "FORWARDED", "Forwarded-For", "X-Real-IP", "X_Real_IP", "X-Client-IP", "Client-IP",
    "True-Client-IP", "CF-Connecting-IP", "Fastly-Client-IP", "X-Cluster-Client-IP",
    "X-Original-URL", "X-Original-Host", "X-Original-Method", "X-Original-URI", "X-Rewrite-URL",
    "X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "Remote-User", "Remote_User",
    "X-Remote-User", "X-Auth-Request-User", "X-Authenticated-User", "X-Auth-User", "X-Principal",
    "X-Role", "X-Roles", "X-Scope", "X-Tenant", "X-Deadline", "X_Deadline", "X-WEBAUTH-USER",
    "SSL-Client-Verify", "SSL_CLIENT_VERIFY", "X-SSL-Client-CN", "Proxy-Authorization", "Proxy",
    "Cookie", "Via", "Max-Forwards", "X-Amzn-Oidc-Identity", "X-Goog-IAP-JWT-Assertion",
    "X-MS-CLIENT-PRINCIPAL", "Tailscale-User-Login", "Authorization_", "X-Authorization",
]  # fmt: skip


@pytest.mark.parametrize("name", SPELLINGS)
async def test_no_spelling_of_an_identity_goes_on(
    door: Door, upstream: Upstream, name: str
) -> None:
    """reliability row 20, auth-31: said once, and twice, and nominated to stay."""
    lines = [f"{name}: {FORGED}"]
    for more in ([], [f"{name.lower()}:{FORGED}"], [f"Connection: {name}"]):
        got = await door.ask("GET", "/things", *lines, *more)
        assert got.status in {200, 400}

    assert FORGED.encode() not in upstream.seen
    assert not any(name.lower() in each.names - {"x-deadline"} for each in upstream.requests)


ODD = [
    f"X-User-Id : {FORGED}", f"X-User-Id\t: {FORGED}", f" X-User-Id: {FORGED}",
    f"X-User-Id\0: {FORGED}", f"X-A: a\r X-User-Id: {FORGED}", f"X-A: a\nX-User-Id: {FORGED}",
    f"X-User-Id\xa0: {FORGED}", f"\xefX-User-Id: {FORGED}", f"X-User-Id:\r\n {FORGED}",
    f"X-User-Id\u00ad: {FORGED}", f"Accept: a/b\rX-User-Id: {FORGED}",
    f"Accept: a/b\r\n\tX-User-Id: {FORGED}", f"User-Agent: a\0X-User-Id: {FORGED}",
]  # fmt: skip


@pytest.mark.parametrize("line", ODD)
async def test_no_odd_spelling_goes_on_either(door: Door, upstream: Upstream, line: str) -> None:
    """reliability row 20: spaces, folds, bare line ends and letters that are none."""
    got = await door.ask("GET", "/things", line)

    assert got.status in {200, 400}
    assert FORGED.encode() not in upstream.seen


NOMINATED = [
    "x-request-id, authorization", "x-request-id", "authorization", "host", "content-length",
    "x-deadline, host", "transfer-encoding", "content-type, authorization", "close, x-request-id",
    "keep-alive, traceparent, x-request-id, authorization, content-length",
]  # fmt: skip


@pytest.mark.parametrize("nominated", NOMINATED)
@pytest.mark.parametrize("chunked", [True, False])
async def test_nobody_nominates_our_own_headers_away(
    door: Door, upstream: Upstream, nominated: str, *, chunked: bool
) -> None:
    """reliability row 20: what the gateway says to a service stays said."""
    told = "Transfer-Encoding: chunked" if chunked else "Content-Length: 5"
    lines = [told, f"Connection: {nominated}", "Content-Type: application/octet-stream"]
    wire = await door.connect()
    body = b"5\r\nhello\r\n0\r\n\r\n" if chunked else b"hello"
    await wire.send(door.head("POST", "/things", *lines) + body)
    got = await read_answer(wire)

    assert got.status in {200, 400}
    if got.status == 200:
        [request] = upstream.requests
        assert request.body == b"hello"
        assert request.value("authorization") == f"Bearer {door.token}"
        assert request.value("x-request-id") == got.value("x-request-id")
        assert request.value("host") == f"127.0.0.1:{upstream.port}"
        assert float(request.value("x-deadline") or "nan") <= 5
        assert "close" not in (request.value("connection") or "")


async def test_what_is_nominated_goes_no_further(door: Door, upstream: Upstream) -> None:
    """RFC 9110 7.6.1: what a client says for us alone is not passed on, were it on the list."""
    lines = ["Connection: close, Accept-Language, Prefer", "Accept-Language: ne", "Prefer: wait=1"]
    got = await door.ask("GET", "/things", *lines, "Accept: a/b")

    assert got.status == 200
    assert upstream.requests[0].value("accept") == "a/b"
    assert not {"accept-language", "prefer", "connection"} & upstream.requests[0].names


BETWEEN_TWO = [
    "Keep-Alive: timeout=9", "TE: trailers", "Trailer: X-A", "Proxy-Connection: keep-alive",
    "Upgrade: h2c", "HTTP2-Settings: AAMAAABk", "Proxy-Authenticate: x", "Expect-CT: x",
]  # fmt: skip


@pytest.mark.parametrize("line", BETWEEN_TWO)
async def test_what_is_between_two_neighbours_stays_there(
    door: Door, upstream: Upstream, line: str
) -> None:
    """Hop-by-hop, said to be so or not."""
    name = line.partition(":")[0]
    for lines in ([line], [line, f"Connection: {name}"]):
        assert (await door.ask("GET", "/things", *lines)).status == 200

    for request in upstream.requests:
        assert name.lower() not in request.names or request.value("te") == "trailers"


async def test_the_service_hears_one_of_each_of_ours(door: Door, upstream: Upstream) -> None:
    """Duplicates and other cases of what the gateway itself says."""
    lines = [f"x-request-ID: {REQUEST_ID}", "X-Deadline: 9999", "x-deadline: 9999"]
    got = await door.ask("GET", "/things", *lines)

    [request] = upstream.requests
    assert (got.status, got.value("x-request-id")) == (200, REQUEST_ID)
    assert request.value("x-request-id") == REQUEST_ID
    assert float(request.value("x-deadline") or "nan") <= 5
    assert request.value("authorization") == f"Bearer {door.token}"
    assert request.value("host") == f"127.0.0.1:{upstream.port}"


async def test_where_nobody_is_asked_no_token_goes_on(door: Door, upstream: Upstream) -> None:
    await door.ask("GET", "/open", "Cookie: session=1")

    assert not {"authorization", "cookie", "x-api-key"} & upstream.requests[0].names
