"""Where a request comes from: behind the proxies we trust, and from networks we let in."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

UNKNOWN = "unknown"
"""Where somebody is who comes from no address: a socket in the file system, a garbled hop."""
MAX_HOPS = 20
MAX_LENGTH = 64
SUBSCRIBER_BITS = 64
"""What one subscriber of IPv6 has to choose from is one address of IPv4."""
MAPPED_BITS = 96


class Networks:
    """A list of networks; an empty one lets everybody in. Raises ValueError for what is none."""

    def __init__(self, cidrs: Iterable[str] = ()) -> None:
        self._networks = tuple(_network(cidr) for cidr in cidrs)
        self._known = lru_cache(maxsize=4096)(self._search)

    def __bool__(self) -> bool:
        return bool(self._networks)

    def admits(self, address: str) -> bool:
        """Whether `address` is in one of the networks."""
        return not self._networks or self._known(address)

    def _search(self, address: str) -> bool:
        found = _address(address)
        return found is not None and any(found in network for network in self._networks)


class Addresses:
    """Tells the address of a client from those of the proxies between us, which are listed.

    Raises ValueError for a list that holds no networks, or everybody: whoever trusts everybody's
    word lets each client choose its address.
    """

    def __init__(self, trusted: tuple[str, ...] = ()) -> None:
        if any(cidr.strip().endswith("/0") for cidr in trusted):
            raise ValueError("Trusted proxies are some networks, not all: /0 would be everybody.")
        self._trusted = Networks(trusted)

    def is_trusted(self, peer: str) -> bool:
        """Whether `peer` is one of the proxies between us and everybody."""
        return bool(self._trusted) and self._trusted.admits(canonical(peer))

    def of(self, peer: str, forwarded: Sequence[str]) -> str:
        """The client's address, of `peer` and what X-Forwarded-For said, first value first.

        Each proxy adds the address it was called from on the right. We go left as far as we trust
        who wrote it; what cannot be read ends the walk at whoever wrote that.
        """
        address = canonical(peer)
        if not self._trusted or not forwarded or not self._trusted.admits(address):
            return address
        # What is further left stays in one piece, which is no address.
        for hop in reversed(",".join(forwarded).rsplit(",", MAX_HOPS)):
            found = canonical(hop)
            if found == UNKNOWN:
                return address
            address = found
            if not self._trusted.admits(address):
                return address
        return address


def canonical(text: str) -> str:
    """The one spelling of an address, with or without a port; `unknown` for what is none."""
    return _spelled(text) if len(text) <= MAX_LENGTH else UNKNOWN


def neighbourhood(address: str) -> str:
    """Whom an address stands for when requests are counted: itself, or its /64 for IPv6."""
    found = _address(address)
    if not isinstance(found, IPv6Address):
        return address
    return str(IPv6Network((found, SUBSCRIBER_BITS), strict=False))


@lru_cache(maxsize=16_384)
def _spelled(text: str) -> str:
    found = _address(_without_port(text.strip(" \t")))
    return UNKNOWN if found is None else str(found)


def _without_port(hop: str) -> str:
    """`192.0.2.1:80` and `[2001:db8::1]:80` are how some proxies write; a port must be a number."""
    if hop.startswith("["):
        host, bracket, port = hop[1:].partition("]")
        is_written_so = bracket and (not port or (port[0] == ":" and port[1:].isdecimal()))
        return host if is_written_so and ":" in host else ""
    host, colon, port = hop.partition(":")
    return host if colon and "." in host and port.isdecimal() else hop


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(text)
    except ValueError:
        return None
    if isinstance(found, IPv6Address):
        return found.ipv4_mapped or IPv6Address(int(found))  # without the zone
    return found


def _network(cidr: str) -> IPv4Network | IPv6Network:
    try:
        found = ip_network(cidr.strip())
    except ValueError as error:
        raise ValueError(f"{cidr!r} is no network such as 192.0.2.0/24: {error}.") from error
    if isinstance(found, IPv6Network) and found.prefixlen >= MAPPED_BITS:
        mapped = found.network_address.ipv4_mapped
        return IPv4Network((mapped, found.prefixlen - MAPPED_BITS)) if mapped else found
    return found
