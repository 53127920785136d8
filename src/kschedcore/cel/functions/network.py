"""Kubernetes' libraries of IP addresses and networks (k8s.io/apiserver/pkg/cel/library/{ip,cidr}.go)."""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Final, TypeAlias

from kschedcore.cel import types
from kschedcore.cel.comparison import NO_OVERLOAD
from kschedcore.cel.declarations import Library, function, method, overloads
from kschedcore.cel.errors import EvaluationError
from kschedcore.cel.values import CelValue, quoted

__all__ = ["CIDR", "CIDR_LIBRARY", "IP", "IP_LIBRARY"]

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

IP_TYPE: Final = types.opaque_type("net.IP")
CIDR_TYPE: Final = types.opaque_type("net.CIDR")
_HEX: Final = re.compile(r"[0-9a-fA-F]*")


def _wrong(text: str, problem: str, at: str = "") -> ValueError:
    place = f" (at {quoted(at)})" if at else ""
    return ValueError(f"ParseAddr({quoted(text)}): {problem}{place}")


def _parse(text: str) -> tuple[Address, str]:
    """Return an address and its zone (Go's ``netip.ParseAddr``, whose errors Kubernetes shows)."""
    for letter in text:
        if letter == ".":
            return IPv4Address(_four_bytes(text, text)), ""
        if letter == ":":
            return _six(text)
        if letter == "%":
            raise _wrong(text, "missing IPv6 address")
    raise _wrong(text, "unable to parse IP")


def _four_bytes(text: str, part: str) -> bytes:
    fields: list[int] = []
    value, digits = 0, 0
    for at, letter in enumerate(part):
        if "0" <= letter <= "9":
            if digits == 1 and value == 0:
                raise _wrong(text, "IPv4 field has octet with leading zero")
            value, digits = value * 10 + int(letter), digits + 1
            if value > 255:
                raise _wrong(text, "IPv4 field has value >255")
        elif letter == ".":
            if at in {0, len(part) - 1} or part[at - 1] == ".":
                raise _wrong(text, "IPv4 field must have at least one digit", part[at:])
            if len(fields) == 3:
                raise _wrong(text, "IPv4 address too long")
            fields.append(value)
            value, digits = 0, 0
        else:
            raise _wrong(text, "unexpected character", part[at:])
    if len(fields) < 3:
        raise _wrong(text, "IPv4 address too short")
    return bytes([*fields, value])


def _six(text: str) -> tuple[Address, str]:
    rest, percent, zone = text.partition("%")
    if percent and not zone:
        raise _wrong(text, "zone must be a non-empty string")
    octets = bytearray()
    gap = -1
    if rest.startswith("::"):
        gap, rest = 0, rest[2:]
    while rest and len(octets) < 16:
        found = _HEX.match(rest)
        digits = "" if found is None else found[0]
        if len(digits) > 4:
            raise _wrong(text, "each group must have 4 or less digits", rest)
        if not digits:
            raise _wrong(text, "each colon-separated field must have at least one digit", rest)
        if rest.startswith(".", len(digits)):
            if gap < 0 and len(octets) != 12:
                raise _wrong(
                    text, "embedded IPv4 address must replace the final 2 fields of the address", rest
                )
            if len(octets) > 12:
                raise _wrong(
                    text, "too many hex fields to fit an embedded IPv4 at the end of the address", rest
                )
            octets += _four_bytes(text, rest)
            rest = ""
            break
        octets += int(digits, 16).to_bytes(2, "big")
        rest = rest[len(digits) :]
        if not rest:
            break
        if rest[0] != ":":
            raise _wrong(text, "unexpected character, want colon", rest)
        if len(rest) == 1:
            raise _wrong(text, "colon must be followed by more characters", rest)
        rest = rest[1:]
        if rest[0] == ":":
            if gap >= 0:
                raise _wrong(text, "multiple :: in address", rest)
            gap, rest = len(octets), rest[1:]
    if rest:
        raise _wrong(text, "trailing garbage after address", rest)
    if len(octets) < 16:
        if gap < 0:
            raise _wrong(text, "address string too short")
        octets[gap:gap] = bytes(16 - len(octets))
    elif gap >= 0:
        raise _wrong(text, "the :: must expand to at least one field of zeros")
    return IPv6Address(bytes(octets)), zone


