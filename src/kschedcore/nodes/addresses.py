"""Addresses of nodes and pods."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

__all__ = ["NODES", "PODS", "AddressPool"]

NODES = "10.0.0.0/11"
"""The network for addresses of nodes that have none."""

PODS = "10.128.0.0/9"
"""The network for pods whose node has no ``podCIDR``."""


class AddressPool:
    """Allocates the free addresses of a network in order, and wraps around at its end.

    Args:
        network: In CIDR notation, IPv4 or IPv6; the first and last address are not allocated, unless it has just one.

    Raises:
        ValueError: ``network`` is not a network.
    """

    def __init__(self, network: str) -> None:
        bounds = ip_network(network, strict=False)
        self._address = type(bounds.network_address)
        self._first = int(bounds.network_address) + (bounds.num_addresses > 1)
        self._size = max(bounds.num_addresses - 2, 1)
        self._next = 0
        self._taken: set[str] = set()

    def take(self) -> str:
        """Allocate a free address and return it.

        Raises:
            LookupError: All addresses are allocated.
        """
        for _ in range(self._size):
            address = str(self._address(self._first + self._next))
            self._next = (self._next + 1) % self._size
            if address not in self._taken:
                self._taken.add(address)
                return address
        raise LookupError("no IP addresses available in the range of the node's pods")

    def keep(self, address: str) -> None:
        """Mark an address as allocated; allocation continues after it."""
        self._taken.add(address)
        try:
            found = ip_address(address)
        except ValueError:
            return
        if not isinstance(found, self._address):
            return
        place = int(found) - self._first + 1
        if self._next < place <= self._size:
            self._next = place % self._size

    def give(self, address: str) -> None:
        """Mark an address as free."""
        self._taken.discard(address)
