"""Socket.IO with python-socketio's own client, over both transports."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import socketio  # type: ignore[import-untyped]
from starlette.types import Scope
from websockets.asyncio.client import connect as ws_connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from libs.common.contracts.chat import MessageReceived, MessageSent
from libs.common.contracts.files import FileReady, FileRejected
from libs.common.contracts.grievance import GrievanceClassified, GrievanceStatusChanged
from libs.common.contracts.tasks import (
    TaskFailed,
    TaskFileProcessed,
    TaskQueued,
    TaskRetrying,
    TaskStarted,
    TaskSucceeded,
)
from libs.common.contracts.users import ApiKeyRevoked, SessionRevoked
from libs.common.errors import TooManyRequests
from libs.common.events import Envelope
from libs.common.principal import Role
from libs.common.testing.stage import until
from libs.common.tokens import Signer
from services.gateway.domain.rooms import Limits
from services.gateway.realtime import sockets
from services.gateway.realtime.lines import GOING_AWAY
from tests.service.gateway.realtime_host import (
    CASE,
    KEY,
    OTHER_CASE,
    SUMMARY,
    TALK,
    Hall,
    Heard,
    Replica,
    finish,
    hall_at,
    message_of,
    settled,
)

pytestmark = [
    pytest.mark.filterwarnings("ignore:Unclosed:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

TRANSPORTS = ["websocket", "polling"]
both = pytest.mark.parametrize("transport", TRANSPORTS)


@pytest.fixture
async def hall(tmp_path: Path) -> AsyncIterator[Hall]:
    async with hall_at(tmp_path) as opened:
        yield opened


@pytest.fixture
async def replica(hall: Hall) -> Replica:
    return await hall.replica()


def moved(grievance_id: str = CASE) -> GrievanceStatusChanged:
    return GrievanceStatusChanged(
        grievance_id=grievance_id, from_status="pending", to_status="acknowledged",
        action="acknowledge", level=1,
    )  # fmt: skip


async def refused(replica: Replica, token: Any, **more: Any) -> dict[str, Any]:
    """What a client is told that is not let in."""
    client = socketio.AsyncClient(reconnection=False)
    told: list[Any] = []
    client.on("connect_error", told.append)
    replica.stack.push_async_callback(finish, client)
    with pytest.raises(socketio.exceptions.ConnectionError):
        await client.connect(replica.url, auth=token, wait_timeout=5, **more)
    [found] = told
    return found if isinstance(found, dict) else {"message": found}


@both
async def test_a_client_hears_of_what_it_may_watch(
    hall: Hall, replica: Replica, transport: str
) -> None:
    """S1-08, S4-24; must show 2."""
    hall.played.lets("guest:1", CASE)
    client = await replica.connect(replica.token(), transport=transport)
    answer = await client.subscribe("grievance", CASE)
    await replica.hear(moved())
    await replica.hear(moved(OTHER_CASE))

    await settled(lambda: client.events)
    assert answer == {"status": "success", "data": {"kind": "grievance", "id": CASE}}
    [(event, data)] = client.events
    assert event == "grievance_status"
    assert data.pop("changed_at")
    assert data == {
        "grievance_id": CASE, "from": "pending", "to": "acknowledged", "action": "acknowledge",
        "level": 1,
    }  # fmt: skip


@both
async def test_nobody_connects_without_a_token_that_holds(
    hall: Hall, replica: Replica, transport: str
) -> None:
    """S1-08; must show 2: refused with 44 and a reason."""
    users = replica.users
    given = [
        (None, "UNAUTHENTICATED"),
        ({}, "UNAUTHENTICATED"),
        ({"token": ""}, "UNAUTHENTICATED"),
        ({"token": {"a": 1}}, "UNAUTHENTICATED"),
        ({"token": "nonsense"}, "INVALID_TOKEN"),
        ({"token": users.sign("guest:1", Role.GUEST, seconds=-1)}, "INVALID_TOKEN"),
        (
            {"token": users.sign("guest:1", Role.GUEST, audience="redress:stream")},
            "INVALID_TOKEN",
        ),
        ({"token": KEY}, "INVALID_API_KEY"),
    ]
    found = [await refused(replica, auth, transports=[transport]) for auth, _ in given]

    assert [each["data"]["code"] for each in found] == [code for _, code in given]
    assert len(replica.realtime) == 0


async def test_a_program_of_ours_is_no_client(hall: Hall, replica: Replica) -> None:
    token = Signer.at("chat", hall.keys).sign_to("gateway")

    found = await refused(replica, {"token": token}, transports=["websocket"])

    assert found["data"]["code"] in {"FORBIDDEN", "INVALID_TOKEN"}


@both
async def test_the_token_may_come_in_the_header_as_well(
    hall: Hall, replica: Replica, transport: str
) -> None:
    headers = {"Authorization": f"Bearer {replica.token()}"}
    hall.played.lets("guest:1", CASE)
    client = await replica.connect(None, transport=transport, headers=headers)

    assert (await client.subscribe("grievance", CASE))["status"] == "success"


async def test_an_api_key_connects_and_its_revocation_ends_that(
    hall: Hall, replica: Replica
) -> None:
    """Issue 3: revocation effective at once, also for what is held open."""
    hall.played.key_token = replica.token("key:k-1", Role.API_CLIENT)
    client = await replica.connect(KEY)
    await replica.hear(ApiKeyRevoked(key_id="k-1"))

    await client.left.wait()
    assert client.told("session_revoked") == [{"code": "SESSION_REVOKED"}]


async def test_what_is_held_open_ends_too_though_nothing_was_heard(
    hall: Hall, replica: Replica
) -> None:
    """The broadcast may be lost: what users lists ends sockets as well."""
    hall.played.lets("guest:1", CASE)
    gone = await replica.connect(replica.token(session="s-gone"))
    here = await replica.connect(replica.token(session="s-here"))

    await replica.realtime.end({"s-gone"})

    await gone.left.wait()
    assert gone.told("session_revoked") == [{"code": "SESSION_REVOKED"}]
    assert not here.left.is_set()


async def test_an_api_key_is_for_its_own_networks(hall: Hall, replica: Replica) -> None:
    hall.played.key_token = replica.token("key:k-1", Role.API_CLIENT)
    hall.played.networks = ("192.0.2.0/24",)
    found = await refused(replica, {"token": KEY}, transports=["websocket"])
    client = await replica.connect(replica.token("key:k-1", Role.API_CLIENT))
    later = await client.ask("authenticate", KEY)

    assert found["data"]["code"] == later["error"]["code"] == "ADDRESS_NOT_ALLOWED"


async def test_every_event_comes_with_the_payload_of_the_sources(
    hall: Hall, replica: Replica
) -> None:
    """S1-09, S1-10, design 4: what an event does not carry is fetched from its owner."""
    hall.played.lets("officer:1", CASE, TALK, "t-1", "f-1")
    client = await replica.connect(replica.token("officer:1", Role.GRC_MEMBER))
    watched = {"grievance": CASE, "conversation": TALK, "task": "t-1", "file": "f-1"}
    for kind, name in watched.items():
        assert (await client.subscribe(kind, name))["status"] == "success"
    task = {"task_id": "t-1", "task_name": "process_file"}
    events = [
        TaskQueued(lane="default", **task),
        TaskStarted(attempt=1, **task),
        TaskRetrying(attempt=1, reason="TIMEOUT", **task),
        TaskFailed(reason="TIMEOUT", **task),
        TaskSucceeded(**task),
        TaskFileProcessed(file_id="f-1", task_id="t-9", outcome="ready"),
        FileReady(file_id="f-1", grievance_id=OTHER_CASE),
        FileRejected(file_id="f-1", reason="NOT_AN_IMAGE"),
        GrievanceClassified(
            grievance_id=CASE, categories=["air_pollution"], classification_status="suggested"
        ),
        MessageReceived(conversation_id=TALK, message_id="m-1"),
        MessageSent(conversation_id=TALK, message_id="m-2"),
    ]
    for event in events:
        await replica.hear(event)

    await settled(lambda: len(client.events) == len(events))
    statuses = [(each["task_id"], each["status"]) for each in client.told("task_status")]
    own = [status for task_id, status in statuses if task_id == "t-1"]
    assert own == ["PENDING", "STARTED", "RETRY", "FAILURE", "SUCCESS"]
    [failed] = [each for each in client.told("task_status") if each["status"] == "FAILURE"]
    assert failed["result"] == {"error": "TIMEOUT"}
    [processed] = [each for each in client.told("task_status") if each["task_id"] == "t-9"]
    assert processed["result"] == {"file_id": "f-1", "outcome": "ready"}
    assert [each["status"] for each in client.told("file_status")] == ["ready", "rejected"]
    assert client.told("classification_complete") == [
        {
            "grievance_id": CASE,
            "categories": ["air_pollution"],
            "summary": SUMMARY,
            "classification_status": "suggested",
        }
    ]
    said = client.told("chat_message")
    assert [each["message"]["text"] for each in said] == ["text of m-1", "text of m-2"]


async def test_nothing_is_fetched_while_nobody_watches(hall: Hall, replica: Replica) -> None:
    await replica.hear(MessageSent(conversation_id=TALK, message_id="m-1"))
    hall.played.lets("guest:1", CASE)
    client = await replica.connect(replica.token())
    await client.subscribe("grievance", CASE)

    assert hall.played.asked == [f"/internal/watch/{CASE}"]


async def test_an_owner_that_is_away_costs_the_detail_and_not_the_push(
    hall: Hall, replica: Replica
) -> None:
    """A push is a hint: the client reads the message by its cursor."""
    hall.played.lets("guest:1", TALK)
    client = await replica.connect(replica.token())
    await client.subscribe("conversation", TALK)
    hall.played.is_away = True
    await replica.hear(MessageSent(conversation_id=TALK, message_id="m-1"))

    await settled(lambda: client.events)
    assert client.told("chat_message") == [{"conversation_id": TALK, "message": {"id": "m-1"}}]


async def test_an_event_that_is_delivered_three_times_is_told_once(
    hall: Hall, replica: Replica
) -> None:
    """Reliability row 9."""
    hall.played.lets("guest:1", CASE)
    client = await replica.connect(replica.token())
    await client.subscribe("grievance", CASE)
    first, second = (Envelope.of(moved(), source="grievance") for _ in range(2))
    for envelope in (first, first, first, second):
        await replica.realtime.hear(message_of(envelope))
    await replica.realtime.hear(message_of(first))
    await replica.hear(
        GrievanceClassified(grievance_id=CASE, categories=[], classification_status="skipped")
    )

    await settled(lambda: client.told("classification_complete"))
    assert len(client.told("grievance_status")) == 2


async def test_what_is_restricted_is_told_to_nobody(hall: Hall, replica: Replica) -> None:
    """Design 3: events of SEAH cases never go into pushes, also if one came here."""
    hall.played.lets("guest:1", CASE)
    client = await replica.connect(replica.token())
    await client.subscribe("grievance", CASE)
    await replica.hear(moved(), restricted=True)
    await replica.hear(
        GrievanceClassified(grievance_id=CASE, categories=[], classification_status="skipped")
    )

    await settled(lambda: client.events)
    assert [event for event, _ in client.events] == ["classification_complete"]


@both
async def test_whoever_unsubscribes_hears_no_more(
    hall: Hall, replica: Replica, transport: str
) -> None:
    hall.played.lets("guest:1", CASE, OTHER_CASE)
    client = await replica.connect(replica.token(), transport=transport)
    for case in (CASE, OTHER_CASE):
        await client.ask("subscribe", {"kind": "grievance", "id": case})
    answer = await client.ask("unsubscribe", "grievance", CASE)
    for case in (CASE, OTHER_CASE):
        await replica.hear(moved(case))

    await settled(lambda: client.events)
    assert answer["data"] == {"kind": "grievance", "id": CASE, "was_in": True}
    assert [data["grievance_id"] for _, data in client.events] == [OTHER_CASE]


# Security row 38: three ways into another's room, no event through any of them.


@both
async def test_first_way_subscribing_to_what_is_somebody_elses(
    hall: Hall, replica: Replica, transport: str
) -> None:
    hall.played.lets("guest:1", CASE, TALK)
    hall.played.lets("guest:2", OTHER_CASE)
    thief = await replica.connect(replica.token("guest:2"), transport=transport)
    answers = [
        await thief.subscribe("grievance", CASE),
        await thief.subscribe("conversation", TALK),
        await thief.subscribe("task", "t-1"),
        await thief.ask("typing", TALK),
    ]
    await thief.subscribe("grievance", OTHER_CASE)
    await _all_happens(replica, thief)

    assert {answer["error"]["code"] for answer in answers} == {"NOT_FOUND"}
    assert _leaked(thief) == []


GARBAGE: list[tuple[Any, ...]] = [
    (), (None,), ("grievance",), ("grievance", None), ("grievance", [CASE]), ("grievance", {}),
    ({"kind": "grievance"},), ({"kind": ["grievance"], "id": CASE},), ([["grievance", CASE]],),
    ("grievance", f"{CASE}/../{OTHER_CASE}"), ("grievance", ".."), ("grievance", ""),
    ("grievance", "*"), ("grievance", "a" * 51), ("GRIEVANCE", CASE), ("user", "1"), ("", CASE),
    ("grievance", f"{CASE}\x00"), ("grievance", 1), (1, 2), (b"grievance", CASE.encode()),
    (f"grievance:{CASE}",), ({"kind": {"$ne": None}, "id": {"$ne": None}},), ("grievance", "%2e"),
    ("__class__", "x"), ("grievance", "\u0967"), ("grievance", f"{CASE}\n"),
]  # fmt: skip


@both
async def test_second_way_tricks_with_rooms_and_namespaces(
    hall: Hall, replica: Replica, transport: str
) -> None:
    """Every call is answered, none crashes, and none opens a room."""
    hall.played.lets("guest:1", CASE)
    hall.played.lets("guest:2", OTHER_CASE)
    owner = await replica.connect(replica.token("guest:1"))
    await owner.subscribe("grievance", CASE)
    thief = await replica.connect(replica.token("guest:2"), transport=transport)
    unknown = [
        await thief.ask(event, *given)
        for event, given in {
            "join": (f"grievance:{CASE}",),
            "enter_room": ("grievance", CASE),
            "room": (CASE,),
            "*": ("subscribe", CASE),
            "message": ("hello",),
            "": (),
        }.items()
    ]
    invalid = [await thief.ask("subscribe", *given) for given in GARBAGE]
    environ: dict[str, Any] = {"asgi.scope": {"headers": []}}
    forged = environ, {"token": replica.token("guest:1")}
    await thief.client.emit("connect", forged)
    await thief.client.emit("disconnect", "x")
    await thief.subscribe("grievance", OTHER_CASE)
    await _all_happens(replica, thief)

    assert {answer["error"]["code"] for answer in unknown} == {"UNKNOWN_EVENT"}
    assert {answer["error"]["code"] for answer in invalid} == {"VALIDATION_ERROR"}
    assert _leaked(thief) == []
    assert len(owner.told("grievance_status")) == 1
    for namespace in ("/admin", f"/grievance:{CASE}", "/socket.io"):
        client = socketio.AsyncClient(reconnection=False)
        replica.stack.push_async_callback(finish, client)
        with pytest.raises(socketio.exceptions.ConnectionError):
            await client.connect(
                replica.url, auth={"token": replica.token("guest:2")}, namespaces=[namespace]
            )


async def test_third_way_the_session_of_somebody_else(hall: Hall, replica: Replica) -> None:
    """An old session, and a living one that leaked, shown with the thief's own token."""
    hall.played.lets("guest:1", CASE)
    owner = await replica.connect(replica.token("guest:1"), transport="polling")
    await owner.subscribe("grievance", CASE)
    living, public = owner.client.eio.sid, owner.client.sid
    old = await replica.connect(replica.token("guest:1"), transport="polling")
    ended = old.client.eio.sid
    await old.client.disconnect()
    path = "/socket.io/?EIO=4&transport=polling&sid="
    async with replica.http(replica.token("guest:2")) as thief:
        answers = [await thief.get(path + sid) for sid in (living, public, ended, "x" * 20)]
        answers += [await thief.post(path + sid, content="40") for sid in (living, public, ended)]
        say = f'42["unsubscribe","grievance","{CASE}"]'
        answers.append(await thief.post(path + living, content=say))
    await replica.hear(moved())

    assert {answer.status_code for answer in answers} == {400}
    assert {answer.json()["error"]["code"] for answer in answers} == {"SESSION_UNKNOWN"}
    await settled(lambda: owner.told("grievance_status"))