def _is_mapped(address: Address) -> bool:
    return isinstance(address, IPv6Address) and address.ipv4_mapped is not None


class IP(CelValue):
    """An IP address.

    Attributes:
        address: The address.
    """

    __slots__ = ("address",)

    cel_type = IP_TYPE

    def __init__(self, address: Address) -> None:
        self.address = address

    @classmethod
    def parse(cls, text: str) -> IP:
        """Read an address without zone.

        Raises:
            EvaluationError: It is invalid; the message is Kubernetes'.
        """
        try:
            address, zone = _parse(text)
        except ValueError as error:
            shown = f"IP Address {quoted(text)} parse error during conversion from string"
            raise EvaluationError(f"{shown}: {error}") from None
        if zone:
            raise EvaluationError(f"IP address {quoted(text)} with zone value is not allowed")
        if _is_mapped(address):
            raise EvaluationError(f"IPv4-mapped IPv6 address {quoted(text)} is not allowed")
        return cls(address)

    def cel_size(self) -> int:
        """Return the number of bytes."""
        return self.address.max_prefixlen // 8

    def __str__(self) -> str:
        return str(self.address)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, IP) and self.address == other.address

    def __hash__(self) -> int:
        return hash(self.address)

    @property
    def family(self) -> int:
        """4 or 6."""
        return self.address.version

    def is_in(self, four: str, six: str) -> bool:
        """Whether it is in a network of its family."""
        return self.address in ip_network(four if self.family == 4 else six)


def _is_link_local_multicast(given: IP) -> bool:
    if isinstance(given.address, IPv6Address):
        packed = given.address.packed
        return packed[0] == 0xFF and packed[1] & 0x0F == 0x02
    return given.is_in("224.0.0.0/24", "ff02::/16")


def _is_link_local_unicast(given: IP) -> bool:
    return given.is_in("169.254.0.0/16", "fe80::/10")


def _is_loopback(given: IP) -> bool:
    return given.is_in("127.0.0.0/8", "::1/128")


def _is_global_unicast(given: IP) -> bool:
    address = given.address
    return not (
        address.is_unspecified
        or address.is_multicast
        or str(address) == "255.255.255.255"
        or _is_loopback(given)
        or _is_link_local_unicast(given)
    )


def _is_canonical(text: str) -> bool:
    return str(IP.parse(text)) == text


def _parses(parse: Callable[[str], object]) -> Callable[[str], bool]:
    def holds(text: str) -> bool:
        try:
            parse(text)
        except EvaluationError:
            return False
        return True

    return holds


