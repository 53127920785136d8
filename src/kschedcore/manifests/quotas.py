"""ResourceQuotas of manifests, charged by admission as pods and claims are created."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kschedcore.api.machinery.resources import Resource
from kschedcore.api.machinery.types import ReadOnlyObject
from kschedcore.api.quantity import Quantity
from kschedcore.rules.admission.quota import (
    Evaluator,
    evaluator_for,
    exceeded_problem,
    missing_problem,
    quota_matches,
    quota_usage,
)
from kschedcore.rules.amounts import ResourceList, added, parse

__all__ = ["Quotas"]


class Quotas:
    """The quotas of all namespaces, charged with existing objects and then with each created object.

    Args:
        quotas: Complete ResourceQuotas.
        existing: (resource, object) of all existing objects; iterated only if there are quotas.
    """

    def __init__(
        self, quotas: Iterable[ReadOnlyObject], existing: Iterable[tuple[Resource, ReadOnlyObject]]
    ) -> None:
        self._quotas: dict[str, list[_Quota]] = {}
        for each in quotas:
            self._quotas.setdefault(each["metadata"].get("namespace") or "default", []).append(_Quota(each))
        objects: dict[str, dict[Resource, list[ReadOnlyObject]]] = {}
        for resource, obj in existing if self._quotas else ():
            namespace = obj["metadata"].get("namespace") or "default"
            if namespace in self._quotas:
                objects.setdefault(namespace, {}).setdefault(resource, []).append(obj)
        for namespace, limits in self._quotas.items():
            for quota in limits:
                quota.count(objects.get(namespace, {}))

    def problem(self, resource: Resource, obj: ReadOnlyObject, namespace: str) -> str:
        """Return the plugin's message if a quota refuses an object; charge all quotas if none does.

        Args:
            resource: The resource of the object.
            obj: The object as admitted so far.
            namespace: The object's namespace.
        """
        quotas = self._quotas.get(namespace)
        if not quotas:
            return ""
        evaluator = evaluator_for(resource)
        concerned = [quota for quota in quotas if quota.concerns(obj, evaluator)]
        if why := next(filter(None, (quota.missing(obj, evaluator) for quota in concerned)), ""):
            return why
        usage = evaluator.usage(obj) if concerned else {}
        if why := next(filter(None, (quota.exceeded(usage) for quota in concerned)), ""):
            return why
        for quota in concerned:
            quota.charge(usage)
        return ""


class _Quota:
    """One quota: its limits and usage."""

    def __init__(self, quota: ReadOnlyObject) -> None:
        self._name = str(quota["metadata"]["name"])
        self._spec: ReadOnlyObject = quota.get("spec") or {}
        self._hard = parse(self._spec.get("hard") or {})
        self._used: ResourceList = {name: Quantity.parse("0") for name in self._hard}

    def count(self, objects: Mapping[Resource, Iterable[ReadOnlyObject]]) -> None:
        """Charge the objects that exist."""
        self._used = added(self._used, parse(quota_usage(self._spec, objects)))

    def concerns(self, obj: ReadOnlyObject, evaluator: Evaluator) -> bool:
        """Return whether the quota limits objects of this kind and its scopes match the object."""
        return bool(evaluator.matching_resources(self._hard)) and quota_matches(self._spec, obj, evaluator)

    def missing(self, obj: ReadOnlyObject, evaluator: Evaluator) -> str:
        """Return the message for resources that the object must specify and does not."""
        return missing_problem(self._name, evaluator.matching_resources(self._hard), obj, evaluator)

    def exceeded(self, usage: ResourceList) -> str:
        """Return the message for limits that the usage exceeds."""
        return exceeded_problem(self._name, self._hard, self._used, self._requested(usage))

    def charge(self, usage: ResourceList) -> None:
        """Add the usage of an admitted object."""
        self._used = added(self._used, self._requested(usage))

    def _requested(self, usage: ResourceList) -> ResourceList:
        zero = Quantity.parse("0")
        return {name: amount for name, amount in usage.items() if name in self._hard and amount > zero}
