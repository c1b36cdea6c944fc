import pytest

from libs.common.principal import SEAH_ROLES, SUPERVISORS, Principal, Role, Scope
from services.users.domain.staffing import (
    RoleNotYours,
    ScopeNotYours,
    appointed_by,
    check_may_give,
    covers,
)

ROAD = Scope(projects=("road",))
EVERYWHERE = Scope()


@pytest.mark.parametrize("role", sorted(SEAH_ROLES | SUPERVISORS))
def test_only_a_super_admin_gives_what_opens_more(role: Role) -> None:
    check_may_give(Principal("a", Role.SUPER_ADMIN), role, EVERYWHERE)
    for by in SUPERVISORS - {Role.SUPER_ADMIN}:
        with pytest.raises(RoleNotYours):
            check_may_give(Principal("a", by), role, EVERYWHERE)


def test_who_appoints_is_who_may_give_the_role() -> None:
    for role in Role:
        may_give = set()
        for by in Role:
            try:
                check_may_give(Principal("a", by), role, EVERYWHERE)
                may_give.add(by)
            except RoleNotYours:
                pass
        assert appointed_by(role) == may_give
    assert not appointed_by(Role.API_CLIENT)


def test_nobody_gives_more_of_the_country_than_their_own() -> None:
    by = Principal("a", Role.PROJECT_ADMIN, ROAD)

    check_may_give(by, Role.INTAKE_OFFICER, ROAD)
    check_may_give(by, Role.INTAKE_OFFICER, Scope(("road",), ("ward-5",)))
    check_may_give(by, Role.CITIZEN, EVERYWHERE)
    for wider in (EVERYWHERE, Scope(("road", "rail")), Scope((), ("ward-5",))):
        with pytest.raises(ScopeNotYours):
            check_may_give(by, Role.INTAKE_OFFICER, wider)


@pytest.mark.parametrize(
    ("wide", "narrow", "does"),
    [
        (EVERYWHERE, EVERYWHERE, True),
        (EVERYWHERE, ROAD, True),
        (ROAD, EVERYWHERE, False),
        (ROAD, ROAD, True),
        (Scope((), ("a", "b")), Scope((), ("b",)), True),
        (Scope(("road",), ("a",)), Scope(("road",), ()), False),
        (Scope((), ("Koshi",)), Scope((), ("Koshi/Sunsari", "Koshi")), True),
        (Scope((), ("Koshi/Sunsari",)), Scope((), ("Koshi",)), False),
        (Scope((), ("Koshi",)), Scope((), ("Koshi/Sunsari", "Koshi2/x")), False),
        (Scope((), (), ("Road Office",)), Scope((), (), ("Road Office",)), True),
        (Scope((), (), ("Road Office",)), Scope((), (), ("Road Office", "Dam Office")), False),
        (Scope((), (), ("Road Office",)), EVERYWHERE, False),
        (Scope((), ("Koshi",), ("Road Office",)), Scope((), ("Koshi/x",)), False),
    ],
)
def test_nothing_named_is_everything(wide: Scope, narrow: Scope, *, does: bool) -> None:
    assert covers(wide, narrow) is does
