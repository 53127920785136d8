"""Usage of quotas by each kind of object, and scopes (``pkg/quota/v1/evaluator/core``)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from kschedcore.api.machinery.frozen import FrozenDict
from kschedcore.api.machinery.remembered import remembered, shared
from kschedcore.api.machinery.resources import Resource
from kschedcore.api.phases import has_ended
from kschedcore.api.quantity import Quantity
from kschedcore.api.resource_names import COMPUTE_QUOTA_RESOURCES, is_extended, is_huge_page
from kschedcore.rules.admission.device_quota import DeviceClaims, Lookup
from kschedcore.rules.amounts import ResourceList, added, amounts, parse, qos_class

__all__ = [
    "Evaluator",
    "evaluator_for",
    "exceeded_problem",
    "is_charged_pod",
    "missing_problem",
    "quota_matches",
    "quota_usage",
]

_ONE = Quantity.parse("1")
_DEVICE_CLAIMS = "resourceclaims.resource.k8s.io"
_COUNTED = ("cpu", "memory", "ephemeral-storage")
_POD_RESOURCES = frozenset(
    {
        *COMPUTE_QUOTA_RESOURCES, "pods", "count/pods",
        "ephemeral-storage", "requests.ephemeral-storage", "limits.ephemeral-storage",
    }
)  # fmt: skip
_SERVICE_RESOURCES = frozenset({"services", "count/services", "services.nodeports", "services.loadbalancers"})
_CLAIM_RESOURCES = frozenset({"persistentvolumeclaims", "count/persistentvolumeclaims", "requests.storage"})
_CLASS_SUFFIX = ".storageclass.storage.k8s.io/"
# Core kinds that older quotas count by their bare plural.
_COUNTED_BY_PLURAL = frozenset({"configmaps", "resourcequotas", "replicationcontrollers", "secrets"})


class Evaluator(Protocol):
    """The usage rules of one resource."""

    charges_updates: bool

    def matching_resources(self, names: Iterable[str]) -> list[str]:
        """Return those of a quota's resources that this kind of object uses."""

    def missing(self, names: Iterable[str], obj: Mapping[str, Any]) -> dict[str, list[str]]:
        """Return quota resources that the object must specify and does not: resource -> containers, sorted."""

    def usage(self, obj: Mapping[str, Any]) -> ResourceList:
        """Return the usage of an object."""


def evaluator_for(resource: Resource, lookup: Lookup | None = None) -> Evaluator:
    """Return the evaluator of a resource; kinds without their own are counted.

    Args:
        resource: The resource.
        lookup: Where device classes and pods are found, which claims of devices are counted by.
    """
    if not resource.group and resource.plural in _CORE:
        return _CORE[resource.plural]
    if resource.qualified == _DEVICE_CLAIMS:
        return DeviceClaims(lookup, _CORE["pods"].usage)
    return _ObjectCount(resource)


class _ObjectCount:
    charges_updates = False

    def __init__(self, resource: Resource) -> None:
        name = f"count/{resource.qualified}"
        plain = not resource.group and resource.plural in _COUNTED_BY_PLURAL
        self._names = (name, resource.plural) if plain else (name,)

    def matching_resources(self, names: Iterable[str]) -> list[str]:
        return [name for name in names if name in self._names]

    def missing(self, names: Iterable[str], obj: Mapping[str, Any]) -> dict[str, list[str]]:  # noqa: ARG002
        return {}

    def usage(self, obj: Mapping[str, Any]) -> ResourceList:  # noqa: ARG002
        return dict.fromkeys(self._names, _ONE)


class _Pods:
    charges_updates = False

    def matching_resources(self, names: Iterable[str]) -> list[str]:
        return [name for name in names if name in _POD_RESOURCES or _is_named_by_pods(name)]

    def missing(self, names: Iterable[str], obj: Mapping[str, Any]) -> dict[str, list[str]]:
        """Check that every container sets the cpu and memory values that a quota limits."""
        return _missing(shared(obj["spec"]), tuple(names))

    def usage(self, obj: Mapping[str, Any]) -> ResourceList:
        return dict(_used(shared(obj["spec"]))) if is_charged_pod(obj) else {"count/pods": _ONE}