async def test_a_session_that_two_poll_is_ended_for_both(hall: Hall, replica: Replica) -> None:
    """Engine.IO: one poll at a time. Whoever stole a session gets nothing with it."""
    hall.played.lets("guest:1", CASE)
    owner = await replica.connect(replica.token("guest:1"), transport="polling")
    await owner.subscribe("grievance", CASE)
    session = owner.client.eio.sid
    async with replica.http() as thief:
        answer = await thief.get(f"/socket.io/?EIO=4&transport=polling&sid={session}")
        await owner.left.wait()
        await replica.hear(moved())
        again = await thief.get(f"/socket.io/?EIO=4&transport=polling&sid={session}")

    assert (answer.status_code, again.status_code) == (400, 400)
    assert CASE not in answer.text + again.text
    assert len(replica.realtime) == 0


async def _all_happens(replica: Replica, listener: Heard) -> None:
    """Events in the owner's rooms, and then one that the listener may hear."""
    await replica.hear(moved())
    await replica.hear(MessageSent(conversation_id=TALK, message_id="m-1"))
    await replica.hear(TaskSucceeded(task_id="t-1", task_name="x"))
    await replica.hear(moved(OTHER_CASE))
    await settled(lambda: listener.told("grievance_status"))


def _leaked(listener: Heard) -> list[Any]:
    return [data for _, data in listener.events if data.get("grievance_id") != OTHER_CASE]


