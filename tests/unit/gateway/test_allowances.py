"""S4-05a: by person and by address; seed 2's numbers unless settings say otherwise."""

import pytest

from libs.common.principal import Principal, Role
from services.gateway.domain.allowances import CLASSES, NUMBERS, Allowance, Charge, Limits


@pytest.mark.parametrize(
    ("role", "limit"),
    [
        (None, 60), (Role.GUEST, 10), (Role.CITIZEN, 60), (Role.API_CLIENT, 600),
        (Role.INTAKE_OFFICER, 300), (Role.AUDITOR, 300), (Role.SUPER_ADMIN, 300),
    ],
)  # fmt: skip
def test_the_allowance_is_that_of_the_kind_of_caller(role: Role | None, limit: int) -> None:
    caller = Principal("p-1", role) if role else None
    first, second = Limits().charges("default", caller, "192.0.2.1", "/x")

    key = "p-1" if caller else "address:192.0.2.1"
    assert first == Charge(Allowance("default", limit), key)
    assert second == Charge(Allowance("address", 1200), "address:192.0.2.1")


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("limit_class", list(CLASSES))
def test_everybody_has_an_allowance_for_everything(limit_class: str, role: Role) -> None:
    for caller in (None, Principal("p-1", role)):
        assert Limits().charges(limit_class, caller, "192.0.2.1", "/x")[0].allowance.limit


def test_an_export_costs_five() -> None:
    caller = Principal("p-1", Role.CITIZEN)

    assert [each.cost for each in Limits().charges("export", caller, "::1", "/x")] == [5, 1]


def test_a_webhook_is_counted_by_its_key_or_route_and_never_by_address() -> None:
    """Make shares addresses."""
    key, limits = Principal("key:1", Role.API_CLIENT), Limits()

    assert limits.charges("webhook", key, "192.0.2.1", "/hooks/{name}") == (
        Charge(Allowance("webhook", 6000), "key:1"),
    )
    assert limits.charges("webhook", None, "192.0.2.1", "/hooks/{name}") == (
        Charge(Allowance("webhook", 6000), "/hooks/{name}"),
    )


def test_a_login_is_counted_by_address_whoever_says_it_is() -> None:
    first, _ = Limits().charges("login", Principal("p-1", Role.CITIZEN), "192.0.2.1", "/x")

    assert first == Charge(Allowance("login", 60), "address:192.0.2.1")


def test_a_subscriber_of_ipv6_is_one_caller() -> None:
    def key(address: str) -> str:
        return Limits().charges("default", None, address, "/x")[0].key

    assert key("2001:db8:1:2::1") == key("2001:db8:1:2:ffff::9") != key("2001:db8:1:3::1")


def test_every_number_can_be_changed() -> None:
    changes = {
        bucket: {kind: number + 7 for kind, number in kinds.items()}
        for bucket, kinds in NUMBERS.items()
    }
    changed = {
        charge.allowance
        for limit_class in CLASSES
        for role in (None, *Role)
        for charge in Limits(changes).charges(
            limit_class, Principal("p", role) if role else None, "::1", "/x"
        )
    }

    assert changed == {
        Allowance(bucket, number) for bucket, kinds in changes.items()
        for number in kinds.values()
    }  # fmt: skip


def test_changing_one_number_changes_that_one_alone() -> None:
    limits = Limits({"default": {"guest": 20}})
    guest, nobody = Principal("g", Role.GUEST), None

    assert limits.charges("list", guest, "::1", "/x")[0].allowance.limit == 20
    assert limits.charges("list", nobody, "::1", "/x")[0].allowance.limit == 60
    assert NUMBERS["default"]["guest"] == 10


def test_all_of_it_can_be_switched_off() -> None:
    assert Limits(is_on=False).charges("default", None, "192.0.2.1", "/x") == ()


@pytest.mark.parametrize(
    "changes", [{"defualt": {"guest": 1}}, {"default": {"gest": 1}}, {"login": {"user": 1}}]
)
def test_a_number_for_nobody_is_an_error(changes: dict[str, dict[str, int]]) -> None:
    with pytest.raises(ValueError, match="There is no limit"):
        Limits(changes)


@pytest.mark.parametrize("number", [0, -1])
def test_a_limit_is_one_at_least(number: int) -> None:
    with pytest.raises(ValueError, match=r"default\.guest"):
        Limits({"default": {"guest": number}})
