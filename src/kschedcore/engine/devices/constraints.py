"""The constraints ``matchAttribute`` and ``distinctAttribute`` among the devices of a claim."""

from __future__ import annotations

from kschedcore.api.objects.devices import DeviceConstraint
from kschedcore.engine.devices.inventory import Device

__all__ = ["Constraint", "constraint_of"]

Value = tuple[str, object]
"""The kind of an attribute, empty if it has none, and its value."""

_KINDS = ("string", "int", "bool", "version")


def _value_of(device: Device, name: str) -> Value | None:
    """Return a device's attribute; the driver's domain may be left out of its name."""
    attributes = device.spec.attributes or {}
    found = attributes.get(name)
    if found is None:
        domain, _, identifier = name.partition("/")
        found = attributes.get(identifier) if domain == device.key[0] else None
    if found is None:
        return None
    for kind in _KINDS:
        value = getattr(found, f"{kind}_value")
        if value is not None:
            return kind, value
    return "", None


class Constraint:
    """A constraint of a claim, checked as its devices are chosen.

    Args:
        spec: The constraint.
        name: The attribute's name.
    """

    __slots__ = ("_count", "_name", "_requests")

    def __init__(self, spec: DeviceConstraint, name: str) -> None:
        self._name = name
        self._requests = frozenset(spec.requests or ())
        self._count = 0

    def _applies(self, request: str, full_name: str) -> bool:
        return not self._requests or request in self._requests or full_name in self._requests

    def add(self, request: str, full_name: str, device: Device) -> bool:
        """Add a device if the constraint allows it.

        Args:
            request: The name of the request.
            full_name: The same, with the name of the subrequest, if any.
            device: The device.
        """
        if not self._applies(request, full_name):
            return True
        value = _value_of(device, self._name)
        if value is None or (self._count and not self._allows(value)):
            return False
        self._note(request, value)
        self._count += 1
        return True

    def remove(self, request: str, full_name: str) -> None:
        """Remove the device that was last added for a request."""
        if self._applies(request, full_name):
            self._forget(request)
            self._count -= 1

    def _allows(self, value: Value) -> bool:
        raise NotImplementedError

    def _note(self, request: str, value: Value) -> None:
        raise NotImplementedError

    def _forget(self, request: str) -> None:
        raise NotImplementedError


class _Match(Constraint):
    """All devices have the value of the first."""

    __slots__ = ("_first",)

    def __init__(self, spec: DeviceConstraint, name: str) -> None:
        super().__init__(spec, name)
        self._first: Value = ("", None)

    def _allows(self, value: Value) -> bool:
        return bool(value[0]) and value == self._first

    def _note(self, request: str, value: Value) -> None:  # noqa: ARG002
        if not self._count:
            self._first = value

    def _forget(self, request: str) -> None:
        """Keep the value: the next first device replaces it."""


class _Distinct(Constraint):
    """No two devices have the same value.

    kube-scheduler keeps one value per request, so that of several devices of a request only the last counts.
    """

    __slots__ = ("_values",)

    def __init__(self, spec: DeviceConstraint, name: str) -> None:
        super().__init__(spec, name)
        self._values: dict[str, Value] = {}

    def _allows(self, value: Value) -> bool:
        return not self._values or (bool(value[0]) and value not in self._values.values())

    def _note(self, request: str, value: Value) -> None:
        self._values[request] = value

    def _forget(self, request: str) -> None:
        self._values.pop(request, None)


def constraint_of(spec: DeviceConstraint) -> Constraint | None:
    """Return the constraint of a spec; None for an unknown kind."""
    if spec.match_attribute is not None:
        return _Match(spec, spec.match_attribute)
    if spec.distinct_attribute is not None:
        return _Distinct(spec, spec.distinct_attribute)
    return None
