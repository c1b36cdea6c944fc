"""The case links rebuilt from grievance's log (design 3: the sync between the two databases)."""

from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise
from typing import Any

import httpx2
import pytest

from libs.common.cli import Refused
from libs.common.clock import utc_now
from libs.common.contracts.grievance import GrievanceStatusChanged, GrievanceSubmitted
from libs.common.events import Envelope, Event
from libs.common.messaging.log import Entry, LogPage, microseconds
from libs.common.testing.stage import Stage, until
from libs.common.web.client import PeerFailed
from services.chat.app import rebuild_links
from services.chat.clients import CaseLog
from services.chat.domain.relinking import Rebuilt, rebuild
from services.chat.models import CaseLink
from services.chat.repository import ChatRepository, Standing
from services.chat.settings import ChatSettings
from tests.service.chat.conftest import REFERENCE, Citizen, Meet
from tests.service.chat.test_following import moved

LOG = "GET grievance /internal/events"


@dataclass
class Told:
    """What grievance has said, in its log and, as ever, on the bus."""

    stage: Stage
    said: list[Envelope] = field(default_factory=list)
    before_answering: Callable[[], None] | None = None
    asked: list[dict[str, Any]] = field(default_factory=list)

    async def say(self, event: Event, *, restricted: bool = False, only_log: bool = False) -> None:
        envelope = Envelope.of(event, source="grievance", restricted=restricted)
        self.said.append(envelope)
        if not only_log:
            await self.hear(envelope)

    async def hear(self, envelope: Envelope) -> None:
        await self.stage.publish(envelope)

        async def heard() -> bool:
            async with self.stage.uow.begin() as tx:
                table = self.stage.uow.ground.inbox
                found = await tx.session.execute(table.select())
                return any(row.event_id == envelope.id for row in found)

        await until(heard)

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        query = dict(request.url.params.multi_items())
        self.asked.append({**query, "type": request.url.params.get_list("type")})
        after = int(query["after"])
        some = list(enumerate(self.said, 1))[after : after + 3]
        entries = [Entry(at, microseconds(e.time), e.to_bytes()) for at, e in some]
        end = after + len(entries)
        page = LogPage(entries, end, end < len(self.said))
        return httpx2.Response(200, content=page.to_bytes())


def submitted(grievance_id: str, conversation_id: str | None) -> GrievanceSubmitted:
    return GrievanceSubmitted(
        grievance_id=grievance_id,
        channel="chat",
        filed_by="guest-1",
        has_contact=False,
        conversation_id=conversation_id,
        file_ids=[],
    )


@pytest.fixture
def told(stage: Stage) -> Told:
    told = Told(stage)
    stage.peers.answers[LOG] = told.answer
    return told


async def links(stage: Stage) -> dict[str, Standing]:
    async with stage.uow.read() as tx:
        return await ChatRepository(tx.session).standings()


async def rebuilt(stage: Stage) -> Rebuilt:
    return await rebuild(stage.uow, CaseLog(stage.service.peer("grievance")))


async def a_history(meet: Meet, told: Told) -> None:
    """Three conversations, five cases, one of a protected person, one from elsewhere."""
    talks = []
    for number in range(3):
        citizen = meet(f"guest-{number}")
        await citizen.say("hello")
        talks.append(citizen.conversation_id)
    for case, talk in (("A", 0), ("B", 0), ("C", 1), ("D", 2)):
        await told.say(submitted(case, talks[talk]))
    await told.say(submitted("SEAH", talks[2]), restricted=True)
    await told.say(submitted("WEB", None), only_log=True)
    await told.say(submitted("LOST", "01900000-0000-7000-8000-000000000000"))
    for case, path in (("A", "pending in_progress pending"), ("C", "pending acknowledged")):
        steps = path.split()
        for start, end in pairwise(steps):
            await told.say(moved(start, end, case))
    await told.say(moved("pending", "acknowledged", "SEAH"), restricted=True)
    await told.say(moved("pending", "acknowledged", "WEB"))


async def spoil(stage: Stage) -> None:
    async with stage.uow.begin() as tx:
        held = await ChatRepository(tx.session).held_links(list("ABCD"))
        rows = {row.grievance_id: row for row in held}
        await tx.session.delete(rows["A"])
        rows["B"].status = "resolved"
        rows["C"].changed_at = utc_now() + timedelta(days=1)
        tx.session.add(
            CaseLink(
                grievance_id="NEVER",
                conversation_id=rows["D"].conversation_id,
                status="pending",
                changed_at=utc_now(),
            )
        )