# Origins, sizes, and how much one client may hold.

EVIL = ["https://evil.example", "null", "http://127.0.0.1.evil.example", "http://127.0.0.1:1"]


@pytest.mark.parametrize("origin", EVIL)
async def test_pages_of_other_origins_do_not_connect(hall: Hall, origin: str) -> None:
    """Security row 37."""
    replica = await hall.replica(origins=("https://widget.example",))
    async with replica.http(Origin=origin) as page:
        polled = await page.get("/socket.io/?EIO=4&transport=polling")
        asked = await page.options("/socket.io/?EIO=4&transport=polling")
    found = await refused(
        replica, {"token": replica.token()}, transports=["websocket"], headers={"Origin": origin}
    )

    assert (polled.status_code, asked.status_code) == (403, 403)
    assert polled.json()["error"]["code"] == "ORIGIN_NOT_ALLOWED"
    assert "access-control-allow-origin" not in polled.headers
    assert found
    assert len(replica.realtime) == 0


async def test_pages_of_this_host_and_of_named_origins_connect(hall: Hall) -> None:
    replica = await hall.replica(origins=("https://widget.example",))
    for origin in (replica.url, "https://widget.example"):
        await replica.connect(replica.token(), headers={"Origin": origin})
        async with replica.http(Origin=origin) as page:
            answer = await page.get("/socket.io/?EIO=4&transport=polling")
            asked = await page.options("/socket.io/?EIO=4&transport=polling")
        named = origin if origin == "https://widget.example" else None

        assert (answer.status_code, asked.status_code) == (200, 204)
        assert answer.headers.get("access-control-allow-origin") == named
        assert asked.headers.get("access-control-allow-origin") == named
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"


