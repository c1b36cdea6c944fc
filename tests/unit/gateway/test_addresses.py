"""S4-20c, and security row 21: an address is believed as far as whoever told it is trusted."""

import pytest

from services.gateway.domain.addresses import (
    MAX_HOPS,
    UNKNOWN,
    Addresses,
    Networks,
    _spelled,
    canonical,
    neighbourhood,
)

TRUSTED = ("10.0.0.0/8", "2001:db8:ffff::/48")


@pytest.mark.parametrize("forwarded", [[], ["198.51.100.7"], ["127.0.0.1"], ["garbage"], [""]])
@pytest.mark.parametrize("peer", ["127.0.0.1", "10.0.0.1", "203.0.113.9"])
def test_nobody_is_trusted_by_default(peer: str, forwarded: list[str]) -> None:
    assert Addresses().of(peer, forwarded) == peer


def test_a_hundred_invented_addresses_are_one_caller() -> None:
    """Security row 21: limited at N, not at 100."""
    addresses = Addresses(TRUSTED)
    invented = [f"198.51.100.{n}" for n in range(100)]

    assert {Addresses().of("203.0.113.9", [each]) for each in invented} == {"203.0.113.9"}
    assert {addresses.of("203.0.113.9", [each]) for each in invented} == {"203.0.113.9"}
    assert {addresses.of("10.0.0.1", [f"{each}, 203.0.113.9"]) for each in invented} == {
        "203.0.113.9"
    }


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        (["203.0.113.9"], "203.0.113.9"),
        (["198.51.100.7, 203.0.113.9"], "203.0.113.9"),
        (["198.51.100.7", "203.0.113.9"], "203.0.113.9"),
        (["198.51.100.7, 203.0.113.9, 10.1.1.1"], "203.0.113.9"),
        (["203.0.113.9", "10.1.1.1,\t2001:db8:ffff::1"], "203.0.113.9"),
        (["203.0.113.9:49152"], "203.0.113.9"),
        (["[2001:DB8::0:1]:443"], "2001:db8::1"),
        (["[2001:db8::1]"], "2001:db8::1"),
        (["::ffff:203.0.113.9"], "203.0.113.9"),
        (["10.1.1.1"], "10.1.1.1"),
        (["10.2.2.2, 10.1.1.1"], "10.2.2.2"),
    ],
)
def test_the_client_is_the_rightmost_hop_that_is_not_ours(
    forwarded: list[str], client: str
) -> None:
    addresses = Addresses(TRUSTED)

    assert addresses.of("10.0.0.1", forwarded) == client
    assert addresses.of("::ffff:10.0.0.1", forwarded) == client
    assert addresses.of("2001:db8:ffff::2", forwarded) == client


@pytest.mark.parametrize(
    "garbage",
    [
        "", " ", "unknown", "_hidden", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.4:",
        "1.2.3.4:x", "[1.2.3.4]", "[::1", "[::1]x", "[::1]:x", "::1::", "for=1.2.3.4", '"1.2.3.4"',
        "1.2.3.4 5.6.7.8", "1" * 10_000, "١.٢.٣.٤", "1.2.3.4/8", "\x00", "0x7f.1.1.1", "2130706433",
    ],
)  # fmt: skip
def test_garbage_ends_the_walk_at_whoever_wrote_it(garbage: str) -> None:
    addresses = Addresses(TRUSTED)

    assert addresses.of("10.0.0.1", [garbage]) == "10.0.0.1"
    assert addresses.of("10.0.0.1", [f"198.51.100.7, {garbage}, 10.1.1.1"]) == "10.1.1.1"
    assert canonical(garbage) == UNKNOWN


def test_what_is_too_long_for_an_address_is_not_kept_in_memory() -> None:
    before = _spelled.cache_info().currsize

    assert canonical("192.0.2.1" + " " * 1000) == UNKNOWN
    assert _spelled.cache_info().currsize == before


def test_a_walk_has_an_end() -> None:
    own = [f"10.0.1.{n}" for n in range(MAX_HOPS + 1)]

    assert Addresses(TRUSTED).of("10.0.0.1", ["203.0.113.9", *own[1:]]) == "203.0.113.9"
    assert Addresses(TRUSTED).of("10.0.0.1", ["203.0.113.9", *own]) == "10.0.1.1"
    assert Addresses(TRUSTED).of("10.0.0.1", ["198.51.100.7," * 5000, *own]) == "10.0.1.1"


@pytest.mark.parametrize("peer", ["", "unknown", "/run/gateway.sock"])
def test_a_peer_without_an_address_is_unknown_and_trusted_by_nobody(peer: str) -> None:
    assert Addresses(TRUSTED).of(peer, ["203.0.113.9"]) == UNKNOWN


@pytest.mark.parametrize("trusted", ["0.0.0.0/0", "::/0", " ::/0 "])
def test_trusting_everybody_is_refused(trusted: str) -> None:
    with pytest.raises(ValueError, match="/0 would be everybody"):
        Addresses(("10.0.0.0/8", trusted))


@pytest.mark.parametrize(
    ("written", "spelled"),
    [
        ("2001:DB8:0:0::1", "2001:db8::1"),
        ("::FFFF:C000:0201", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::1"),
        (" 192.0.2.1\t", "192.0.2.1"),
    ],
)
def test_an_address_has_one_spelling(written: str, spelled: str) -> None:
    assert canonical(written) == spelled


@pytest.mark.parametrize(
    ("address", "who"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        (UNKNOWN, UNKNOWN),
    ],
)
def test_a_neighbourhood_is_one_subscriber(address: str, who: str) -> None:
    assert neighbourhood(address) == who


@pytest.mark.parametrize(
    ("cidrs", "address", "admitted"),
    [
        ((), "192.0.2.1", True),
        ((), UNKNOWN, True),
        (("192.0.2.0/24",), "192.0.2.255", True),
        (("192.0.2.0/24",), "192.0.3.0", False),
        (("192.0.2.0/24",), UNKNOWN, False),
        (("192.0.2.0/24", "2001:db8::/32"), "2001:db8::1", True),
        (("192.0.2.0/24",), "2001:db8::1", False),
        (("192.0.2.1",), "192.0.2.1", True),
        (("192.0.2.1",), "192.0.2.2", False),
        (("::ffff:192.0.2.0/120",), "192.0.2.7", True),
        (("::ffff:192.0.2.0/120",), "192.0.3.7", False),
        (("0.0.0.0/0",), "192.0.2.1", True),
    ],
)
def test_a_list_admits_who_is_in_it_and_an_empty_one_everybody(
    cidrs: tuple[str, ...], address: str, admitted: bool
) -> None:
    assert Networks(cidrs).admits(address) is admitted


@pytest.mark.parametrize(
    "cidr", ["", "office", "192.0.2.0/33", "192.0.2.1/24", "192.0.2", "192.0.2.0-192.0.2.9", "*"]
)
def test_what_is_no_network_is_told_at_start(cidr: str) -> None:
    for build in (Networks, Addresses):
        with pytest.raises(ValueError, match="is no network"):
            build((cidr,))
