"""Where staff work: words as well, so sealed like everything else that is known of a person."""

import json
from dataclasses import asdict

from libs.common.crypto.sealing import SubjectKey
from libs.common.db.uow import Transaction
from libs.common.principal import Scope
from services.users.models import User

EVERYWHERE = Scope()
SCOPE = "users.scope"


async def works_in(tx: Transaction, user: User) -> Scope:
    """The part of the programme and of the country `user` works in. Raises Erased."""
    if user.scope is None:
        return EVERYWHERE
    key = await tx.vault.key(user.principal_id)
    words = json.loads(key.open(SCOPE, str(user.user_id), user.scope))
    return Scope(**{name: tuple(each) for name, each in words.items()})


def place(key: SubjectKey, user: User, scope: Scope) -> None:
    """Write down where `user` works, for nobody to read without `key`."""
    text = json.dumps(asdict(scope))
    user.scope = None if scope == EVERYWHERE else key.seal(SCOPE, str(user.user_id), text)
