"""The event feed: five logs read as one, by one cursor (design 4; issue 3)."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from libs.common.clock import monotonic, utc_now
from libs.common.contracts.grievance import GrievanceNoteAdded
from libs.common.events import Envelope
from libs.common.messaging.log import SCAN
from libs.common.principal import Role, Scope
from libs.common.testing.stage import until
from services.gateway.clients import logs
from services.gateway.domain import asyncapi, feeding
from services.gateway.domain.catalogue import topics
from services.gateway.domain.feeding import LOGS, FeedCursor
from tests.service.gateway.feeds import (
    EVENTS,
    GROUND,
    House,
    Slept,
    Walked,
    make_log,
    open_house,
    steps,
)

house = pytest.fixture(open_house)


@pytest.fixture(scope="session")
def empty_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_log(tmp_path_factory.mktemp("logs") / "empty.db")


async def test_the_logs_of_all_services_are_one_feed_by_time(house: House) -> None:
    """Guarantee 8: every business fact is an event; consumers replay from the beginning."""
    for step, name in enumerate(LOGS * 2):
        await house[name].walk(step)

    page = await house.page()
    assert steps(page["items"]) == list(range(10))
    assert page["incomplete"] == []
    first = Envelope.model_validate(page["items"][0])
    assert (first.source, first.type, first.subject) == (
        "/services/users",
        "yeti.walked.v1",
        "Namche",
    )


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 1000])
async def test_pages_of_any_size_tell_everything_once_and_in_order(
    house: House, limit: int
) -> None:
    for step, name in enumerate(("grievance", "files", "grievance", "tasks", "grievance") * 3):
        await house[name].walk(step)

    assert steps(await house.everything(limit=limit)) == list(range(15))


async def test_a_cursor_is_always_answered_and_goes_on_where_it_stood(house: House) -> None:
    empty = await house.page()
    assert empty["items"] == []
    await house["chat"].walk(1)
    first = await house.page(after=empty["next_cursor"])
    nothing = await house.page(after=first["next_cursor"])
    await house["users"].walk(2)
    second = await house.page(after=nothing["next_cursor"])

    assert (steps(first["items"]), steps(second["items"])) == ([1], [2])
    assert nothing == {"items": [], "next_cursor": first["next_cursor"], "incomplete": []}


async def test_an_events_order_in_its_log_is_kept_whatever_its_time_says(house: House) -> None:
    """Issue 3, 7: order per aggregate, also when a clock went backwards in between."""
    now = utc_now()
    for step, seconds in ((0, -10), (1, -5), (2, -60), (3, -1)):
        at = now + timedelta(seconds=seconds)
        fact = Envelope.of(Walked(place="Namche", step=step), source="grievance")
        async with house["grievance"].uow.begin() as tx:
            tx.insert(
                GROUND.outbox,
                event_id=fact.id,
                topic=fact.type,
                subject=fact.subject,
                restricted=False,
                envelope=fact.model_copy(update={"time": at}).to_bytes().decode(),
                created_at=at,
            )
    await house["grievance"].say()
    for limit in (1, 3, 100):
        assert steps(await house.everything(limit=limit)) == [0, 1, 2, 3]


async def test_what_was_said_after_the_reading_began_is_left_for_the_next_page(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An effect in one log is not read before its cause in another, read a little sooner."""
    began = utc_now()
    await house["tasks"].walk(2)
    with monkeypatch.context() as patch:
        patch.setattr(feeding, "utc_now", lambda: began)
        early = await house.page()
    assert early["items"] == []

    assert steps((await house.page(after=early["next_cursor"]))["items"]) == [2]


