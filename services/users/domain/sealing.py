"""The end of the audit chain, signed once a day and kept in three places.

Whoever can write the whole database can write the whole chain anew. What they cannot do is sign
another end of it, or take back the file and the log line of the one that was signed.
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from libs.common.chain import Mark
from libs.common.db.uow import UnitOfWork
from libs.common.logging import get_logger
from libs.common.tokens import InvalidToken, PublicKeys, Signer
from services.users.domain.contacting import KATHMANDU
from services.users.models import ChainSeal
from services.users.repository.audit import CHAIN, AuditRepository

log = get_logger(__name__)

OWNER = "users"


class BrokenSeal(Exception):
    """A seal is malformed, or not signed by us for what it says; the text says which."""


@dataclass(frozen=True, slots=True)
class Seal:
    """How the chain ended on a day."""

    day: str
    mark: Mark
    signature: str
    sealed_at: str

    @classmethod
    def of(cls, row: ChainSeal) -> "Seal":
        """The seal of a row."""
        mark = Mark(row.position, row.hash, f"the seal of {row.day}")
        return cls(row.day, mark, row.signature, row.sealed_at.isoformat())

    @classmethod
    def from_json(cls, text: str, *, name: str) -> "Seal":
        """Read what `to_json` wrote. Raises BrokenSeal."""
        try:
            raw = json.loads(text)
            mark = Mark(int(raw["position"]), bytes.fromhex(raw["hash"]), name)
            return cls(str(raw["day"]), mark, str(raw["signature"]), str(raw["sealed_at"]))
        except (ValueError, KeyError, TypeError):
            raise BrokenSeal(f"{name} is no seal") from None

    def to_json(self) -> str:
        """The form that is kept outside the database."""
        said = {
            "chain": CHAIN,
            "day": self.day,
            "position": self.mark.position,
            "hash": self.mark.hash.hex(),
            "signature": self.signature,
            "sealed_at": self.sealed_at,
        }
        return json.dumps(said, indent=2) + "\n"

    def check(self, keys: PublicKeys) -> None:
        """Raises BrokenSeal unless we signed this very end of this day."""
        try:
            owner, signed = keys.attested(self.signature)
        except InvalidToken:
            raise BrokenSeal(f"{self.mark.name} is not signed by a key of ours") from None
        if (owner, signed) != (OWNER, statement(self.day, self.mark)):
            raise BrokenSeal(f"{self.mark.name} was signed for something else")


def statement(day: str, mark: Mark) -> bytes:
    """What is signed: no token ever looks like it."""
    return f"{CHAIN}|{day}|{mark.position}|{mark.hash.hex()}".encode()


def day_of(at: datetime) -> str:
    """Which day it is in Nepal."""
    return at.astimezone(KATHMANDU).date().isoformat()


async def seal_day(uow: UnitOfWork, signer: Signer, folder: Path, *, now: datetime) -> Seal | None:
    """Seal the day before `now`, once; None when nothing had been written by its end.

    The file is written after the row, and again when it is missing: whatever ends the process in
    between, the next round goes on.
    """
    day = day_of(now - timedelta(days=1))
    async with uow.begin() as tx:
        repository = AuditRepository(tx.session)
        row = await repository.seal(day)
        head = None if row else await repository.head()
        began = await repository.began_at() if head else None
        if head and began and day_of(began) <= day:
            mark = Mark(head.position, head.hash)
            await repository.add_seal(day, mark, signer.attest(statement(day, mark)), now)
            row = await repository.seal(day)
    if row is None:
        return None
    found = Seal.of(row)
    if head is not None:
        log.info("audit.sealed", day=day, position=row.position, hash=row.hash.hex())
    write_seal(folder, found)
    return found


def write_seal(folder: Path, seal: Seal) -> None:
    """Put a seal where it can be taken away from, unless it is there."""
    file = folder / f"{seal.day}.json"
    if file.exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part")
    part.write_text(seal.to_json())
    part.chmod(0o644)
    part.replace(file)
