"""Extended resources that a DeviceClass stands behind (KEP-5004): a claim for what a node does not have itself."""

from collections.abc import Iterable, Mapping

from tests.model import quantity, resources
from tests.model.labels import Json

IMPLICIT_PREFIX = "deviceclass.resource.kubernetes.io/"
ANNOTATION = "resource.kubernetes.io/extended-resource-claim"
IN_MEMORY = "<extended-resources>"
"""The name of a claim that has not been written yet."""


def may_be_served(resource: str) -> bool:
    """An extended resource's name, or the one that every class has."""
    return resources.is_extended(resource) or resource.startswith(IMPLICIT_PREFIX)


def class_behind(resource: str, classes: Mapping[str, Json]) -> str | None:
    """The DeviceClass that serves a resource: of several the newest, of equally old ones the first by name."""
    if resource.startswith(IMPLICIT_PREFIX) and resource[len(IMPLICIT_PREFIX) :] in classes:
        return resource[len(IMPLICIT_PREFIX) :]
    named = [c for c in classes.values() if (c.get("spec") or {}).get("extendedResourceName") == resource]
    named.sort(key=lambda c: str(c["metadata"]["name"]))
    named.sort(key=lambda c: str(c["metadata"].get("creationTimestamp") or ""), reverse=True)
    return str(named[0]["metadata"]["name"]) if named else None


def served_by_devices(resource: str, classes: Mapping[str, Json], allocatable: resources.Counted) -> bool:
    """Whether a node has to give the resource as devices: a class is behind it, and the node has none itself."""
    return allocatable.get(resource, 0) == 0 and class_behind(resource, classes) is not None


def wanted(pod: Json, classes: Mapping[str, Json]) -> resources.Counted:
    """The extended resources that the pod requests, when a class backs any of them."""
    requests = {
        name: amount
        for name, amount in resources.pod_requests(pod).items()
        if amount > 0 and may_be_served(name)
    }
    return requests if any(class_behind(name, classes) for name in requests) else {}


def existing_claim(pod: Json, claims: Iterable[Json]) -> Json | None:
    """The claim that an earlier attempt to place the pod has left."""
    for claim in claims:
        metadata = claim["metadata"]
        if (metadata.get("annotations") or {}).get(ANNOTATION) != "true":
            continue
        for owner in metadata.get("ownerReferences") or []:
            same = owner.get("name") == pod["metadata"]["name"]
            if same and owner.get("controller") and owner.get("uid") == pod["metadata"].get("uid"):
                return claim
    return None


def unwritten_claim(pod: Json, namespace: str) -> Json:
    """A claim without requests: they depend on the node."""
    owner = {
        "apiVersion": "v1",
        "kind": "Pod",
        "name": pod["metadata"]["name"],
        "uid": pod["metadata"].get("uid"),
        "controller": True,
    }
    metadata = {
        "namespace": namespace,
        "name": IN_MEMORY,
        "annotations": {ANNOTATION: "true"},
        "ownerReferences": [owner],
    }
    return {"metadata": metadata, "spec": {}}


def requests_for(pod: Json, names: Iterable[str], classes: Mapping[str, Json]) -> list[Json]:
    """One request for each container and resource; plain init containers reuse what runs later."""
    found: list[Json] = []
    for name in sorted(names):
        class_name = class_behind(name, classes)
        if class_name is not None:
            found += _requests_for_resource(pod, name, class_name)
    return sorted(found, key=lambda request: str(request["name"]))


def _requests_for_resource(pod: Json, resource: str, class_name: str) -> list[Json]:
    init = pod["spec"].get("initContainers") or []
    containers = [*init, *(pod["spec"].get("containers") or [])]
    short_lived = [i for i, c in enumerate(init) if c.get("restartPolicy") != "Always"]
    lasting: dict[int, Json] = {}
    for index, container in enumerate(containers):
        amount = _amount(container, resource)
        if index not in short_lived and amount:
            lasting[index] = _request(index, container, resource, class_name, amount)
    largest: Json | None = None
    for index in short_lived:
        reused = sum(r["exactly"]["count"] for other, r in lasting.items() if other >= index)
        missing = _amount(containers[index], resource) - reused
        if missing > 0 and (largest is None or largest["exactly"]["count"] < missing):
            largest = _request(index, containers[index], resource, class_name, missing)
    return [*([largest] if largest else []), *lasting.values()]


def _amount(container: Json, resource: str) -> int:
    """The requests of a container; an amount that is not whole counts as none."""
    text = ((container.get("resources") or {}).get("requests") or {}).get(resource)
    amount = quantity.parse(text) if text is not None else quantity.parse(0)
    return int(amount) if amount.denominator == 1 else 0


def _request(index: int, container: Json, resource: str, class_name: str, count: int) -> Json:
    position = sorted(container["resources"]["requests"]).index(resource)
    exactly = {"deviceClassName": class_name, "allocationMode": "ExactCount", "count": count}
    return {"name": f"container-{index}-request-{position}", "exactly": exactly}