@both
async def test_whoever_connects_anew_passes_the_gate(hall: Hall, transport: str) -> None:
    """What the door asks of everybody (host, network, how often) it asks here as well."""
    asked: list[str] = []

    async def gate(scope: Scope) -> None:
        asked.append(scope["type"])
        if len(asked) > 1:
            raise TooManyRequests("Slow down.")

    replica = await hall.replica(gate=gate)
    hall.played.lets("guest:1", CASE)
    client = await replica.connect(replica.token(), transport=transport)
    for _ in range(3):
        assert (await client.subscribe("grievance", CASE))["status"] == "success"

    assert len(asked) == 1
    assert await refused(replica, {"token": replica.token()}, transports=[transport])


async def test_one_caller_holds_so_many_sockets_and_no_more(hall: Hall) -> None:
    replica = await hall.replica(limits=Limits(per_principal=2))
    token = replica.token()
    held = [await replica.connect(token) for _ in range(2)]

    found = await refused(replica, {"token": token}, transports=["websocket"])
    assert found["data"]["code"] == "TOO_MANY_CONNECTIONS"
    await replica.connect(replica.token("guest:2"))
    await held[0].client.disconnect()
    await until(lambda: len(replica.realtime) == 2)
    await replica.connect(token)


async def test_one_socket_watches_so_much_and_no_more(hall: Hall) -> None:
    replica = await hall.replica(limits=Limits(rooms=2))
    hall.played.lets("guest:1", "a", "b", "c")
    client = await replica.connect(replica.token())
    answers = [await client.subscribe("grievance", name) for name in "abca"]

    assert [answer["status"] for answer in answers] == ["success", "success", "error", "success"]
    assert answers[2]["error"]["code"] == "TOO_MANY_SUBSCRIPTIONS"


