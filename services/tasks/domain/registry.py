"""The kinds of work there are, declared where they are written with `@task`."""

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol

from pydantic import BaseModel

from libs.common.events import Event
from services.tasks.clients.children import Children
from services.tasks.clients.messengers import Messenger
from services.tasks.clients.peers import FilesClient, GrievanceClient, UsersClient
from services.tasks.clients.people import PeopleClient
from services.tasks.models import Lane

Backoff = Callable[[int], float]


@dataclass(frozen=True, slots=True)
class Tools:
    """What work is done with."""

    grievances: GrievanceClient
    files: FilesClient
    children: Children
    users: UsersClient
    messengers: Messenger
    people: PeopleClient


@dataclass(frozen=True, slots=True)
class Job:
    """One attempt, as the work sees it."""

    task_id: str
    attempt: int
    tools: Tools


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it: what is kept, sealed; and the facts to tell, in the same transaction."""

    result: dict[str, Any]
    facts: tuple[Event, ...] = ()


class Work(Protocol):
    """The function that does it."""

    __name__: str

    def __call__(self, arguments: Any, job: Job, /) -> Coroutine[Any, Any, Outcome]: ...


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of work: who does it, how often it is tried again, and after how long at most.

    `sealed_for` names the data key that seals the result, from the arguments.
    """

    name: str
    lane: Lane
    retries: int
    backoff: Backoff
    arguments: type[BaseModel]
    work: Work
    sealed_for: Callable[[Any], str]


Registry = Mapping[str, Kind]
"""The kinds of work one installation knows, by name."""


def task(
    *,
    lane: Lane,
    retries: int,
    backoff: Backoff,
    arguments: type[BaseModel],
    sealed_for: Callable[[Any], str],
) -> Callable[[Work], Kind]:
    """Declare a kind of work, named as its function."""

    def declare(work: Work) -> Kind:
        return Kind(work.__name__, lane, retries, backoff, arguments, work, sealed_for)

    return declare


def registry_of(*kinds: Kind) -> Registry:
    """A registry of `kinds`."""
    return MappingProxyType({kind.name: kind for kind in kinds})
