"""`matchAttribute` and `distinctAttribute`: what the devices of a claim must, or must not, have in common."""

from tests.model.devices.pools import Device
from tests.model.labels import Json

VALUES = ("string", "int", "bool", "version")


def attribute(device: Device, name: str) -> tuple[str, object] | None:
    """The kind and the value of a device's attribute; within the driver's domain the domain may be left out."""
    attributes = device.spec.get("attributes") or {}
    found = attributes.get(name)
    domain, _, identifier = name.partition("/")
    if found is None and domain == device.driver:
        found = attributes.get(identifier)
    if found is None:
        return None
    return next(((kind, found[kind]) for kind in VALUES if found.get(kind) is not None), ("unknown", None))


class Constraint:
    """One constraint while devices are being chosen; `add` refuses what would break it."""

    def __init__(self, spec: Json) -> None:
        self.name: str = spec.get("matchAttribute") or spec["distinctAttribute"]
        self.requests = frozenset(spec.get("requests") or [])
        self.count = 0

    def applies(self, request: str, alternative: str) -> bool:
        """To all requests when none are named; a request is named itself or by one of its alternatives."""
        names = {request, f"{request}/{alternative}"} if alternative else {request}
        return not self.requests or not self.requests.isdisjoint(names)

    def add(self, request: str, alternative: str, device: Device) -> bool:
        if not self.applies(request, alternative):
            return True
        value = attribute(device, self.name)
        if value is None or (self.count > 0 and not self._accepts(value)):
            return False
        self._remember(request, value)
        self.count += 1
        return True

    def remove(self, request: str, alternative: str) -> None:
        if self.applies(request, alternative):
            self._forget(request)
            self.count -= 1

    def _accepts(self, value: tuple[str, object]) -> bool:
        raise NotImplementedError

    def _remember(self, request: str, value: tuple[str, object]) -> None:
        raise NotImplementedError

    def _forget(self, request: str) -> None:
        """Take a device out again."""


class MatchAttribute(Constraint):
    """All devices share one value, the first one's."""

    first: tuple[str, object] = ("unknown", None)

    def _accepts(self, value: tuple[str, object]) -> bool:
        return value[0] != "unknown" and value == self.first

    def _remember(self, request: str, value: tuple[str, object]) -> None:
        if self.count == 0:
            self.first = value


class DistinctAttribute(Constraint):
    """No two devices share a value; of several devices for one request only the last is remembered."""

    def __init__(self, spec: Json) -> None:
        super().__init__(spec)
        self.values: dict[str, tuple[str, object]] = {}

    def _accepts(self, value: tuple[str, object]) -> bool:
        return not self.values or (value[0] != "unknown" and value not in self.values.values())

    def _remember(self, request: str, value: tuple[str, object]) -> None:
        self.values[request] = value

    def _forget(self, request: str) -> None:
        self.values.pop(request, None)


def constraint(spec: Json) -> Constraint | None:
    """None for a kind that is not known."""
    if spec.get("matchAttribute") is not None:
        return MatchAttribute(spec)
    return DistinctAttribute(spec) if spec.get("distinctAttribute") is not None else None
