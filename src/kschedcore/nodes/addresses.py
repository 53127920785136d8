"""Addresses of nodes and pods."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

__all__ = ["NODES", "PODS", "AddressPool"]

NODES = "10.0.0.0/11"
"""Where nodes get an address that have none."""

PODS = "10.128.0.0/9"
"""Where pods get theirs when their node has no ``podCIDR``."""


class AddressPool:
    """Hands out the addresses of a network in order, and those that were given back when it comes round.

    Args:
        network: In CIDR notation; its first and last address are left out.
    """

    def __init__(self, network: str) -> None:
        bounds = IPv4Network(network, strict=False)
        self._first = int(bounds.network_address) + 1
        self._size = max(bounds.num_addresses - 2, 1)
        self._next = 0
        self._taken: set[str] = set()

    def take(self) -> str:
        """An address that nobody has.

        Raises:
            LookupError: All are taken.
        """
        for _ in range(self._size):
            address = str(IPv4Address(self._first + self._next))
            self._next = (self._next + 1) % self._size
            if address not in self._taken:
                self._taken.add(address)
                return address
        raise LookupError("no IP addresses available in the range of the node's pods")

    def keep(self, address: str) -> None:
        """Somebody has this address already; those after it come next."""
        self._taken.add(address)
        try:
            place = int(IPv4Address(address)) - self._first + 1
        except ValueError:
            return
        if self._next < place <= self._size:
            self._next = place % self._size

    def give(self, address: str) -> None:
        """Nobody has this address any more."""
        self._taken.discard(address)
