"""Who hears what, as a rule: rooms, and how much one may hold."""

import pytest

from libs.common.errors import Invalid, NotFound
from libs.common.principal import Principal, Role
from services.gateway.domain.rooms import (
    OWNERS,
    Bucket,
    Grant,
    Kind,
    Limits,
    Listener,
    Push,
    Room,
    Rooms,
    TooManyConnections,
    TooManyRooms,
)

CASE, OTHER = Room(Kind.GRIEVANCE, "a"), Room(Kind.GRIEVANCE, "b")


class Ear(Listener):
    """A listener that remembers."""

    def __init__(self, who: str = "guest:1", session: str | None = None) -> None:
        super().__init__(Grant(Principal(who, Role.GUEST), "token", 0.0, session))
        self.heard: list[Push] = []

    async def offer(self, push: Push) -> None:
        self.heard.append(push)

    async def dismiss(self, push: Push) -> None:
        self.heard.append(push)


@pytest.fixture
def rooms() -> Rooms:
    return Rooms(Limits(rooms=2, per_principal=2))


def test_every_kind_has_an_owner() -> None:
    assert OWNERS.keys() == set(Kind)


@pytest.mark.parametrize("text", ["grievance:GRV-2026-7K3MQX-4", "task:a", "file:a.b_c-9"])
def test_a_room_is_a_kind_and_an_id(text: str) -> None:
    room = Room.parse(text)

    assert f"{room.kind}:{room.id}" == text


@pytest.mark.parametrize(
    "text",
    ["", ":", "task", "task:", "task:.", "task:..", "task:-a", "task:a/b", "task:a b", "user:1",
     "Task:a", "task:" + "a" * 51, "task:a\n", "task:१", "task:a:b"],
)  # fmt: skip
def test_nothing_else_is_a_room(text: str) -> None:
    with pytest.raises(Invalid):
        Room.parse(text)


def test_members_are_those_who_joined_and_did_not_leave(rooms: Rooms) -> None:
    one, two = Ear(), Ear("guest:2")
    for ear in (one, two):
        rooms.enter(ear)
        rooms.join(ear, CASE)
    rooms.join(one, OTHER)

    assert rooms.members(CASE) == (one, two)
    assert rooms.quit(two, CASE)
    assert not rooms.quit(two, CASE)
    rooms.leave(one)
    rooms.leave(one)
    assert (rooms.members(CASE), rooms.members(OTHER), one.rooms) == ((), (), {})
    assert list(rooms) == [two]
    assert len(rooms) == 1


def test_nobody_joins_who_has_left(rooms: Rooms) -> None:
    """The owner's answer may come after the client went."""
    ear = Ear()
    rooms.enter(ear)
    rooms.leave(ear)

    with pytest.raises(NotFound):
        rooms.join(ear, CASE)
    assert rooms.members(CASE) == ()


def test_a_listener_has_so_many_rooms_and_may_join_one_again(rooms: Rooms) -> None:
    ear = Ear()
    rooms.enter(ear)
    for room in (CASE, OTHER, CASE):
        rooms.join(ear, room)

    with pytest.raises(TooManyRooms):
        rooms.join(ear, Room(Kind.TASK, "a"))


def test_a_caller_has_so_many_listeners(rooms: Rooms) -> None:
    ears = [Ear() for _ in range(3)]
    for ear in ears[:2]:
        rooms.enter(ear)

    with pytest.raises(TooManyConnections):
        rooms.enter(ears[2])
    rooms.enter(Ear("guest:2"))
    rooms.leave(ears[0])
    rooms.enter(ears[2])
    assert len(rooms) == 3


def test_a_session_ends_what_is_or_may_be_of_it() -> None:
    rooms = Rooms(Limits())
    of_it, of_another, of_none, of_somebody_else = (
        Ear(session="s-1"),
        Ear(session="s-2"),
        Ear(),
        Ear("guest:2", "s-1"),
    )
    for ear in (of_it, of_another, of_none, of_somebody_else):
        rooms.enter(ear)

    assert set(rooms.of("guest:1", "s-1")) == {of_it, of_none}
    assert set(rooms.of("guest:1", None)) == {of_it, of_another, of_none}


def test_a_bucket_lets_so_much_through_and_fills_again(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("services.gateway.domain.rooms.monotonic", lambda: now)
    bucket = Bucket(10)

    assert [bucket.take() for _ in range(11)] == [True] * 10 + [False]
    now = 2.0
    assert [bucket.take() for _ in range(3)] == [True, True, False]
    now = 1000.0
    assert [bucket.take() for _ in range(11)] == [True] * 10 + [False]
