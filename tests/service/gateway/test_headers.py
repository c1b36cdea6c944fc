"""What of the headers goes on, what stays, and what is refused."""

import re

from starlette.types import Receive, Send

from libs.common.principal import Role
from tests.service.gateway.conftest import Asked, Door, OpenDoor, Upstream, say

FORGED = [
    "X-User-Id: 1", "X-User-Role: super_admin", "X-User: 1", "X_User_Id: 1", "x-user_id: 1",
    "X-USER-ID: 1", "X-Internal-Token: x", "X-Internal: 1", "X_Internal_Token: x",
    "X-On-Behalf-Of: x", "X_On_Behalf_Of: x", "X-Forwarded-User: admin", "X-Forwarded-For: ::1",
    "X-Forwarded-Host: evil", "X-Forwarded-Proto: https", "X-Forwarded-Prefix: /internal",
    "X-Forwarded-Email: a@b", "X-Forwarded-Groups: admin", "X-Forwarded-Access-Token: x",
    "X-Forwarded-Client-Cert: x", "Forwarded: for=::1", "X-Real-IP: ::1", "X-Client-IP: ::1",
    "True-Client-IP: ::1", "CF-Connecting-IP: ::1", "X-Original-URL: /internal/x",
    "X-Rewrite-URL: /internal/x", "X-Original-Method: PUT", "X-HTTP-Method-Override: PUT",
    "X-Method-Override: PUT", "Remote-User: admin", "Remote_User: admin", "X-Remote-User: admin",
    "X-Auth-Request-User: admin", "X-Authenticated-User: admin", "X-Principal: admin",
    "X-Role: admin", "X-Scope: *", "X-Tenant: 1", "X-Service: users", "X-Service-Token: x",
    "X-Deadline: 9999", "X_Deadline: 9999", "Proxy-Authorization: Basic x", "Cookie: a=b",
    "X-WEBAUTH-USER: admin", "SSL-Client-Verify: SUCCESS", "Via: 1.1 x", "Max-Forwards: 1",
]  # fmt: skip
REQUEST_ID = "019cac98-8b10-7a52-8c3f-1e9d4b7a6f20"
BETWEEN_TWO = ["Keep-Alive: 5", "TE: trailers", "Trailer: X-A", "Proxy-Connection: x"]


async def test_no_header_that_claims_an_identity_goes_on(door: Door, upstream: Upstream) -> None:
    """auth-31: forty-nine spellings, and what is between a client and us."""
    lines = [*FORGED, *BETWEEN_TWO, "Connection: close, X-Hop", "X-Hop: 1", "Accept: a/b"]
    answer = await door.raw(door.head("GET", "/things", *lines))

    [asked] = upstream.asked
    assert answer.status == 200
    ours = {"host", "authorization", "x-request-id", "x-deadline", "traceparent"}
    assert asked.headers.keys() - ours == {"accept"}
    assert float(asked.headers["x-deadline"]) <= 5
    assert asked.headers["host"] != "test"


async def test_what_a_client_may_say_goes_on(door: Door, upstream: Upstream) -> None:
    said = {
        "accept-language": "ne", "idempotency-key": "k", "if-match": '"1"', "range": "bytes=0-1",
        "if-range": '"1"', "user-agent": "u/1", "origin": "http://o", "prefer": "wait=1",
        "last-event-id": "7", "if-modified-since": "Sat, 21 Nov 2026 00:00:00 GMT",
    }  # fmt: skip
    lines = [f"{name}: {value}" for name, value in said.items()]
    await door.raw(door.head("GET", "/things", *lines, "Connection: close"))

    assert said.items() <= upstream.asked[0].headers.items()


async def test_nothing_is_added_that_the_client_did_not_say(door: Door, upstream: Upstream) -> None:
    await door.raw(door.head("GET", "/things", "Connection: close"))

    assert not {"user-agent", "accept", "accept-encoding"} & upstream.asked[0].headers.keys()


async def test_one_token_goes_on_and_only_where_somebody_asks_for_it(
    door: Door, upstream: Upstream
) -> None:
    token = f"Bearer {door.token()}"
    async with door.client(None) as client:
        await client.get("/things", headers={"authorization": token})
        await client.get("/open", headers={"authorization": token})

    asked, open_one = upstream.asked
    assert [v for k, v in asked.scope["headers"] if k == b"authorization"] == [token.encode()]
    assert "authorization" not in open_one.headers


NOBODY = [
    [],
    ["Authorization: "],
    ["Authorization: Bearer"],
    ["Authorization: Basic YWRtaW46YWRtaW4="],
    ["Authorization: Bearer {token}", "Authorization: Bearer {token}"],
    ["Authorization: Bearer {token}", "authorization: Bearer {token}"],
    ["Authorization: Bearer {token}, Bearer {token}"],
    ["Authorization: Bearer {token} {token}"],
    ["Authorization: Bearer {token}", "X-API-Key: rdr_live_00000000_" + "a" * 49],
    ["X-API-Key: a", "X-API-Key: b"],
    ["Authorization: Bearer \xfc"],
    ["Authorization: Bearer " + "a" * 9000],
    ["Authorization: {token}"],
]


