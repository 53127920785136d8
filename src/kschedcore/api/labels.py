"""Validation of names, labels and similar texts (apimachinery ``pkg/util/validation``).

Every ``is_…`` function returns the errors of its argument, with the API server's messages: an empty tuple if it is
valid. Each message is reported separately after ``Invalid value: …:``.
"""

from __future__ import annotations

import ipaddress
import re

from kschedcore.api.machinery.remembered import remembered

__all__ = [
    "is_cidr", "is_config_map_key", "is_dns1035_label", "is_dns1123_label", "is_dns1123_subdomain", "is_env_var_name",
    "is_http_header_name", "is_ip", "is_label_value", "is_path_segment_name", "is_path_segment_prefix",
    "is_port_name", "is_qualified_name", "is_search_domain", "is_wildcard_dns1123_subdomain",
]  # fmt: skip

_LABEL_MAX_BYTES = 63
_SUBDOMAIN_MAX_BYTES = 253
_PORT_NAME_MAX_BYTES = 15

_EMPTY = "must be non-empty"
_ALPHANUMERIC_ENDS = "must start and end with an alphanumeric character"


class _Form:
    """A regular expression that a text must match, and the message if it does not."""

    __slots__ = ("matches", "message", "pattern")

    def __init__(self, pattern: str, rule: str, *examples: str) -> None:
        shown = " or ".join(f"'{example}', " for example in examples)
        self.pattern = pattern
        self.matches = re.compile(pattern).fullmatch
        self.message = f"{rule} (e.g. {shown}regex used for validation is '{pattern}')"


_NAME = _Form(
    "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]",
    f"must consist of alphanumeric characters, '-', '_' or '.', and {_ALPHANUMERIC_ENDS}",
    "MyName", "my.name", "123-abc",
)  # fmt: skip
_LABEL_VALUE = _Form(
    f"({_NAME.pattern})?",
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', "
    f"and {_ALPHANUMERIC_ENDS}",
    "MyValue", "my_value", "12345",
)  # fmt: skip
_DNS1123_LABEL = _Form(
    "[a-z0-9]([-a-z0-9]*[a-z0-9])?",
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', "
    f"and {_ALPHANUMERIC_ENDS}",
    "my-name", "123-abc",
)  # fmt: skip
_DNS1123_SUBDOMAIN = _Form(
    rf"{_DNS1123_LABEL.pattern}(\.{_DNS1123_LABEL.pattern})*",
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', "
    f"and {_ALPHANUMERIC_ENDS}",
    "example.com",
)  # fmt: skip
_UNDERSCORED_LABEL = "_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?"
_UNDERSCORED_SUBDOMAIN = _Form(
    rf"{_UNDERSCORED_LABEL}(\.{_UNDERSCORED_LABEL})*",
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', "
    f"and {_ALPHANUMERIC_ENDS}",
    "example.com",
)  # fmt: skip
_WILDCARD_DNS1123_SUBDOMAIN = _Form(
    rf"\*\.{_DNS1123_SUBDOMAIN.pattern}",
    "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must "
    "consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
    "*.example.com",
)
_DNS1035_LABEL = _Form(
    "[a-z]([-a-z0-9]*[a-z0-9])?",
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic "
    "character, and end with an alphanumeric character",
    "my-name", "abc-123",
)  # fmt: skip
_CONFIG_MAP_KEY = _Form(
    "[-._a-zA-Z0-9]+",
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
    "key.name", "KEY_NAME", "key-name",
)  # fmt: skip
_HTTP_HEADER_NAME = _Form(
    "[-A-Za-z0-9]+", "a valid HTTP header must consist of alphanumeric characters or '-'", "X-Header-Name"
)

_PRINTABLE_BUT_EQUALS = re.compile(r"[ -<>-~]*")
_PORT_NAME_CHARACTERS = re.compile("[-a-z0-9]+")
_LEADING_ZEROS = re.compile("(?<![0-9A-Fa-f])0+(?=[0-9A-Fa-f])")


def _problems(text: str, form: _Form, most: int | None = None, unit: str = "characters") -> tuple[str, ...]:
    problems = () if most is None else _too_long(text, most, unit)
    return problems if form.matches(text) else (*problems, form.message)


def _too_long(text: str, most: int, unit: str = "characters") -> tuple[str, ...]:
    # Kubernetes counts bytes; since v1.36 its messages about label keys and values name bytes.
    if len(text.encode("utf-8", "surrogatepass")) <= most:
        return ()
    return (f"must be no more than {most} {unit}",)


@remembered
def is_qualified_name(text: str) -> tuple[str, ...]:
    """A label key or resource name: ``name`` or ``example.com/name``, the name of at most 63 bytes."""
    prefix, slash, name = text.rpartition("/")
    if "/" in prefix:
        return (
            f"a valid label key {_NAME.message} with an optional DNS subdomain prefix and '/' "
            "(e.g. 'example.com/MyName')",
        )
    prefix_problems: tuple[str, ...] = (_EMPTY,) if slash else ()
    if prefix:
        prefix_problems = _problems(prefix, _DNS1123_SUBDOMAIN, _SUBDOMAIN_MAX_BYTES, "bytes")
    name_problems = _problems(name, _NAME, _LABEL_MAX_BYTES, "bytes")
    if not name:
        name_problems = (_EMPTY, *name_problems)
    return (
        *(f"prefix part {problem}" for problem in prefix_problems),
        *(f"name part {problem}" for problem in name_problems),
    )