async def test_a_client_that_calls_too_often_is_told_to_slow_down(hall: Hall) -> None:
    replica = await hall.replica(limits=Limits(calls=5))
    client = await replica.connect(replica.token())
    answers = [await client.subscribe("grievance", CASE) for _ in range(8)]

    assert answers[-1]["error"]["code"] == "RATE_LIMITED"
    assert len(hall.played.asked) <= 6


@both
async def test_there_is_room_for_so_many_and_no_more(hall: Hall, transport: str) -> None:
    replica = await hall.replica(limits=Limits(in_all=1))
    await replica.connect(replica.token())
    async with replica.http() as client:
        answer = await client.get("/socket.io/?EIO=4&transport=polling")

    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "GATEWAY_LEAVING")
    assert await refused(replica, {"token": replica.token("guest:2")}, transports=[transport])


async def test_what_is_too_large_is_not_read(hall: Hall) -> None:
    replica = await hall.replica(limits=Limits(payload=1000))

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(50):
            yield b"x" * 100

    async with replica.session(replica.token()) as session:
        statuses = [await session.post("x" * 1001)]
        try:
            answer = await session.http.post(session.path, content=endless())
            statuses.append(answer.status_code)
        except httpx2.ReadError:
            pass  # it was answered, and closed, before all of it was sent
    loud = await replica.connect(replica.token())
    await loud.client.emit("subscribe", ("grievance", "x" * 2000))

    assert set(statuses) == {413}
    await loud.left.wait()


