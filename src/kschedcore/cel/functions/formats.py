"""Kubernetes' library of named formats: ``format.dns1123Label().validate(name)``."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from datetime import date
from typing import Final

from kschedcore.cel import types
from kschedcore.cel.declarations import Library, function, method, overloads
from kschedcore.cel.functions.urls import request_uri_problem
from kschedcore.cel.metering import matching
from kschedcore.cel.values import NONE, CelValue, Optional, Value

__all__ = ["FORMATS", "LIBRARY", "Format"]

TYPE: Final = types.object_type("kubernetes.NamedFormat")

_LABEL: Final = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN: Final = rf"{_LABEL}(\.{_LABEL})*"
_LABEL_1035: Final = "[a-z]([-a-z0-9]*[a-z0-9])?"
_NAME: Final = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_LABEL_VALUE: Final = f"({_NAME})?"
_ALPHANUMERIC: Final = "must start and end with an alphanumeric character"
_LETTERS: Final = f"alphanumeric characters, '-', '_' or '.', and {_ALPHANUMERIC}"
_UUID: Final = r"(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$"
_TIME: Final = r"^([0-9]{2}):([0-9]{2}):([0-9]{2})(.[0-9]+)?(z|([+-][0-9]{2}:[0-9]{2}))$"
_MAX_LABEL: Final = 63
_MAX_SUBDOMAIN: Final = 253
_MAX_URI: Final = 1103
_MAX_BASE64: Final = 84


class Format(CelValue):
    """A named format.

    Attributes:
        name: Its name.
        problems: Returns the errors of a text.
        pattern_size: The size of a regular expression that would check it, for the cost model.
    """

    __slots__ = ("name", "pattern_size", "problems")

    cel_type = TYPE

    def __init__(self, name: str, problems: Callable[[str], list[str]], pattern_size: int) -> None:
        self.name = name
        self.problems = problems
        self.pattern_size = pattern_size

    def __str__(self) -> str:
        return self.name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Format) and self.name == other.name

    def __hash__(self) -> int:
        return hash(self.name)


def _pattern_problem(rule: str, pattern: str, *examples: str) -> str:
    shown = ",  or ".join(f"'{each}'" for each in examples)
    return f"{rule} (e.g. {shown}, regex used for validation is '{pattern}')"


def _checked(
    text: str, longest: int, pattern: str, rule: str, *examples: str, unit: str = "characters"
) -> list[str]:
    found: list[str] = []
    if len(text.encode("utf-8", "surrogatepass")) > longest:
        found.append(f"must be no more than {longest} {unit}")
    if not re.fullmatch(pattern, text):
        found.append(_pattern_problem(rule, pattern, *examples))
    return found


def _label(text: str) -> list[str]:
    rule = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and"
    rule = f"{rule} {_ALPHANUMERIC}"
    found = _checked(text, _MAX_LABEL, _LABEL, rule, "my-name", "123-abc")
    if found and re.fullmatch(_SUBDOMAIN, text):
        # Kubernetes has a separate message if only the dots are invalid.
        found[-1] = found[-1] if not found[-1].startswith("a lowercase") else "must not contain dots"
    return found


def _subdomain(text: str) -> list[str]:
    rule = (
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and"
    )
    return _checked(text, _MAX_SUBDOMAIN, _SUBDOMAIN, f"{rule} {_ALPHANUMERIC}", "example.com")


def _label_1035(text: str) -> list[str]:
    rule = (
        "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic"
        " character, and end with an alphanumeric character"
    )
    return _checked(text, _MAX_LABEL, _LABEL_1035, rule, "my-name", "abc-123")


def _label_value(text: str) -> list[str]:
    rule = f"a valid label must be an empty string or consist of {_LETTERS}"
    return _checked(text, _MAX_LABEL, _LABEL_VALUE, rule, "MyValue", "my_value", "12345", unit="bytes")


def _qualified_name(text: str) -> list[str]:
    parts = text.split("/")
    rule = f"must consist of {_LETTERS}"
    examples = ("MyName", "my.name", "123-abc")
    if len(parts) > 2:
        prefix = " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
        return [f"a valid label key {_pattern_problem(rule, _NAME, *examples)}{prefix}"]
    found: list[str] = []
    if len(parts) == 2:
        if not parts[0]:
            found.append("prefix part must be non-empty")
        else:
            found += [f"prefix part {each}" for each in _subdomain(parts[0])]
    name = parts[-1]
    if not name:
        found.append("name part must be non-empty")
    elif len(name.encode("utf-8", "surrogatepass")) > _MAX_LABEL:
        found.append(f"name part must be no more than {_MAX_LABEL} bytes")
    if not re.fullmatch(_NAME, name):
        found.append(f"name part {_pattern_problem(rule, _NAME, *examples)}")
    return found


def _prefix(check: Callable[[str], list[str]]) -> Callable[[str], list[str]]:
    """Return the check of a name prefix, which may end with a hyphen."""
    return lambda text: check(f"{text[:-2]}a" if len(text) > 1 and text.endswith("-") else text)


def _uri(text: str) -> list[str]:
    problem = request_uri_problem(text)
    return [problem] if problem else []


def _test(holds: Callable[[str], bool], problem: str) -> Callable[[str], list[str]]:
    return lambda text: [] if holds(text) else [problem]


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode(re.sub(r"[\r\n]", "", text), validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _is_date(text: str) -> bool:
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        return False
    try:
        date(int(text[:4]) or 400, int(text[5:7]), int(text[8:]))
    except ValueError:
        return False
    return True


def _is_datetime(text: str) -> bool:
    day, separator, time = text.lower().partition("t")
    found = re.fullmatch(_TIME.strip("^$"), time)
    if not separator or not _is_date(day) or found is None:
        return False
    return int(found[1]) <= 23 and int(found[2]) <= 59 and int(found[3]) <= 59


FORMATS: Final = {
    "dns1123Label": Format("DNS1123Label", _label, 30),
    "dns1123Subdomain": Format("DNS1123Subdomain", _subdomain, 60),
    "dns1035Label": Format("DNS1035Label", _label_1035, 30),
    "qualifiedName": Format("QualifiedName", _qualified_name, 60),
    "dns1123LabelPrefix": Format("DNS1123LabelPrefix", _prefix(_label), 30),
    "dns1123SubdomainPrefix": Format("DNS1123SubdomainPrefix", _prefix(_subdomain), 60),
    "dns1035LabelPrefix": Format("DNS1035LabelPrefix", _prefix(_label_1035), 30),
    "labelValue": Format("LabelValue", _label_value, 40),
    "uri": Format("URI", _uri, _MAX_URI),
    "uuid": Format(
        "uuid",
        _test(
            lambda text: bool(re.fullmatch(_UUID.replace("^", "").replace("$", ""), text)),
            "does not match the UUID format",
        ),
        len(_UUID),
    ),
    "byte": Format("byte", _test(_is_base64, "invalid base64"), _MAX_BASE64),
    "date": Format("date", _test(_is_date, "invalid date"), len(_TIME)),
    "datetime": Format("datetime", _test(_is_datetime, "invalid datetime"), len(_TIME)),
}
"""The formats by their names for ``format.named``."""


def _named(name: str) -> Optional:
    found = FORMATS.get(name)
    return NONE if found is None else Optional(found)


def _validate(given: Format, text: str) -> Optional:
    problems = given.problems(text)
    return Optional(problems) if problems else NONE


def _meter(arguments: tuple[Value, ...], _result: Value) -> int:
    return matching(arguments[1], arguments[0].pattern_size)


def _constant(found: Format) -> Callable[[], Format]:
    return lambda: found


LIBRARY: Final = Library(
    "kubernetes.format",
    overloads(
        (
            "validate",
            [
                method(
                    "format-validate",
                    (TYPE, types.STRING),
                    types.optional_of(types.list_of(types.STRING)),
                    _validate,
                    meter=_meter,
                )
            ],
        ),
        ("format.named", [function("format-named", (types.STRING,), types.optional_of(TYPE), _named)]),
        *(
            (f"format.{name}", [function(f"format.{name}", (), TYPE, _constant(each))])
            for name, each in FORMATS.items()
        ),
    ),
)
