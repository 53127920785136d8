"""Selectors of devices (resource.k8s.io, k8s.io/dynamic-resource-allocation/cel).

A selector is an expression of one variable, ``device``::

    device.driver == "gpu.example.com" && device.attributes["gpu.example.com"].memory > 30

Attributes and capacities without a domain have the driver's name as domain. A missing domain is an empty map, so that
a selection from it fails with ``no such key``.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, Final

from kschedcore.api.quantity import Quantity
from kschedcore.cel import types
from kschedcore.cel.comparison import contains, equal
from kschedcore.cel.cost import FIXED_ONE, CallEstimate, CostNode, Estimator, Range
from kschedcore.cel.declarations import Declared, Library, declared_map, declared_object, method, overloads
from kschedcore.cel.environment import Environment, Program
from kschedcore.cel.errors import CompileError, EvaluationError
from kschedcore.cel.functions.quantity import TYPE as QUANTITY
from kschedcore.cel.functions.semver import Semver
from kschedcore.cel.kubernetes import BINDINGS_LIBRARY, base_environment
from kschedcore.cel.values import Value, type_name

__all__ = [
    "MAX_COST",
    "MAX_LENGTH",
    "Device",
    "Selector",
    "Selectors",
    "compile_selector",
    "device_environment",
]

MAX_COST: Final = 1_000_000
"""Maximum cost of one evaluation of a selector (``CELSelectorExpressionMaxCost``)."""
MAX_LENGTH: Final = 10_240
"""Maximum length of a selector in bytes (``CELSelectorExpressionMaxLength``)."""

_MAX_DOMAIN: Final = 63
_MAX_ID: Final = 32
_MAX_ATTRIBUTE: Final = 64
_MAX_ENTRIES: Final = 32
_MAX_LIST: Final = 48
_NOT_BOOL: Final = {
    "int": "unsupported type conversion from 'int' to bool",
    "kubernetes.Semver": "type conversion error from 'Semver' to 'bool'",
    "string": "unsupported native conversion from string to 'bool'",
}
_DEVICE_WITHOUT_DRIVER: Final = re.compile(r"\bdevice\b(?!\s*\.\s*driver\b)")
_MOST_DRIVERS: Final = 256
_EMPTY: Final[Mapping[str, Value]] = MappingProxyType({})


class _Domains(Mapping[str, Mapping[str, Value]]):
    """A map by domain; looking up a missing domain gives an empty map, though it is not in the map."""

    __slots__ = ("_found",)

    def __init__(self, found: Mapping[str, Mapping[str, Value]]) -> None:
        self._found = found

    def __getitem__(self, domain: str) -> Mapping[str, Value]:
        return self._found[domain]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def __contains__(self, domain: object) -> bool:
        return domain in self._found

    def get(self, domain: str, default: Any = None) -> Any:
        """Return a domain's map, an empty one if there is none, regardless of the default."""
        del default
        return self._found.get(domain, _EMPTY)


class Device:
    """A device as the variable of selectors.

    Attributes:
        bindings: The value of the variable ``device``.
    """

    __slots__ = ("bindings",)

    def __init__(self, bindings: Mapping[str, Value]) -> None:
        self.bindings = bindings

    @classmethod
    def of(cls, driver: str, device: Mapping[str, Any]) -> Device:
        """Return a device of a ResourceSlice.

        Args:
            driver: The slice's driver.
            device: The entry of ``spec.devices``, as in the API.

        Raises:
            EvaluationError: An attribute has no supported value; the message is kube-scheduler's.
        """
        attributes: dict[str, dict[str, Value]] = {}
        for name, given in (device.get("attributes") or {}).items():
            domain, key = _split(name, driver)
            attributes.setdefault(domain, {})[key] = _attribute(name, given)
        capacity: dict[str, dict[str, Value]] = {}
        for name, given in (device.get("capacity") or {}).items():
            domain, key = _split(name, driver)
            capacity.setdefault(domain, {})[key] = Quantity.parse(given["value"])
        seen = {
            "driver": driver,
            "allowMultipleAllocations": bool(device.get("allowMultipleAllocations")),
            "attributes": _Domains(attributes),
            "capacity": _Domains(capacity),
        }
        return cls({"device": seen})


def _split(name: str, driver: str) -> tuple[str, str]:
    domain, slash, key = name.partition("/")
    return (domain, key) if slash else (driver, name)


def _attribute(name: str, given: Mapping[str, Any]) -> Value:
    for kind in ("int", "bool", "string"):
        if given.get(kind) is not None:
            return given[kind]
    version = given.get("version")
    if version is None:
        raise EvaluationError(f"attribute {name}: unsupported attribute value")
    try:
        return Semver.parse(version)
    except ValueError as error:
        raise EvaluationError(f"attribute {name}: parse semantic version: {error}") from None


