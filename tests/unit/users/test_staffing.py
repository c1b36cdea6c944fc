import pytest

from libs.common.permissions import GRANTS, Permission, Reach, roles_with
from libs.common.principal import SUPERVISORS, Principal, Role, Scope
from services.users.domain.staffing import (
    RoleNotYours,
    ScopeNotYours,
    appointed_by,
    check_may_give,
    covers,
)

ROAD = Scope(projects=("road",))
PLACES = ("Sunsari", "सुनसरी", "P1_SUN", "Koshi/Sunsari")
EVERYWHERE = Scope()


GIVEN = {
    Role.GUEST: set(),
    Role.CITIZEN: SUPERVISORS,
    Role.API_CLIENT: set(),
    Role.SERVICE: set(),
    Role.INTAKE_OFFICER: SUPERVISORS,
    Role.SITE_SAFEGUARDS_FOCAL_PERSON: SUPERVISORS,
    Role.PD_PIU_SAFEGUARDS_FOCAL: SUPERVISORS,
    Role.PIU_PROJECT_DIRECTOR: SUPERVISORS,
    Role.GRC_CHAIR: SUPERVISORS,
    Role.GRC_MEMBER: SUPERVISORS,
    Role.LABOUR_OFFICER: SUPERVISORS,
    Role.SEAH_NATIONAL_OFFICER: {Role.SUPER_ADMIN},
    Role.SEAH_HQ_OFFICER: {Role.SUPER_ADMIN},
    Role.ADB_NATIONAL_PROJECT_DIRECTOR: SUPERVISORS,
    Role.ADB_HQ_SAFEGUARDS: SUPERVISORS,
    Role.ADB_HQ_EXEC: {Role.SUPER_ADMIN},
    Role.AUDITOR: {Role.SUPER_ADMIN},
    Role.PROJECT_ADMIN: {Role.SUPER_ADMIN},
    Role.COUNTRY_ADMIN: {Role.SUPER_ADMIN},
    Role.SUPER_ADMIN: {Role.SUPER_ADMIN},
}
"""Who is made what by whom, as the rules have it."""


def test_who_may_make_whom_what_is_this_table() -> None:
    assert {role: appointed_by(role) for role in Role} == GIVEN


@pytest.mark.parametrize("by", sorted(SUPERVISORS - {Role.SUPER_ADMIN}))
def test_nobody_gives_what_their_own_role_may_not(by: Role) -> None:
    """An administrator who may not read the audit log appoints nobody who may."""
    order = tuple(Reach)
    for role in (each for each in Role if by in appointed_by(each)):
        for permission, reach in GRANTS[role].items():
            assert order.index(reach) <= order.index(GRANTS[by][permission])
    assert all(by not in appointed_by(role) for role in roles_with(Permission.AUDIT_READ))


@pytest.mark.parametrize("role", sorted(each for each in Role if GIVEN[each] == {"super_admin"}))
def test_only_a_super_admin_gives_what_opens_more(role: Role) -> None:
    check_may_give(Principal("a", Role.SUPER_ADMIN), role, EVERYWHERE)
    for by in SUPERVISORS - {Role.SUPER_ADMIN}:
        with pytest.raises(RoleNotYours) as refused:
            check_may_give(Principal("a", by), role, EVERYWHERE)
        assert refused.value.details == {"appointed_by": ["super_admin"]}


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


@pytest.mark.parametrize("wide", [*PLACES, "Koshi", "कोशी"])
@pytest.mark.parametrize("narrow", [*PLACES, "Dharan", "धरान", "Koshi/Sunsari/Dharan/7"])
def test_a_place_is_the_same_however_it_is_written(wide: str, narrow: str) -> None:
    assert covers(Scope(places=(wide,)), Scope(places=(narrow,)))


@pytest.mark.parametrize("narrow", ["Koshi", "Morang", "Sunsar", "Springfield", "Koshi2/Sunsari"])
def test_what_lies_elsewhere_is_not_covered(narrow: str) -> None:
    assert not covers(Scope(places=("Sunsari",)), Scope(places=(narrow,)))