async def test_garbage_on_the_wire_does_no_harm(hall: Hall, replica: Replica) -> None:
    hall.played.lets("guest:1", CASE)
    client = await replica.connect(replica.token())
    await client.subscribe("grievance", CASE)
    packets = [
        "", "4", "42", "42[", "42{}", "42[]", "42[{}]", '42[["a"]]', "42" + "[" * 20_000, "4x",
        "49", '451-["a",{"_placeholder":true,"num":0}]', '4599-["a"]', "44", '43999["a"]', "6",
        "2probe", "\u001e" * 30, "42/admin,[1]", '42["connect"]', '42["disconnect"]', "9", "b!!!",
        '42[null,"a"]', "427[5]", "40", "41", '40/x,{"token":1}', "1",
    ]  # fmt: skip
    statuses = []
    for packet in packets:
        async with replica.session(replica.token("guest:2")) as session:
            statuses.append(await session.post(packet))
            statuses.append(await session.post("1"))
    await replica.hear(moved())

    assert max(statuses) < 500
    await settled(lambda: client.told("grievance_status"))
    await until(lambda: len(replica.realtime) == 1)


async def test_the_poll_of_who_said_goodbye_is_let_go(hall: Hall, replica: Replica) -> None:
    """Else it would hold a connection for 45 seconds, and a door that closes."""
    async with replica.session(replica.token()) as session:
        polling = asyncio.ensure_future(session.poll())
        await until(lambda: replica.realtime._front._polling)
        await session.post("1")
        async with asyncio.timeout(2):
            await polling

    assert len(replica.realtime) == 0


