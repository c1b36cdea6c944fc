"""The sealed texts of a case: before, and after whoever complained was erased.

Erasing somebody destroys the key of their case, and the words sealed with it read as nothing. The
case goes on: what officers write from then on is sealed with the key that lasts, which is nobody's.
"""

from libs.common.crypto.sealing import CannotOpen, SubjectKey
from libs.common.db.uow import Transaction
from libs.common.db.vault import Erased
from services.grievance.models import Grievance


class Texts:
    """Opens what is sealed on one case."""

    def __init__(self, own: SubjectKey | None, later: SubjectKey | None) -> None:
        self._own = own
        self._later = later

    @classmethod
    async def of(cls, tx: Transaction, grievance: Grievance) -> "Texts":
        """The texts of `grievance`."""
        subjects = grievance.subject, grievance.lasting_subject
        keys = await tx.vault.surviving_keys(subjects)
        return cls(*(keys.get(subject) for subject in subjects))

    @property
    def is_erased(self) -> bool:
        """Whether whoever complained was erased."""
        return self._own is None

    def open(self, place: str, row: str, sealed: bytes | None) -> str | None:
        """A text; None where there is none, or none any more. Raises CannotOpen if tampered with.

        What does not open on the case of somebody erased was sealed before.
        """
        if sealed is None:
            return None
        if self._own is not None:
            return self._own.open(place, row, sealed)
        try:
            return self._later.open(place, row, sealed) if self._later else None
        except CannotOpen:
            return None


async def writing_key(tx: Transaction, grievance: Grievance) -> SubjectKey:
    """What a text of `grievance` is sealed with now; the caller holds its row."""
    for subject in (grievance.subject, grievance.lasting_subject):
        key = await tx.vault.key_or_new(subject)
        if key is not None:
            return key
    raise Erased("both keys of the case were destroyed")
