"""ResourceQuotas of manifests: what admission charges them with as pods and claims are created."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kschedcore.api.machinery.resources import Resource
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

Json = Mapping[str, Any]


class Quotas:
    """The quotas of all namespaces, charged with what exists and then with each object that is created.

    Args:
        quotas: ResourceQuotas, whole.
        existing: (resource, object) of everything that exists already; iterated only when there are quotas.
    """

    def __init__(self, quotas: Iterable[Json], existing: Iterable[tuple[Resource, Json]]) -> None:
        self._ledgers: dict[str, list[_Ledger]] = {}
        for each in quotas:
            self._ledgers.setdefault(each["metadata"].get("namespace") or "default", []).append(_Ledger(each))
        objects: dict[str, dict[Resource, list[Json]]] = {}
        for resource, obj in existing if self._ledgers else ():
            namespace = obj["metadata"].get("namespace") or "default"
            if namespace in self._ledgers:
                objects.setdefault(namespace, {}).setdefault(resource, []).append(obj)
        for namespace, ledgers in self._ledgers.items():
            for ledger in ledgers:
                ledger.count(objects.get(namespace, {}))

    def problem(self, resource: Resource, obj: Json, namespace: str) -> str:
        """Return why a quota refuses an object, in the plugin's words; charge every quota if none does.

        Args:
            resource: The resource of the object.
            obj: The object as admitted so far.
            namespace: Its namespace.
        """
        ledgers = self._ledgers.get(namespace)
        if not ledgers:
            return ""
        evaluator = evaluator_for(resource)
        concerned = [ledger for ledger in ledgers if ledger.concerns(obj, evaluator)]
        if why := next(filter(None, (ledger.missing(obj, evaluator) for ledger in concerned)), ""):
            return why
        usage = evaluator.usage(obj) if concerned else {}
        if why := next(filter(None, (ledger.exceeded(usage) for ledger in concerned)), ""):
            return why
        for ledger in concerned:
            ledger.charge(usage)
        return ""


class _Ledger:
    """One quota: its limits, and what is used of them."""

    def __init__(self, quota: Json) -> None:
        self._name = str(quota["metadata"]["name"])
        self._spec: Json = quota.get("spec") or {}
        self._hard = parse(self._spec.get("hard") or {})
        self._used: ResourceList = {name: Quantity.parse("0") for name in self._hard}

    def count(self, objects: Mapping[Resource, Iterable[Json]]) -> None:
        """Charge the objects that exist."""
        self._used = added(self._used, parse(quota_usage(self._spec, objects)))

    def concerns(self, obj: Json, evaluator: Evaluator) -> bool:
        """Whether the quota limits objects of this kind and its scopes cover the object."""
        return bool(evaluator.matching_resources(self._hard)) and quota_matches(self._spec, obj, evaluator)

    def missing(self, obj: Json, evaluator: Evaluator) -> str:
        """Return which resources the object fails to state."""
        return missing_problem(self._name, evaluator.matching_resources(self._hard), obj, evaluator)

    def exceeded(self, usage: ResourceList) -> str:
        """Return which limits the usage exceeds."""
        return exceeded_problem(self._name, self._hard, self._used, self._requested(usage))

    def charge(self, usage: ResourceList) -> None:
        """Add the usage of an admitted object."""
        self._used = added(self._used, self._requested(usage))

    def _requested(self, usage: ResourceList) -> ResourceList:
        zero = Quantity.parse("0")
        return {name: amount for name, amount in usage.items() if name in self._hard and amount > zero}