@remembered
def _missing(spec: FrozenDict, names: tuple[str, ...]) -> dict[str, list[str]]:
    # Resources specified at pod level need not be specified by containers (KEP-2837).
    own = _specified(spec.get("resources", {}))
    required = [name for name in names if name in COMPUTE_QUOTA_RESOURCES and name not in own]
    found: dict[str, set[str]] = {}
    for container in [*(spec.get("containers") or ()), *spec.get("initContainers", ())]:
        stated = _specified(container.get("resources", {}))
        for name in required:
            if name not in stated:
                found.setdefault(name, set()).add(container["name"])
    return {name: sorted(containers) for name, containers in found.items()}


@remembered
def _used(spec: FrozenDict) -> ResourceList:
    total = amounts(spec)
    return {"count/pods": _ONE, **_compute(total.requests, total.limits), "pods": _ONE}


def _specified(resources: Mapping[str, Any]) -> ResourceList:
    """Return a container's or pod's requests and limits by their names in quotas."""
    return _compute(parse(resources.get("requests", {})), parse(resources.get("limits", {})))


def _is_named_by_pods(name: str) -> bool:
    bare = name.removeprefix("requests.")
    return is_huge_page(bare) or (bare != name and is_extended(bare))


def is_charged_pod(pod: Mapping[str, Any]) -> bool:
    """Return whether a pod counts towards quotas: not once it has terminated."""
    return not has_ended(pod)


def _compute(requests: Mapping[str, Quantity], limits: Mapping[str, Quantity]) -> ResourceList:
    result: ResourceList = {}
    for name in _COUNTED:
        if name in requests:
            result[name] = result[f"requests.{name}"] = requests[name]
        if name in limits:
            result[f"limits.{name}"] = limits[name]
    for name, quantity in requests.items():
        if is_huge_page(name):
            result[name] = quantity
        if is_huge_page(name) or is_extended(name):
            result[f"requests.{name}"] = quantity
    return result


class _Services:
    charges_updates = True

    def matching_resources(self, names: Iterable[str]) -> list[str]:
        return [name for name in names if name in _SERVICE_RESOURCES]

    def missing(self, names: Iterable[str], obj: Mapping[str, Any]) -> dict[str, list[str]]:  # noqa: ARG002
        return {}

    def usage(self, obj: Mapping[str, Any]) -> ResourceList:
        spec = obj["spec"]
        ports = spec.get("ports", ())
        used = {"count/services": _ONE, "services": _ONE}
        if spec.get("type") == "NodePort":
            used["services.nodeports"] = Quantity.parse(len(ports))
        elif spec.get("type") == "LoadBalancer":
            if spec.get("allocateLoadBalancerNodePorts") is False:
                ports = [port for port in ports if port.get("nodePort")]
            used["services.nodeports"] = Quantity.parse(len(ports))
            used["services.loadbalancers"] = _ONE
        return used


class _Claims:
    charges_updates = True

    def matching_resources(self, names: Iterable[str]) -> list[str]:
        return [name for name in names if name in _CLAIM_RESOURCES or _CLASS_SUFFIX in name]

    def missing(self, names: Iterable[str], obj: Mapping[str, Any]) -> dict[str, list[str]]:  # noqa: ARG002
        return {}

    def usage(self, obj: Mapping[str, Any]) -> ResourceList:
        used = {"count/persistentvolumeclaims": _ONE, "persistentvolumeclaims": _ONE}
        spec = obj["spec"]
        annotations = obj["metadata"].get("annotations", {})
        storage_class = annotations.get("volume.beta.kubernetes.io/storage-class")
        storage_class = storage_class or spec.get("storageClassName")
        if storage_class:
            used[f"{storage_class}{_CLASS_SUFFIX}persistentvolumeclaims"] = _ONE
        requested = spec.get("resources", {}).get("requests", {}).get("storage")
        if requested is not None:
            amount = Quantity.parse(requested)
            used["requests.storage"] = amount
            if storage_class:
                used[f"{storage_class}{_CLASS_SUFFIX}requests.storage"] = amount
        return used


_CORE: dict[str, Evaluator] = {"pods": _Pods(), "services": _Services(), "persistentvolumeclaims": _Claims()}


