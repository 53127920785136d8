"""A solution, written as `status.allocation` of a claim has it."""

from collections.abc import Mapping
from dataclasses import dataclass

from tests.model import quantity
from tests.model.devices.pools import Device
from tests.model.devices.requests import Request
from tests.model.labels import Json

SHARE = "share"
"""A `shareID`; Kubernetes draws a new one for every share, and only its presence counts."""


@dataclass(frozen=True)
class Result:
    """A device given to a request."""

    request: Request
    device: Device
    shared: bool
    consumption: Mapping[str, str]

    def to_json(self) -> Json:
        driver, pool, name = self.device.key
        found: Json = {"request": self.request.full_name, "driver": driver, "pool": pool, "device": name}
        if self.request.admin_access:
            found["adminAccess"] = True
        if self.request.tolerations:
            found["tolerations"] = self.request.tolerations
        if self.shared:
            found["shareID"] = SHARE
        if self.consumption:
            found["consumedCapacity"] = {
                name: quantity.canonical(amount) for name, amount in self.consumption.items()
            }
        for key in ("bindingConditions", "bindingFailureConditions"):
            if self.device.spec.get(key):
                found[key] = self.device.spec[key]
        return found


def allocation(results: list[Result], node: str) -> Json:
    """The devices of one claim, and the nodes that can reach all of them."""
    found: Json = {"devices": {"results": [result.to_json() for result in results]}}
    selector = _node_selector(results, node)
    return {**found, "nodeSelector": selector} if selector else found


def _node_selector(results: list[Result], node: str) -> Json | None:
    """The node alone when a device is local to it; else what the selectors require together, if anything."""
    fields: list[Json] = []
    expressions: list[Json] = []
    for result in results:
        device = result.device
        spec = device.slice["spec"]
        choice = device.spec if spec.get("perDeviceNodeSelection") else spec
        if choice.get("nodeName") is not None or device.spec.get("bindsToNode"):
            only = {"key": "metadata.name", "operator": "In", "values": [node]}
            return {"nodeSelectorTerms": [{"matchFields": [only]}]}
        for term in ((choice.get("nodeSelector") or {}).get("nodeSelectorTerms") or [])[:1]:
            _add_new(fields, term.get("matchFields") or [])
            _add_new(expressions, term.get("matchExpressions") or [])
    term = {"matchFields": fields, "matchExpressions": expressions}
    term = {key: requirements for key, requirements in term.items() if requirements}
    return {"nodeSelectorTerms": [term]} if term else None


def _add_new(into: list[Json], requirements: list[Json]) -> None:
    known = [_meaning(each) for each in into]
    for each in requirements:
        if _meaning(each) not in known:
            into.append(each)
            known.append(_meaning(each))


def _meaning(requirement: Json) -> tuple[str, str, frozenset[str]]:
    return requirement["key"], requirement["operator"], frozenset(requirement.get("values") or [])