class CIDR(CelValue):
    """An address with the length of its network's prefix.

    Attributes:
        address: The address, which need not be the network's first one.
        bits: The length.
    """

    __slots__ = ("address", "bits")

    cel_type = CIDR_TYPE

    def __init__(self, address: Address, bits: int) -> None:
        self.address = address
        self.bits = bits

    @classmethod
    def parse(cls, text: str) -> CIDR:
        """Read ``10.0.0.0/8``.

        Raises:
            EvaluationError: It is invalid; the message is Kubernetes'.
        """
        try:
            address, bits = _parse_prefix(text)
        except ValueError as error:
            twice = 2 * "network address parse error during conversion from string: "
            raise EvaluationError(f"{twice}{error}") from None
        if _is_mapped(address):
            once = "network address parse error during conversion from string: "
            raise EvaluationError(f"{once}IPv4-mapped IPv6 address {quoted(text)} is not allowed")
        return cls(address, bits)

    @property
    def network(self) -> Network:
        """The network."""
        return ip_network((self.address, self.bits), strict=False)

    def cel_size(self) -> int:
        """Return the number of bytes of the prefix."""
        return -(-self.bits // 8)

    def __str__(self) -> str:
        return f"{self.address}/{self.bits}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CIDR) and (self.address, self.bits) == (other.address, other.bits)

    def __hash__(self) -> int:
        return hash((self.address, self.bits))


def _parse_prefix(text: str) -> tuple[Address, int]:
    where = f"netip.ParsePrefix({quoted(text)}): "
    before, slash, bits = text.rpartition("/")
    if not slash:
        raise ValueError(f"{where}no '/'")
    try:
        address, zone = _parse(before)
    except ValueError as error:
        raise ValueError(f"{where}{error}") from None
    if zone:
        raise ValueError(f"{where}IPv6 zones cannot be present in a prefix")
    if not re.fullmatch(r"0|[1-9][0-9]{0,8}", bits):
        raise ValueError(f"{where}bad bits after slash: {quoted(bits)}")
    if int(bits) > address.max_prefixlen:
        raise ValueError(f"{where}prefix length out of range")
    return address, int(bits)


def _contains_ip(given: CIDR, other: IP) -> bool:
    return given.address.version == other.family and other.address in given.network


def _contains_ip_text(given: CIDR, text: str) -> bool:
    try:
        other = IP.parse(text)
    except EvaluationError:
        # Kubernetes' error has no reason.
        raise EvaluationError(NO_OVERLOAD) from None
    return _contains_ip(given, other)


def _contains_cidr(given: CIDR, other: CIDR) -> bool:
    if given.address.version != other.address.version or given.bits > other.bits:
        return False
    return other.network.network_address in given.network


def _masked(given: CIDR) -> CIDR:
    return CIDR(given.network.network_address, given.bits)


_S: Final = types.STRING

IP_LIBRARY: Final = Library(
    "kubernetes.net.ip",
    overloads(
        ("ip", [function("string_to_ip", (_S,), IP_TYPE, IP.parse)]),
        ("family", [method("ip_family", (IP_TYPE,), types.INT, lambda given: given.family)]),
        ("ip.isCanonical", [function("ip_is_canonical", (_S,), types.BOOL, _is_canonical)]),
        (
            "isUnspecified",
            [method("ip_is_unspecified", (IP_TYPE,), types.BOOL, lambda given: given.address.is_unspecified)],
        ),
        ("isLoopback", [method("ip_is_loopback", (IP_TYPE,), types.BOOL, _is_loopback)]),
        (
            "isLinkLocalMulticast",
            [method("ip_is_link_local_multicast", (IP_TYPE,), types.BOOL, _is_link_local_multicast)],
        ),
        (
            "isLinkLocalUnicast",
            [method("ip_is_link_local_unicast", (IP_TYPE,), types.BOOL, _is_link_local_unicast)],
        ),
        ("isGlobalUnicast", [method("ip_is_global_unicast", (IP_TYPE,), types.BOOL, _is_global_unicast)]),
        ("isIP", [function("is_ip", (_S,), types.BOOL, _parses(IP.parse))]),
        ("string", [function("ip_to_string", (IP_TYPE,), _S, str)]),
    ),
    type_names=(IP_TYPE,),
)

CIDR_LIBRARY: Final = Library(
    "kubernetes.net.cidr",
    overloads(
        ("cidr", [function("string_to_cidr", (_S,), CIDR_TYPE, CIDR.parse)]),
        (
            "containsIP",
            [
                method(
                    "cidr_contains_ip_string",
                    (CIDR_TYPE, _S),
                    types.BOOL,
                    _contains_ip_text,
                ),
                method("cidr_contains_ip_ip", (CIDR_TYPE, IP_TYPE), types.BOOL, _contains_ip),
            ],
        ),
        (
            "containsCIDR",
            [
                method(
                    "cidr_contains_cidr_string",
                    (CIDR_TYPE, _S),
                    types.BOOL,
                    lambda given, text: _contains_cidr(given, CIDR.parse(text)),
                ),
                method("cidr_contains_cidr", (CIDR_TYPE, CIDR_TYPE), types.BOOL, _contains_cidr),
            ],
        ),
        ("ip", [method("cidr_ip", (CIDR_TYPE,), IP_TYPE, lambda given: IP(given.address))]),
        ("prefixLength", [method("cidr_prefix_length", (CIDR_TYPE,), types.INT, lambda given: given.bits)]),
        ("masked", [method("cidr_masked", (CIDR_TYPE,), CIDR_TYPE, _masked)]),
        ("isCIDR", [function("is_cidr", (_S,), types.BOOL, _parses(CIDR.parse))]),
        ("string", [function("cidr_to_string", (CIDR_TYPE,), _S, str)]),
    ),
    type_names=(CIDR_TYPE,),
)
