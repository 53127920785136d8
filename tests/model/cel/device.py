"""Whether a device satisfies a selector."""

from typing import Any

from tests.model.cel.check import CompileError, compiled
from tests.model.cel.evaluate import evaluate
from tests.model.cel.values import DomainMap, EvaluationError, Quantity, Semver, type_name
from tests.model.labels import Json

_UNCONVERTIBLE = {
    "string": "unsupported native conversion from string to 'bool'",
    "int": "unsupported type conversion from 'int' to bool",
    "double": "type conversion error from Double to 'bool'",
}


class SelectorError(Exception):
    """A selector that cannot be evaluated; the message is Kubernetes' own."""


def device_matches(expression: str, driver: str, device: Json, *, shared_devices: bool) -> bool:
    """The selector's answer for a device of a ResourceSlice.

    Raises SelectorError.
    """
    try:
        tree = compiled(expression, shared_devices=shared_devices)
    except CompileError as error:
        raise SelectorError(f"CEL compile error: {error}") from None
    try:
        result = evaluate(tree, {"device": device_variable(driver, device)})
    except EvaluationError as error:
        raise SelectorError(f"CEL runtime error: {error}") from None
    if type(result) is bool:
        return result
    kind = type_name(result)
    why = _UNCONVERTIBLE.get(kind, f"type conversion error from '{kind}' to 'bool'")
    raise SelectorError(f"CEL runtime error: CEL result of type {kind} could not be converted to bool: {why}")


def device_variable(driver: str, device: Json) -> Json:
    """`device`: attributes and capacities by domain; the driver is the domain of names that have none."""
    attributes, capacity = DomainMap(), DomainMap()
    for name, attribute in (device.get("attributes") or {}).items():
        domain, identifier = qualified(name, driver)
        attributes.setdefault(domain, {})[identifier] = _attribute(name, attribute)
    for name, amount in (device.get("capacity") or {}).items():
        domain, identifier = qualified(name, driver)
        capacity.setdefault(domain, {})[identifier] = Quantity.of(amount["value"])
    return {
        "driver": driver,
        "attributes": attributes,
        "capacity": capacity,
        "allowMultipleAllocations": bool(device.get("allowMultipleAllocations")),
    }


def qualified(name: str, driver: str) -> tuple[str, str]:
    """The domain and the identifier of an attribute or a capacity."""
    domain, slash, identifier = name.partition("/")
    return (domain, identifier) if slash else (driver, name)


def _attribute(name: str, attribute: Json) -> Any:
    for kind in ("int", "bool", "string"):
        if attribute.get(kind) is not None:
            return attribute[kind]
    if attribute.get("version") is None:
        raise EvaluationError(f"attribute {name}: unsupported attribute value")
    try:
        return Semver.of(attribute["version"])
    except EvaluationError as error:
        raise EvaluationError(f"attribute {name}: parse semantic version: {error}") from None