def quota_matches(spec: Mapping[str, Any], obj: Mapping[str, Any], evaluator: Evaluator) -> bool:
    """Return whether every scope of a quota matches the object; only pods have scopes."""
    wanted = [{"scopeName": scope, "operator": "Exists"} for scope in spec.get("scopes", ())]
    wanted += spec.get("scopeSelector", {}).get("matchExpressions", ())
    if wanted and not isinstance(evaluator, _Pods):
        return False
    return all(_in_scope(requirement, obj["spec"]) for requirement in wanted)


def _in_scope(requirement: Mapping[str, Any], spec: Mapping[str, Any]) -> bool:
    scope = str(requirement["scopeName"])
    if scope == "PriorityClass":
        return _priority_class_in_scope(requirement, spec.get("priorityClassName", ""))
    if scope in ("Terminating", "NotTerminating"):
        return (spec.get("activeDeadlineSeconds") is not None) == (scope == "Terminating")
    if scope in ("BestEffort", "NotBestEffort"):
        return (qos_class(spec) == "BestEffort") == (scope == "BestEffort")
    return scope == "CrossNamespacePodAffinity" and _crosses_namespaces(spec)


def _priority_class_in_scope(requirement: Mapping[str, Any], name: str) -> bool:
    operator, values = str(requirement["operator"]), frozenset(requirement.get("values", ()))
    if operator == "In":
        return name in values
    if operator == "NotIn":
        return name not in values
    return bool(name) == (operator == "Exists")


def _crosses_namespaces(spec: Mapping[str, Any]) -> bool:
    affinity = spec.get("affinity", {})
    for key in ("podAffinity", "podAntiAffinity"):
        terms = affinity.get(key, {})
        required = terms.get("requiredDuringSchedulingIgnoredDuringExecution", ())
        preferred = terms.get("preferredDuringSchedulingIgnoredDuringExecution", ())
        for term in [*required, *(weighted["podAffinityTerm"] for weighted in preferred)]:
            if term.get("namespaces") or term.get("namespaceSelector") is not None:
                return True
    return False


def missing_problem(quota: str, names: Iterable[str], obj: Mapping[str, Any], evaluator: Evaluator) -> str:
    """Return the plugin's message for quota resources that an object does not specify; empty if none.

    Args:
        quota: The quota's name.
        names: The quota's resources that objects of this kind use.
        obj: The object.
        evaluator: The evaluator of its kind.
    """
    missing = evaluator.missing(names, obj)
    if not missing:
        return ""
    listed = "; ".join(f"{name} for: {','.join(who)}" for name, who in sorted(missing.items()))
    return f"failed quota: {quota}: must specify {listed}"


def exceeded_problem(quota: str, hard: ResourceList, used: ResourceList, requested: ResourceList) -> str:
    """Return the plugin's message for the amounts by which a request exceeds a quota; empty if none.

    Args:
        quota: The quota's name.
        hard: The quota's limits.
        used: The present usage.
        requested: The usage added by the request, of resources in ``hard``.
    """
    total = added(used, requested)
    exceeded = [name for name in requested if total[name] > hard[name]]
    if not exceeded:
        return ""
    return (
        f"exceeded quota: {quota}, requested: {_listed(requested, exceeded)}, "
        f"used: {_listed(used, exceeded)}, limited: {_listed(hard, exceeded)}"
    )


def _listed(quantities: ResourceList, names: list[str]) -> str:
    return ",".join(f"{name}={quantities[name]}" for name in sorted(names))


def quota_usage(
    spec: Mapping[str, Any],
    objects: Mapping[Resource, Iterable[Mapping[str, Any]]],
    lookup: Lookup | None = None,
) -> dict[str, str]:
    """Return the usage of a quota's ``hard`` resources by ``objects``, by resource, in canonical text.

    Hard resources that none of the given resources uses are left out, as in the quota controller.
    """
    total: ResourceList = {}
    for resource, items in objects.items():
        evaluator = evaluator_for(resource, lookup)
        names = evaluator.matching_resources(spec.get("hard", ()))
        for name in names:
            total.setdefault(name, Quantity.parse("0"))
        for obj in items if names else ():
            if quota_matches(spec, obj, evaluator):
                usage = evaluator.usage(obj)
                for name in names:
                    if name in usage:
                        total[name] = total[name] + usage[name]
    return {name: str(quantity) for name, quantity in total.items()}
