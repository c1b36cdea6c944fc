"""The table of permissions says what domain.md says of the roles."""

import pytest

from libs.common.permissions import API_SCOPES, GRANTS, Permission, Reach, roles_with
from libs.common.principal import OBSERVERS, SUPERVISORS, Principal, Role, Scope, is_within

P = Permission
STAFF = {role for role in Role if role.is_staff}
OFFICERS = STAFF - OBSERVERS - SUPERVISORS
ACTS = {
    P.CASE_MOVE, P.CASE_CORRECT, P.NOTE_WRITE, P.TASK_MANAGE, P.USER_WRITE, P.USER_REVEAL,
    P.USER_ERASE, P.API_KEY_MANAGE, P.RETENTION_MANAGE,
}  # fmt: skip
"""What changes something for somebody else, or shows who they are."""


def test_every_role_is_in_the_table() -> None:
    assert GRANTS.keys() == set(Role)


@pytest.mark.parametrize("role", sorted(OBSERVERS))
def test_observers_read_and_act_on_nothing_of_others(role: Role) -> None:
    """domain.md, roles: observers and auditors."""
    grants = GRANTS[role]

    assert not ACTS & grants.keys()
    assert grants[P.CASE_READ] is grants[P.NOTE_READ] is grants[P.TASK_READ] is Reach.SCOPE
    assert grants[P.CASE_ACT] is Reach.OWN


def test_what_was_done_is_read_by_who_oversees_and_by_no_officer() -> None:
    overseers = {Role.AUDITOR, Role.SUPER_ADMIN, Role.ADB_HQ_EXEC, Role.SEAH_HQ_OFFICER}

    assert roles_with(P.AUDIT_READ) == overseers
    assert GRANTS[Role.SEAH_HQ_OFFICER][P.AUDIT_READ] is Reach.SCOPE


def test_work_is_cancelled_and_people_are_made_by_administrators() -> None:
    for permission in (P.TASK_MANAGE, P.USER_WRITE):
        assert roles_with(permission) == SUPERVISORS


def test_what_has_no_parts_is_not_for_who_administers_a_part() -> None:
    """Issue 4: the feed tells of every case, and a key or a list of tasks knows no scope."""
    of_all = {Role.COUNTRY_ADMIN, Role.SUPER_ADMIN}

    assert roles_with(P.TASK_LIST) == roles_with(P.API_KEY_MANAGE) == of_all
    assert roles_with(P.EVENTS_READ) == of_all | {Role.API_CLIENT}
    reaches = set(GRANTS[Role.PROJECT_ADMIN].items()) - set(GRANTS[Role.CITIZEN].items())
    everybodys = {P.ROLE_READ}
    assert {each for each, reach in reaches if reach is Reach.ALL} == everybodys


@pytest.mark.parametrize("part", [Scope(("road",)), Scope((), ("Koshi",)), Scope((), (), ("X",))])
@pytest.mark.parametrize("role", [Role.COUNTRY_ADMIN, Role.SUPER_ADMIN])
def test_what_has_no_parts_is_not_for_who_was_given_a_part(role: Role, part: Scope) -> None:
    """A feed that knows no scope would show them every case; so would a key they make."""
    everywhere, somewhere = Principal("user:1", role), Principal("user:1", role, part)

    for permission in (P.EVENTS_READ, P.API_KEY_MANAGE, P.TASK_LIST):
        assert everywhere.may(permission)
        assert not somewhere.may(permission)
    assert somewhere.reach(P.CASE_READ) is everywhere.reach(P.CASE_READ) is Reach.SCOPE


def test_erasing_and_retention_are_for_the_super_admin() -> None:
    for permission in (P.USER_ERASE, P.RETENTION_MANAGE):
        assert roles_with(permission) == {Role.SUPER_ADMIN}


def test_officers_work_cases_of_their_scope() -> None:
    for role in OFFICERS | SUPERVISORS:
        for permission in (P.CASE_READ, P.CASE_ACT, P.CASE_MOVE, P.CASE_CORRECT, P.NOTE_WRITE):
            assert GRANTS[role][permission] is Reach.SCOPE


@pytest.mark.parametrize("role", [Role.GUEST, Role.CITIZEN, Role.API_CLIENT])
def test_who_does_not_work_here_reaches_what_is_theirs(role: Role) -> None:
    everybodys = {P.CATEGORY_READ, P.EVENTS_READ}
    for permission, reach in GRANTS[role].items():
        assert reach is (Reach.ALL if permission in everybodys else Reach.OWN)


def test_a_guest_has_nothing_a_citizen_lacks_and_no_person_to_change() -> None:
    assert GRANTS[Role.GUEST].keys() < GRANTS[Role.CITIZEN].keys()
    assert not {P.SELF_EXPORT, P.SELF_ERASE, P.CONSENT_WRITE} & GRANTS[Role.GUEST].keys()


@pytest.mark.parametrize("scope", sorted(API_SCOPES))
def test_a_key_has_what_its_scopes_name_and_nothing_else(scope: Permission) -> None:
    """Issue 4, API keys."""
    key = Principal("key:1", Role.API_CLIENT, scopes=frozenset({scope.value}))

    assert {permission for permission in Permission if key.may(permission)} == {scope}


def test_a_key_never_has_more_than_its_role() -> None:
    key = Principal("key:1", Role.API_CLIENT, scopes=frozenset(Permission))

    assert {permission for permission in Permission if key.may(permission)} == API_SCOPES
    assert not Principal("key:1", Role.API_CLIENT).may(P.CASE_READ)


@pytest.mark.parametrize("role", sorted(Role))
def test_before_the_second_factor_there_is_one_thing_to_do(role: Role) -> None:
    """Reliability 3 row 14."""
    half = Principal("user:1", role, is_half=True)

    assert {permission for permission in Permission if half.may(permission)} == {P.FACTOR_ENROL}


def test_a_program_of_ours_has_no_permission_of_people() -> None:
    assert not any(Principal("service:x", Role.SERVICE).may(each) for each in Permission)


@pytest.mark.parametrize(
    ("place", "is_in"),
    [
        ("Koshi", True),
        ("Koshi/Sunsari", True),
        ("Koshi/Sunsari/Dharan", True),
        ("Koshi2", False),
        ("Koshi2/Sunsari", False),
        ("Sunsari", False),
        ("koshi/Sunsari", False),
        ("", False),
    ],
)
def test_a_place_holds_those_below_it(place: str, *, is_in: bool) -> None:
    assert is_within(place, Scope(places=("Koshi",)).places) is is_in
    assert is_within(place, ())
