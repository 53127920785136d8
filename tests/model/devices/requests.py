"""The contents of a request, or of one alternative of `firstAvailable`."""

from dataclasses import dataclass, field

from tests.model.devices.pools import Device
from tests.model.labels import Json


@dataclass(frozen=True)
class Request:
    """One thing to allocate: a request, or an alternative with the name of the request that it belongs to."""

    name: str
    parent: str
    spec: Json

    @property
    def full_name(self) -> str:
        return f"{self.parent}/{self.name}" if self.parent else self.name

    @property
    def base(self) -> tuple[str, str]:
        """The request's own name and the alternative's, if it is one."""
        return (self.parent, self.name) if self.parent else (self.name, "")

    @property
    def class_name(self) -> str:
        return self.spec.get("deviceClassName") or ""

    @property
    def mode(self) -> str:
        return self.spec.get("allocationMode") or "ExactCount"

    @property
    def count(self) -> int:
        return int(self.spec.get("count") or 1)

    @property
    def admin_access(self) -> bool:
        return not self.parent and bool(self.spec.get("adminAccess"))

    @property
    def selectors(self) -> list[Json]:
        return list(self.spec.get("selectors") or [])

    @property
    def tolerations(self) -> list[Json]:
        return list(self.spec.get("tolerations") or [])

    @property
    def capacity(self) -> dict[str, str]:
        return dict((self.spec.get("capacity") or {}).get("requests") or {})


@dataclass
class Plan:
    """A request with its class, and the number of devices that it needs; all devices in mode `All`."""

    claim: int
    request: Request
    device_class: Json
    count: int = 0
    everything: list[Device] = field(default_factory=list)


def alternatives(request: Json) -> list[Request]:
    """The request itself, or what it would be content with, the best first."""
    if request.get("firstAvailable"):
        return [Request(each["name"], request["name"], each) for each in request["firstAvailable"]]
    return [Request(request["name"], "", request.get("exactly") or {})]