async def test_a_clock_far_ahead_holds_nothing_back(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house["tasks"].walk(1)
    monkeypatch.setattr(feeding, "utc_now", lambda: utc_now() - timedelta(hours=1))

    assert steps((await house.page())["items"]) == [1]


async def test_while_one_service_is_away_the_others_are_read_and_nothing_is_skipped(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Issue 3: the cursor stands still for the missing one, and the answer says so."""
    monkeypatch.setattr(logs, "AWAY_SECONDS", 0.0)
    for step, name in enumerate(LOGS * 2):
        await house[name].walk(step)
    house["files"].is_away = True
    page = await house.page()
    assert steps(page["items"]) == [0, 1, 3, 4, 5, 6, 8, 9]
    assert page["incomplete"] == ["files"]

    house["files"].is_away = False
    later = await house.page(after=page["next_cursor"])
    assert (steps(later["items"]), later["incomplete"]) == ([2, 7], [])


async def test_who_did_not_answer_is_left_alone_for_a_moment(house: House) -> None:
    """Replaying goes on at full speed while one service is away."""
    house["files"].is_away = True
    await house["users"].walk(*range(9))
    asked: list[int] = []
    cursor = None
    for _ in range(3):
        page = await house.page(limit=3, **({"after": cursor} if cursor else {}))
        cursor = page["next_cursor"]
        asked.append(house["files"].asked)

    assert asked[0] == asked[1] == asked[2]
    assert page["incomplete"] == ["files"]


async def test_a_frozen_service_costs_three_seconds_and_not_the_answer(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guarantee 3: a total deadline on every await; here it is shortened to be seen quickly."""
    monkeypatch.setattr("libs.common.web.feed.READ_SECONDS", 1.5)
    await house["users"].walk(1)
    house["chat"].hangs = True
    async with asyncio.timeout(30):
        page = await house.page()

    assert (steps(page["items"]), page["incomplete"]) == ([1], ["chat"])


async def test_when_no_service_answers_the_feed_says_so(house: House) -> None:
    for teller in house.tellers.values():
        teller.is_away = True
    answer = await house.client().get(EVENTS)

    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "UPSTREAM_UNAVAILABLE")


async def test_restricted_events_are_in_no_feed(house: House) -> None:
    """Design 3: events of SEAH cases never come into feeds."""
    await house["grievance"].walk(1)
    await house["grievance"].say(Walked(place="seah", step=2), restricted=True)
    await house["grievance"].walk(3)

    assert steps(await house.everything()) == [1, 3]
    assert await house.everything(subject="seah") == []


async def test_it_is_filtered_by_type_prefix_and_subject(house: House) -> None:
    await house["users"].say(Walked(place="Ilam", step=1), Slept(place="Ilam", step=2))
    await house["chat"].say(Walked(place="Jumla", step=3))
    await house["grievance"].say(GrievanceNoteAdded(grievance_id="G", note_id="n", by="user:1"))

    async def found(**query: Any) -> list[int]:
        return steps((await house.page(**query))["items"])

    assert await found(type="yeti.*") == [1, 2, 3]
    assert await found(type="yeti.slept.v1") == [2]
    assert await found(type=["yeti.slept.v1", "yeti.walked.v1"], subject="Ilam") == [1, 2]
    assert await found(subject="Jumla") == [3]
    assert await found(type="task.*") == []
    [note] = (await house.page(type="grievance.*"))["items"]
    assert note["data"] == {"grievance_id": "G", "note_id": "n", "by": "user:1"}


async def test_a_rare_subject_in_a_long_log_is_found_in_one_call(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("libs.common.messaging.log.SCAN", 5)
    await house["grievance"].walk(*range(23))
    await house["grievance"].walk(99, place="Dolpa")

    page = await house.page(subject="Dolpa")
    assert steps(page["items"]) == [99]
    assert SCAN > 5


async def test_a_log_still_searched_holds_back_what_is_younger_elsewhere(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("libs.common.messaging.log.SCAN", 2)
    await house["grievance"].walk(*range(8))
    await house["grievance"].walk(8, place="Dolpa")
    await house["tasks"].walk(9, place="Dolpa")

    assert steps(await house.everything(subject="Dolpa", limit=1)) == [8, 9]


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=1001",
        "type=Grievance.*",
        "type=*",
        "type=grievance.**",
        "type=a%25",
        "subject=",
        "wait=31",
        "wait=nan",
        "before=x",
        "&".join(["type=a.b"] * 21),
        f"after={'A' * 101}",
    ],
)
async def test_nonsense_is_refused(house: House, query: str) -> None:
    answer = await house.client().get(f"{EVENTS}?{query}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "VALIDATION_ERROR")


def test_a_cursor_is_compact_and_means_the_same_for_ever() -> None:
    """Clients keep cursors for years: this one was given by version 1."""
    assert str(FeedCursor((1, 300, 0, 2**40, 7))) == GIVEN
    assert FeedCursor.parse(GIVEN).after == {
        "users": 1,
        "grievance": 300,
        "files": 0,
        "tasks": 2**40,
        "chat": 7,
    }
    assert len(str(FeedCursor())) == 11
    assert len(str(FeedCursor((2**63 - 1,) * 5))) <= feeding.MAX_CURSOR
    assert FeedCursor.parse(str(FeedCursor((2**63 - 1,) * 5))).positions[4] == 2**63 - 1


GIVEN = "AQGsAgCAgICAgCAHxRs"


@pytest.mark.parametrize(
    "cursor",
    [
        *("", "x", "====", "AAAA", "é", "a b", "../..", "%00", "1", "null", "-1"),
        GIVEN + "=",
        GIVEN + "A",
        GIVEN[:-1],
        GIVEN.swapcase(),
        GIVEN[:3] + "B" + GIVEN[4:],
        str(FeedCursor((2**63, 0, 0, 0, 0))),
        str(FeedCursor((1, 2, 3, 4))),
        str(FeedCursor((1, 2, 3, 4, 5, 6))),
        "AgGsAgCAgICAgCAHxRs",
    ],
)
async def test_a_cursor_of_somebody_elses_making_is_refused(house: House, cursor: str) -> None:
    answer = await house.client().get(EVENTS, params={"after": cursor})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "INVALID_CURSOR")


async def test_a_log_that_was_set_back_is_said_and_not_skipped(house: House) -> None:
    await house["files"].walk(1)
    cursor = FeedCursor.of({**FeedCursor().after, "files": 5})
    answer = await house.client().get(EVENTS, params={"after": str(cursor)})

    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (409, "CURSOR_AHEAD_OF_LOG")
    assert error["details"] == {"service": "files", "last": 1}


async def test_keys_with_the_scope_and_administrators_may_read(house: House) -> None:
    """Issue 3: for API keys with the scope."""
    allowed = [house.client(), *(house.client(role) for role in (Role.SUPER_ADMIN,))]
    refused = [
        house.client(Role.API_CLIENT, "grievances:read"),
        house.client(Role.API_CLIENT, "events:reader"),
        *(house.client(role) for role in (Role.GUEST, Role.CITIZEN, Role.INTAKE_OFFICER)),
        house.client(Role.AUDITOR),
    ]
    assert [(await one.get(EVENTS)).status_code for one in allowed] == [200, 200]
    assert [(await one.get(EVENTS)).status_code for one in refused] == [403] * len(refused)
    assert (await house.client(None).get(EVENTS)).status_code == 401


async def test_who_was_given_a_part_does_not_read_of_all(house: House) -> None:
    """The feed knows no scope."""
    sign = house.signers["users"].sign

    async def status(scope: Scope) -> int:
        token = sign("user:1", Role.COUNTRY_ADMIN, scope=scope)
        headers = {"Authorization": f"Bearer {token}"}
        return (await house.client(None).get(EVENTS, headers=headers)).status_code

    assert await status(Scope()) == 200
    for part in (Scope(("road",)), Scope(places=("Koshi",)), Scope(organisations=("Office",))):
        assert await status(part) == 403


async def test_whoever_waits_is_answered_when_something_happens(house: House) -> None:
    start = (await house.page())["next_cursor"]
    waiting = asyncio.create_task(house.page(after=start, wait=20))
    await until(lambda: house["chat"].asked >= 2)
    await house["chat"].walk(1)
    began = monotonic()
    house.news.heard()

    assert steps((await waiting)["items"]) == [1]
    assert monotonic() - began < feeding.LOOK_SECONDS


async def test_what_nobody_announced_is_found_while_waiting(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bus may be away: its copies only wake, the logs are what is read."""
    monkeypatch.setattr(feeding, "LOOK_SECONDS", 0.02)
    start = (await house.page())["next_cursor"]
    waiting = asyncio.create_task(house.page(after=start, wait=20))
    await until(lambda: house["chat"].asked >= 2)
    await house["chat"].walk(1)

    assert steps((await waiting)["items"]) == [1]


async def test_waiting_ends_by_itself_and_when_the_gateway_leaves(house: House) -> None:
    start = (await house.page())["next_cursor"]
    nothing = {"items": [], "next_cursor": start, "incomplete": []}
    assert await house.page(after=start, wait=0.05) == nothing
    waiting = asyncio.create_task(house.page(after=start, wait=30))
    await until(lambda: house["chat"].asked >= 4)
    house.news.end()
    async with asyncio.timeout(2):
        assert await waiting == nothing


async def test_every_topic_and_its_schema_is_public(house: House) -> None:
    """Guarantee 8: every business fact is an event with a JSON Schema."""
    anybody = house.client(None)
    listed = (await anybody.get(f"{EVENTS}/schemas")).json()["data"]["items"]
    assert [each["topic"] for each in listed] == list(topics())
    for each in listed:
        assert each["description"].endswith(".")
        one = (await anybody.get(f"{EVENTS}/schemas/{each['topic']}")).json()["data"]
        assert one == each
        kind = topics()[each["topic"]]
        assert one["json_schema"] == kind.model_json_schema(by_alias=True, mode="serialization")
    missing = await anybody.get(f"{EVENTS}/schemas/grievance.sung.v1")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "NOT_FOUND")


async def test_the_asyncapi_document_is_served(house: House) -> None:
    answer = await house.client(None).get("/asyncapi.json")
    assert answer.json() == asyncapi.document()


async def test_a_log_is_for_our_own_programs_and_restricted_events_not_for_the_gateway(
    house: House,
) -> None:
    """Design 3: inner routes are for services; SEAH never leaves."""
    await house["grievance"].say(Walked(place="seah"), restricted=True)

    async def ask(token: str, query: str = "") -> httpx2.Response:
        async with httpx2.AsyncClient(
            transport=httpx2.ASGITransport(house["grievance"].app), base_url="http://grievance"
        ) as client:
            given = {"Authorization": f"Bearer {token}"}
            return await client.get(f"/internal/events?{query}", headers=given)

    people = [
        house.signers["users"].sign("user:1", role) for role in (Role.SUPER_ADMIN, Role.GUEST)
    ]
    assert [(await ask(token)).status_code for token in people] == [403, 403]
    gateway, chat = (house.signers[name].sign_to("grievance") for name in ("gateway", "chat"))
    assert (await ask(gateway)).content == b"[1,false]\n"
    assert (await ask(gateway, "restricted=true")).status_code == 403
    assert b"seah" in (await ask(chat, "restricted=true")).content
    assert (await ask(chat, f"after={2**63}")).status_code == 422
    assert (await ask(chat, "limit=1001")).status_code == 422