def _includes(target: Value, wanted: Value) -> bool:
    if not isinstance(target, list | tuple):
        try:
            return equal(target, wanted)
        except EvaluationError:
            return False
    if len(target) > _MAX_LIST and not contains(target[:_MAX_LIST], wanted):
        problem = f"'includes' function cannot be applied to lists longer than {_MAX_LIST} values"
        raise EvaluationError(problem)
    return contains(target, wanted)


def _includes_estimate(
    _estimator: Estimator, _target: CostNode | None, _arguments: list[CostNode]
) -> CallEstimate:
    return CallEstimate(Range(0, _MAX_LIST).times(FIXED_ONE))


_LIBRARY: Final = Library(
    "devices",
    overloads(
        (
            "includes",
            [
                method(
                    "dra_includes_dyn_dyn",
                    (types.DYN, types.DYN),
                    types.BOOL,
                    _includes,
                    estimate=_includes_estimate,
                )
            ],
        ),
    ),
)


@cache
def device_environment() -> Environment:
    """Return the environment that selectors are compiled in."""
    domain = Declared(types.STRING, _MAX_DOMAIN)
    key = Declared(types.STRING, _MAX_ID)
    attribute = Declared(types.ANY, _MAX_ATTRIBUTE)
    attributes = declared_map(key, attribute, _MAX_ENTRIES, sized_by_name=True)
    capacities = declared_map(key, Declared(QUANTITY, 0), _MAX_ENTRIES)
    device = declared_object(
        "kubernetes.DRADevice",
        {
            "driver": Declared(types.STRING, _MAX_DOMAIN),
            "allowMultipleAllocations": Declared(types.BOOL, 1),
            "attributes": declared_map(domain, attributes, _MAX_ENTRIES),
            "capacity": declared_map(domain, capacities, _MAX_ENTRIES),
        },
    )
    return base_environment().extended({"device": device}, [BINDINGS_LIBRARY, _LIBRARY])


class Selector:
    """A compiled selector.

    Attributes:
        text: The expression.
    """

    __slots__ = ("_by_driver", "_program", "text")

    def __init__(self, program: Program) -> None:
        self.text = program.text
        self._program = program
        self._by_driver: dict[Any, bool] | None = {} if _reads_driver_only(program.text) else None

    def __repr__(self) -> str:
        return f"Selector({self.text!r})"

    @property
    def max_cost(self) -> int:
        """The maximum cost of an evaluation; API servers refuse more than :data:`MAX_COST`."""
        return self._program.cost_estimate.high

    def matches(self, device: Device) -> bool:
        """Return whether a device is selected.

        Raises:
            EvaluationError: The expression failed, with kube-scheduler's message after
                ``CEL runtime error: ``.
            CostLimitError: It exceeded the cost limit.
        """
        known = self._by_driver
        if known is not None:
            driver = device.bindings["device"]["driver"]
            found = known.get(driver)
            if found is not None:
                return found
        value = self._program.evaluate(device.bindings, MAX_COST)
        if value is True or value is False:
            if known is not None:
                if len(known) >= _MOST_DRIVERS:
                    known.clear()
                known[driver] = value
            return value
        # The expression was an attribute by itself.
        name = type_name(value)
        reason = _NOT_BOOL.get(name, f"type conversion error from '{name}' to 'bool'")
        raise EvaluationError(f"CEL result of type {name} could not be converted to bool: {reason}")


def _reads_driver_only(text: str) -> bool:
    """Whether an expression reads nothing of devices but their drivers, so that one result holds for all of a driver.

    Device classes mostly have such selectors. Devices can only be reached by the name of the variable.
    """
    return _DEVICE_WITHOUT_DRIVER.search(text) is None


def compile_selector(text: str) -> Selector:
    """Compile a selector.

    Args:
        text: The expression.

    Raises:
        CompileError: It is invalid, with the messages of API server and kube-scheduler: ``compilation failed: …`` or
            ``must evaluate to bool or the unknown type, not …``.
    """
    environment = device_environment()
    try:
        program = environment.compile(text)
    except CompileError as error:
        is_planned = str(error).startswith("program instantiation failed: ")
        prefix = "" if is_planned else "compilation failed: "
        raise CompileError(f"{prefix}{error}", error.issues) from None
    if not program.type.is_exactly(types.BOOL) and not program.type.is_exactly(types.ANY):
        raise CompileError(f"must evaluate to bool or the unknown type, not {program.type}")
    return Selector(program)


class Selectors:
    """An LRU cache of compiled selectors by their text.

    Args:
        size: Maximum number of selectors.
        compiler: Compiles selectors that are not cached.
    """

    def __init__(self, size: int = 1024, compiler: Callable[[str], Selector] = compile_selector) -> None:
        self._size = size
        self._compiler = compiler
        self._kept: OrderedDict[str, Selector] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, text: str) -> Selector:
        """Return the selector of an expression.

        Raises:
            CompileError: It is invalid.
        """
        found = self._kept.get(text)
        if found is None:
            found = self._compiler(text)
            self._kept[text] = found
            if len(self._kept) > self._size:
                self._kept.popitem(last=False)
        else:
            self._kept.move_to_end(text)
        return found