@remembered
def is_label_value(text: str) -> tuple[str, ...]:
    """A label's value: empty, or at most 63 bytes of alphanumerics, dashes, underscores and dots."""
    return _problems(text, _LABEL_VALUE, _LABEL_MAX_BYTES, "bytes")


def is_dns1123_label(text: str) -> tuple[str, ...]:
    """A namespace's or a container's name: at most 63 bytes, no dots."""
    problems = _too_long(text, _LABEL_MAX_BYTES)
    if _DNS1123_LABEL.matches(text):
        return problems
    dotted = _DNS1123_SUBDOMAIN.matches(text)
    return (*problems, "must not contain dots" if dotted else _DNS1123_LABEL.message)


def is_dns1123_subdomain(text: str) -> tuple[str, ...]:
    """The name of most objects: at most 253 bytes."""
    return _problems(text, _DNS1123_SUBDOMAIN, _SUBDOMAIN_MAX_BYTES)


def is_search_domain(text: str) -> tuple[str, ...]:
    """A domain in which a pod's resolver searches: a subdomain whose labels may begin with and contain underscores."""
    return _problems(text, _UNDERSCORED_SUBDOMAIN, _SUBDOMAIN_MAX_BYTES)


def is_wildcard_dns1123_subdomain(text: str) -> tuple[str, ...]:
    """A host such as ``*.example.com``."""
    return _problems(text, _WILDCARD_DNS1123_SUBDOMAIN, _SUBDOMAIN_MAX_BYTES)


def is_dns1035_label(text: str) -> tuple[str, ...]:
    """A service's name: a DNS label that begins with a letter."""
    return _problems(text, _DNS1035_LABEL, _LABEL_MAX_BYTES)


def is_config_map_key(text: str) -> tuple[str, ...]:
    """A key of a ConfigMap's or Secret's data."""
    return _problems(text, _CONFIG_MAP_KEY, _SUBDOMAIN_MAX_BYTES) + _changes_directory(text)


def _changes_directory(text: str) -> tuple[str, ...]:
    # The key becomes a file name when the data is mounted.
    if text in (".", ".."):
        return (f"must not be '{text}'",)
    return ("must not start with '..'",) if text.startswith("..") else ()


def is_env_var_name(text: str) -> tuple[str, ...]:
    """A container's environment variable (KEP-4369): printable ASCII without ``=``."""
    if not text:
        return (f"environment variable name {_EMPTY}",)
    if _PRINTABLE_BUT_EQUALS.fullmatch(text):
        return ()
    return (
        "a valid environment variable name must consist only of printable ASCII characters other than '='",
    )


def is_http_header_name(text: str) -> tuple[str, ...]:
    """A header of an HTTP probe."""
    return _problems(text, _HTTP_HEADER_NAME)


def is_port_name(text: str) -> tuple[str, ...]:
    """A port's name (RFC 6335, lower case): at most 15 bytes, with at least one letter."""
    problems = list(_too_long(text, _PORT_NAME_MAX_BYTES))
    if not _PORT_NAME_CHARACTERS.fullmatch(text):
        problems.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
    if not re.search("[a-z]", text):
        problems.append("must contain at least one letter (a-z)")
    if "--" in text:
        problems.append("must not contain consecutive hyphens")
    if text.startswith("-") or text.endswith("-"):
        problems.append("must not begin or end with a hyphen")
    return tuple(problems)


def is_ip(text: str) -> tuple[str, ...]:
    """An IPv4 or IPv6 address in unambiguous notation (KEP-4858, on since v1.36)."""
    try:
        if "%" in text:
            raise ValueError(text)
        address = ipaddress.ip_address(_LEADING_ZEROS.sub("", text))
    except ValueError:
        return ("must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)",)
    if isinstance(address, ipaddress.IPv6Address):
        return ("must not be an IPv4-mapped IPv6 address",) if address.ipv4_mapped else ()
    return ("must not have leading 0s",) if str(address) != text else ()


def is_cidr(text: str) -> tuple[str, ...]:
    """A network such as ``10.9.8.0/24``, with no bits beyond its prefix (KEP-4858, on since v1.36)."""
    address, _, length = text.partition("/")
    try:
        if not length.isdecimal() or "%" in address:
            raise ValueError(text)
        interface = ipaddress.ip_interface(f"{_LEADING_ZEROS.sub('', address)}/{int(length)}")
    except ValueError:
        return ("must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)",)
    is_v4 = isinstance(interface, ipaddress.IPv4Interface)
    if length != str(int(length)) or (is_v4 and str(interface.ip) != address):
        return ("must not have leading 0s in IP or prefix length",)
    if isinstance(interface.ip, ipaddress.IPv6Address) and interface.ip.ipv4_mapped:
        return ("must not have an IPv4-mapped IPv6 address",)
    if interface.ip != interface.network.network_address:
        return ("must not have bits set beyond the prefix length",)
    return ()


def is_path_segment_name(text: str) -> tuple[str, ...]:
    """A name that is valid as a URL path segment: the rule of kinds without a stricter one."""
    if text in (".", ".."):
        return (f"may not be '{text}'",)
    return is_path_segment_prefix(text)


def is_path_segment_prefix(text: str) -> tuple[str, ...]:
    """The prefix of a generated name that is valid as a URL path segment."""
    return tuple(f"may not contain '{character}'" for character in "/%" if character in text)