async def test_the_links_are_what_they_were_after_a_replay(
    meet: Meet, told: Told, stage: Stage
) -> None:
    """Issue 3, 7: replay rebuilds case_links as it was, to the last byte."""
    await a_history(meet, told)
    before = await links(stage)
    assert before.keys() == {"A", "B", "C", "D", "SEAH"}
    await spoil(stage)

    assert await rebuilt(stage) == Rebuilt(events=len(told.said), written=3, removed=1)
    assert await links(stage) == before
    assert await rebuilt(stage) == Rebuilt(events=len(told.said))


async def test_an_empty_table_comes_back_whole(meet: Meet, told: Told, stage: Stage) -> None:
    await a_history(meet, told)
    before = await links(stage)
    async with stage.uow.begin() as tx:
        for row in await ChatRepository(tx.session).held_links(list(before)):
            await tx.session.delete(row)

    assert (await rebuilt(stage)).written == len(before)
    assert await links(stage) == before


async def test_a_replay_says_nothing_to_anybody(meet: Meet, told: Told, stage: Stage) -> None:
    sita = meet()
    await sita.say("hello")
    await told.say(submitted("A", sita.conversation_id), only_log=True)
    await told.say(moved("pending", "acknowledged", "A"), only_log=True)
    await rebuilt(stage)

    assert (await links(stage))["A"].status == "acknowledged"
    assert await sita.news() == []


async def test_what_is_heard_after_a_replay_knew_of_it_is_still_told(
    meet: Meet, told: Told, stage: Stage
) -> None:
    """Chat was away: its queue is as long as the log is ahead, and the citizen has to be told."""
    sita = meet()
    await sita.say("hello")
    await told.say(submitted("A", sita.conversation_id), only_log=True)
    await told.say(moved("pending", "acknowledged", "A"), only_log=True)
    await rebuilt(stage)
    for envelope in told.said:
        await told.hear(envelope)

    assert [line for line in await sita.news() if "Acknowledged" in line]
    assert (await links(stage))["A"].status == "acknowledged"


async def test_a_case_filed_here_has_the_time_of_the_event_and_not_of_our_clock(
    sita: Citizen, told: Told, stage: Stage
) -> None:
    """The row may say nothing that the log does not say: or a replay could not make it again."""
    await sita.file()
    ours = (await links(stage))[REFERENCE]
    await told.say(submitted(REFERENCE, sita.conversation_id))

    found = (await links(stage))[REFERENCE]
    assert found.changed_at == told.said[0].time != ours.changed_at
    assert (await rebuilt(stage)).written == 0


async def test_a_link_that_moves_meanwhile_is_not_set_back(
    meet: Meet, told: Told, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    sita = meet()
    await sita.say("hello")
    await told.say(submitted("A", sita.conversation_id))
    await spoiled(stage, "A")
    read, times = CaseLog.page, [0]

    async def page(self: CaseLog, *, after: int) -> LogPage:
        found = await read(self, after=after)
        times[0] += 1
        if times[0] == 1:  # read to the end; and now it moves
            await told.say(moved("resolved", "closed", "A"))
        return found

    monkeypatch.setattr(CaseLog, "page", page)
    done = await rebuilt(stage)

    link = (await links(stage))["A"]
    assert (link.status, link.changed_at) == ("closed", told.said[-1].time)
    assert done == Rebuilt(events=2)


async def spoiled(stage: Stage, case: str) -> None:
    async with stage.uow.begin() as tx:
        [row] = await ChatRepository(tx.session).held_links([case])
        row.status = "resolved"


async def test_it_reads_the_moves_of_protected_persons_too(told: Told, stage: Stage) -> None:
    await rebuilt(stage)

    topics = [GrievanceSubmitted.topic, GrievanceStatusChanged.topic]
    assert told.asked == [{"after": "0", "limit": "1000", "restricted": "true", "type": topics}]


async def test_without_grievance_nothing_is_touched(meet: Meet, told: Told, stage: Stage) -> None:
    await a_history(meet, told)
    await spoil(stage)
    before = await links(stage)
    del stage.peers.answers[LOG]

    with pytest.raises(PeerFailed):
        await rebuilt(stage)
    assert await links(stage) == before


async def test_the_command_rebuilds_and_says_what_it_did(
    meet: Meet, told: Told, stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    await a_history(meet, told)
    await spoil(stage)
    settings = stage.service.settings
    assert isinstance(settings, ChatSettings)
    with pytest.raises(Refused, match="REDRESS_PEERS"):
        await rebuild_links(settings, Namespace())
    await rebuild_links(settings, Namespace(), transport=httpx2.MockTransport(stage.peers))

    said = f"{len(told.said)} events read, 3 links written, 1 removed\n"
    assert capsys.readouterr().out.endswith(said)