async def test_anything_but_one_token_is_nobody(door: Door, upstream: Upstream) -> None:
    for lines in NOBODY:
        given = [line.format(token=door.token()) for line in lines]
        answer = await door.raw(door.head("GET", "/things", *given, "Connection: close", role=None))
        assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer"), lines

    assert upstream.asked == []


async def test_a_token_in_the_query_is_none(door: Door, upstream: Upstream) -> None:
    """auth-33."""
    async with door.client(None) as client:
        answer = await client.get(f"/things?access_token={door.token()}")

    assert answer.status_code == 401
    assert upstream.asked == []


async def test_the_table_decides_who_comes_in(door: Door, upstream: Upstream) -> None:
    async def status(method: str, role: Role) -> int:
        async with door.client(role) as client:
            return (await client.request(method, "/things/1")).status_code

    assert await status("PUT", Role.GUEST) == 403
    assert await status("PUT", Role.AUDITOR) == 200
    assert await status("DELETE", Role.AUDITOR) == 403
    assert await status("DELETE", Role.SUPER_ADMIN) == 200
    assert len(upstream.asked) == 2


async def test_a_program_of_ours_does_not_come_in_by_the_front_door(
    door: Door, upstream: Upstream
) -> None:
    own = f"Authorization: Bearer {door.gateway.sign_to('gateway')}"
    answer = await door.raw(door.head("GET", "/things", own, "Connection: close", role=None))

    assert answer.status == 403
    assert upstream.asked == []


async def test_what_a_service_says_about_itself_stays_inside(
    door: Door, upstream: Upstream
) -> None:
    async def play(_: Asked, __: Receive, send: Send) -> None:
        inside = {
            "Server": "uvicorn", "X-Powered-By": "x", "X-User-Id": "1", "X_User_Id": "1",
            "X-Internal-Token": "x", "X-On-Behalf-Of": "x", "X-Deadline": "1", "Via": "x",
            "Keep-Alive": "timeout=5", "Proxy-Authenticate": "x", "Trailer": "x", "Upgrade": "h2c",
            "X-Request-ID": "another", "Authorization": "Bearer x", "Set-Cookie": "a=b",
        }  # fmt: skip
        outside = {"ETag": '"1"', "Retry-After": "2", "Link": "</x>", "Deprecation": "@1"}
        await say(send, b"{}", headers=inside | outside)

    upstream.play = play
    async with door.client() as client:
        answer = await client.get("/things")

    assert answer.headers.keys() == {
        "content-length", "date", "deprecation", "etag", "link", "retry-after",
        "x-content-type-options", "x-request-id",
    }  # fmt: skip
    assert answer.headers.get_list("x-request-id") == [upstream.asked[0].headers["x-request-id"]]
    assert len(answer.headers.get_list("date")) == 1


async def test_a_request_has_one_id_from_the_client_to_the_service(
    door: Door, upstream: Upstream
) -> None:
    parent = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"
    async with door.client() as client:
        given = await client.get(
            "/things", headers={"X-Request-ID": REQUEST_ID, "traceparent": parent}
        )
        made = await client.get("/things", headers={"X-Request-ID": "9841234567"})
        refused = await client.get("/nothing")

    assert given.headers["x-request-id"] == REQUEST_ID
    assert [asked.headers["x-request-id"] for asked in upstream.asked] == [
        REQUEST_ID,
        made.headers["x-request-id"],
    ]
    assert re.fullmatch(r"[0-9a-f]{32}", made.headers["x-request-id"])
    assert refused.json()["error"]["request_id"] == refused.headers["x-request-id"]
    assert "a" * 32 in upstream.asked[0].headers["traceparent"]


async def test_a_sane_host_is_answered(door: Door) -> None:
    for host in ("test", "localhost:8000", "127.0.0.1", "[::1]:8000", "A.test."):
        head = f"GET /version HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        assert (await door.raw(head.encode())).status == 200, host


NO_HOSTS = [
    [],
    ["Host:"],
    ["Host: a", "Host: a"],
    ["Host: a", "Host: b"],
    *(
        [f"Host: {host}"]
        for host in ("a/b", "a b", "user@a", "-a", "a:b", "a,b", "<script>", "a" * 300)
    ),
]


async def test_any_other_host_is_refused(door: Door) -> None:
    for lines in NO_HOSTS:
        head = "\r\n".join(["GET /version HTTP/1.1", *lines, "Connection: close", "", ""])
        answer = await door.raw(head.encode())
        assert (answer.status, answer.code) == (400, "INVALID_HOST"), lines


async def test_only_the_hosts_it_was_told_are_answered(open_door: OpenDoor) -> None:
    door = await open_door(allowed_hosts=("redress.example", "localhost"))

    async def status(host: str) -> int:
        head = f"GET /version HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        return (await door.raw(head.encode())).status

    assert [await status(host) for host in ("REDRESS.example:443", "localhost", "evil")] == [
        200,
        200,
        400,
    ]