# How long one may listen.


async def test_a_socket_ends_when_its_token_does(hall: Hall, replica: Replica) -> None:
    client = await replica.connect(replica.token(seconds=4))

    await client.left.wait()
    assert client.told("session_expired") == [{"code": "SESSION_EXPIRED"}]
    assert len(replica.realtime) == 0


async def test_a_new_token_in_time_keeps_it_open(hall: Hall, replica: Replica) -> None:
    hall.played.lets("guest:1", CASE)
    client = await replica.connect(replica.token(seconds=5))
    await client.subscribe("grievance", CASE)
    other = await client.ask("authenticate", replica.token("guest:2"))
    garbage = await client.ask("authenticate", {"token": ["x"]})
    answer = await client.ask("authenticate", {"token": replica.token(seconds=3600)})
    short = await replica.connect(replica.token(seconds=5))

    await short.left.wait()  # by then the first token has ended as well
    await replica.hear(moved())
    await settled(lambda: client.told("grievance_status"))
    assert other["error"]["code"] == "FORBIDDEN"
    assert garbage["error"]["code"] == "UNAUTHENTICATED"
    assert answer["status"] == "success"


@both
async def test_a_session_that_is_revoked_leaves(
    hall: Hall, replica: Replica, transport: str
) -> None:
    """Issue 3: `session.revoked` leaves; nobody else does."""
    gone = [await replica.connect(replica.token("guest:1"), transport=transport) for _ in range(2)]
    stays = await replica.connect(replica.token("guest:2"), transport=transport)
    await replica.hear(SessionRevoked(principal_id="guest:1", session_id="s-1"))

    for client in gone:
        await client.left.wait()
        assert client.told("session_revoked") == [{"code": "SESSION_REVOKED"}]
    hall.played.lets("guest:2", CASE)
    assert (await stays.subscribe("grievance", CASE))["status"] == "success"
    assert len(replica.realtime) == 1


# Slow clients, and leaving.


async def test_a_client_that_does_not_read_is_cut_off_and_holds_up_nobody(hall: Hall) -> None:
    """Issue 3: pushes to a slow client never block others."""
    replica = await hall.replica(limits=Limits(backlog=20))
    hall.played.lets("guest:1", CASE)
    quick = await replica.connect(replica.token())
    await quick.subscribe("grievance", CASE)
    async with replica.session(replica.token()) as slow:
        await slow.post(f'420["subscribe","grievance","{CASE}"]')
        for number in range(200):
            await replica.hear(moved())
            await until(lambda: len(quick.events) == number + 1)  # noqa: B023 - at once

    await until(lambda: len(replica.realtime) == 1)


