"""Hearing of people: somebody was erased, two were one, a guest proved who they are.

Every service that keeps something of people follows alike: whoever is named is who they became by
now, keys go with what they seal, and what turns out to be of somebody erased is erased.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from libs.common.contracts.users import GuestBound, UserErased, UserMerged
from libs.common.db.uow import Transaction
from libs.common.messaging.consumer import Consumer

HandOver = Callable[[Transaction, str, int], Awaitable[Iterable[str]]]
"""`(tx, was, user_id)`: make what is in the name of `was`, a person or a guest, this person's, and
answer the subjects of the keys that seal it."""
Erase = Callable[..., Awaitable[None]]
"""`(tx, user_id)`, and the tool if one is needed: forget what is left of somebody without keys."""


async def _nothing(*_: object) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class _People:
    hand_over: HandOver
    erase: Erase

    async def erase_person(self, event: UserErased, tx: Transaction, *tools: object) -> None:
        await self._forget(tx, event.user_id, *tools)

    async def merge_person(self, event: UserMerged, tx: Transaction, *tools: object) -> None:
        into = await tx.vault.survivor(event.into_user_id)
        is_there = await tx.vault.pass_on(event.user_id, to=into)
        await self.hand_over(tx, f"user:{event.user_id}", into)
        if not is_there:
            await self._forget(tx, into, *tools)

    async def bind_guest(self, event: GuestBound, tx: Transaction, *tools: object) -> None:
        user_id = await tx.vault.bind(event.guest_id, event.user_id)
        if user_id is None:
            return
        subjects = await self.hand_over(tx, event.guest_id, user_id)
        kept = [await tx.vault.belongs_to(each, user_id) for each in subjects]
        if not all(kept):
            await self._forget(tx, user_id, *tools)

    async def _forget(self, tx: Transaction, user_id: int, *tools: object) -> None:
        await tx.vault.destroy_of(user_id)
        await self.erase(tx, user_id, *tools)


def hear_of_people(
    consumer: Consumer,
    *,
    hand_over: HandOver | None = None,
    erase: Erase | None = None,
    needs: type | None = None,
) -> None:
    """Follow `user.erased` and `user.merged`; with `hand_over`, `guest.bound` as well.

    Keys are followed here: a service that keeps no more of people gives nothing else.
    """
    people = _People(hand_over or _nothing, erase or _nothing)  # type: ignore[arg-type]
    consumer.on(UserErased, needs=needs)(people.erase_person)
    consumer.on(UserMerged, needs=needs)(people.merge_person)
    if hand_over:
        consumer.on(GuestBound, needs=needs)(people.bind_guest)
