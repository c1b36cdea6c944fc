"""The total-queue method: what was promised against what is there.

lost: promised, and not there. twice: there more often than once. ghost: there, and nobody asked.
pending: not there yet, but on its way (an outbox row, a queue, an open task): not lost.
"""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from libs.common.settings import SERVICES
from scripts.torture.clients import Ledger
from scripts.torture.rows import Rows

SUBMITTED = "grievance.submitted.v1"
CLASSIFY = "classify_and_summarize_grievance"
CLASSIFIED = "grievance.classified.v1"
OPEN = "('PENDING', 'STARTED', 'RETRY')"


@dataclass(frozen=True)
class Count:
    """One line of the table."""

    what: str
    wanted: int
    found: int
    lost: int
    twice: int
    ghost: int
    pending: int = 0

    @property
    def is_clean(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.lost or self.twice or self.ghost or self.pending)


async def unfinished(rows: Rows) -> int:
    """What is still on its way, anywhere."""
    left = sum((await rows.depths()).values())
    for service in SERVICES:
        [(count,)] = await rows.ask(
            service, "SELECT count(*) FROM outbox WHERE published_at IS NULL"
        )
        left += count
    [(count,)] = await rows.ask(
        "tasks",
        f"SELECT count(*) FROM tasks WHERE status_code IN {OPEN}",
    )
    return left + int(count)


async def left_open(rows: Rows) -> list[str]:
    """Where the tasks stand that have not come to an end."""
    found = await rows.ask(
        "tasks",
        "SELECT status_code, attempt, coalesce(error_message, ''), count(*) FROM tasks"
        f" WHERE status_code IN {OPEN} GROUP BY 1, 2, 3 ORDER BY 4 DESC LIMIT 10",
    )
    return [f"{many} {state} attempt {attempt} {why}" for state, attempt, why, many in found]


async def count(rows: Rows, ledger: Ledger) -> list[Count]:
    """Every line of the table."""
    is_open = await unfinished(rows)
    cases = await _cases(rows, ledger)
    wanted = set(ledger.acked.values())
    reachable = {ledger.acked[name] for name in ledger.with_contact & ledger.acked.keys()}
    return [
        cases,
        await _submitted(rows, wanted),
        await _heard(rows, "tasks", SUBMITTED, wanted, is_open),
        await _heard(rows, "users", SUBMITTED, reachable, is_open),
        await _heard(rows, "chat", CLASSIFIED, wanted, is_open),
        await _tasks(rows, wanted),
        await _read(rows, wanted, is_open),
        await _linked(rows, reachable, is_open),
        await _people(rows, len(reachable), is_open),
    ]


async def _cases(rows: Rows, ledger: Ledger) -> Count:
    """Cases by the reference their client gave: one each, and the one that was promised."""
    found = await rows.cases(ledger.acked.keys() | ledger.refused.keys())
    seen = Counter(reference for reference, _ in found)
    ghosts = seen.pop(None, 0)
    promised = set(ledger.acked.items())
    return Count(
        "cases",
        len(promised),
        len(found),
        lost=len(promised - set(found)),
        twice=sum(times - 1 for times in seen.values()),
        ghost=ghosts,
    )


async def _submitted(rows: Rows, wanted: set[str]) -> Count:
    """The fact is written with the case: it is there at once, or it is lost."""
    sql = f"SELECT subject FROM outbox WHERE topic = '{SUBMITTED}'"
    found = [subject for (subject,) in await rows.ask("grievance", sql)]
    return _compare(f"{SUBMITTED.removesuffix('.v1')} said", wanted, found, is_open=0)


async def _heard(rows: Rows, hearer: str, topic: str, wanted: set[str], is_open: int) -> Count:
    """Events about `wanted` in the inbox of `hearer`; its key makes a second row impossible."""
    sql = f"SELECT event_id, subject FROM outbox WHERE topic = '{topic}'"
    said = {event for event, subject in await rows.ask("grievance", sql) if subject in wanted}
    inbox = await rows.ask(hearer, f"SELECT event_id FROM inbox WHERE consumer = '{hearer}'")
    found = [event for (event,) in inbox if event in said]
    return _compare(f"{topic.removesuffix('.v1')} → {hearer}", said, found, is_open)


async def _tasks(rows: Rows, wanted: set[str]) -> Count:
    """One finished task per case; an open one is pending, not lost."""
    sql = f"SELECT subject, status_code FROM tasks WHERE task_name = '{CLASSIFY}'"
    found = await rows.ask("tasks", sql)
    seen = Counter(subject for subject, _ in found)
    done = {subject for subject, status in found if status == "SUCCESS"}
    open_ = {subject for subject, status in found if status in OPEN}
    return Count(
        "classification tasks",
        len(wanted),
        len(found),
        lost=len(wanted - done - open_),
        twice=sum(times - 1 for times in seen.values()),
        ghost=len(seen.keys() - wanted),
        pending=len(open_ & wanted),
    )


async def _read(rows: Rows, wanted: set[str], is_open: int) -> Count:
    sql = "SELECT grievance_id FROM grievances WHERE classification_status <> 'pending'"
    found = [name for (name,) in await rows.ask("grievance", sql)]
    return _compare("cases read by the engine", wanted, found, is_open)


async def _linked(rows: Rows, wanted: set[str], is_open: int) -> Count:
    sql = "SELECT subject FROM outbox WHERE topic = 'user.linked.v1'"
    said = [name for (name,) in await rows.ask("users", sql)]
    sql = "SELECT grievance_id FROM grievances WHERE user_id IS NOT NULL"
    linked = {name for (name,) in await rows.ask("grievance", sql)}
    count = _compare("contacts taken over", wanted, said, is_open)
    missing = len(wanted & set(said) - linked)
    if is_open:
        return Count(**{**vars(count), "pending": count.pending + missing})
    return Count(**{**vars(count), "lost": count.lost + missing})


async def _people(rows: Rows, wanted: int, is_open: int) -> Count:
    """Every contact is a phone of its own, so there is one person per contact."""
    sql = "SELECT user_id FROM users WHERE role = 'citizen'"
    found = len(await rows.ask("users", sql))
    missing = max(0, wanted - found)
    return Count(
        "people in the vault",
        wanted,
        found,
        lost=0 if is_open else missing,
        twice=max(0, found - wanted),
        ghost=0,
        pending=missing if is_open else 0,
    )


def _compare(what: str, wanted: Collection[str], found: Iterable[str], is_open: int) -> Count:
    seen = Counter(found)
    missing = len(set(wanted) - seen.keys())
    return Count(
        what,
        len(wanted),
        sum(seen.values()),
        lost=0 if is_open else missing,
        twice=sum(times - 1 for times in seen.values()),
        ghost=len(seen.keys() - set(wanted)),
        pending=missing if is_open else 0,
    )