async def test_a_websocket_that_does_not_read_is_cut_off_and_holds_up_nobody(hall: Hall) -> None:
    """The bytes that wait for it are bounded, whatever its line is doing."""
    replica = await hall.replica(limits=Limits(backlog=20))
    hall.played.more_text = "x" * 200_000
    hall.played.lets("guest:1", TALK)
    quick = await replica.connect(replica.token())
    await quick.subscribe("conversation", TALK)
    url = f"ws://127.0.0.1:{replica.port}/socket.io/?EIO=4&transport=websocket"
    slow = await ws_connect(url, max_queue=1, compression=None, proxy=None)
    await slow.recv()
    await slow.send("40" + json.dumps({"token": replica.token()}))
    await slow.recv()
    await slow.send(f'420["subscribe","conversation","{TALK}"]')
    await slow.recv()
    count = 0

    async def is_cut() -> bool:
        nonlocal count
        count += 1
        await replica.hear(MessageSent(conversation_id=TALK, message_id=f"m-{count}"))
        await until(lambda: len(quick.told("chat_message")) == count)
        return len(replica.realtime) == 1

    await until(is_cut, seconds=20)
    slow.transport.abort()


async def test_who_does_not_say_who_they_are_is_shown_out(
    hall: Hall, replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A transport costs memory, also one over which nobody ever connects."""
    monkeypatch.setattr(sockets, "CONNECT_SECONDS", 0.1)
    url = f"ws://127.0.0.1:{replica.port}/socket.io/?EIO=4&transport=websocket"
    async with ws_connect(url, proxy=None) as silent, replica.http() as http:
        opened = await http.get("/socket.io/?EIO=4&transport=polling")
        session = json.loads(opened.text[1:])["sid"]
        await silent.recv()
        with pytest.raises(ConnectionClosed):
            await silent.recv()
        answer = await http.get(f"/socket.io/?EIO=4&transport=polling&sid={session}")

    assert silent.close_code == GOING_AWAY
    assert answer.status_code in {200, 400}
    assert "40" not in answer.text.partition("{")[0] or answer.status_code == 400


@both
async def test_a_session_is_not_taken_over_by_another_line(
    hall: Hall, replica: Replica, transport: str
) -> None:
    """An upgrade with somebody else's session and one's own token; and of one that is upgraded."""
    hall.played.lets("guest:1", CASE)
    owner = await replica.connect(replica.token("guest:1"), transport=transport)
    await owner.subscribe("grievance", CASE)
    session = owner.client.eio.sid
    url = f"ws://127.0.0.1:{replica.port}/socket.io/?EIO=4&transport=websocket&sid={session}"
    mine = {"Authorization": f"Bearer {replica.token('guest:2')}"}
    headers = [mine] if transport == "polling" else [mine, {}]
    for given in headers:
        with pytest.raises(InvalidStatus) as refusal:
            await ws_connect(url, proxy=None, additional_headers=given)
        assert refusal.value.response.status_code == 400
    await replica.hear(moved())

    await settled(lambda: owner.told("grievance_status"))


@both
async def test_whoever_is_told_to_reconnect_does(hall: Hall, transport: str) -> None:
    """Reliability row 33: 1012 to WebSockets, CLOSE to polls, all within two seconds."""
    replica = await hall.replica()
    client = await replica.connect(replica.token(), transport=transport, again=True)
    lost = asyncio.Event()
    client.client.on("disconnect", lambda *_: lost.set())
    async with asyncio.timeout(2):
        await replica.realtime.close()
        await lost.wait()
    async with replica.http() as http:
        answer = await http.get("/socket.io/?EIO=4&transport=polling")

    assert answer.status_code == 503
    assert client.client.reconnection
    assert len(replica.realtime) == 0
