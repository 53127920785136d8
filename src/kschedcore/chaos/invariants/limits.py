"""Invariants of quotas, disruption budgets and availability during a rollout."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kschedcore.api.machinery.kinds import kind_by_resource, resources
from kschedcore.api.machinery.resources import Resource
from kschedcore.api.machinery.types import Namespace, Object
from kschedcore.api.objects import LabelSelector, decode
from kschedcore.api.quantity import Quantity
from kschedcore.api.selectors import label_selector
from kschedcore.chaos.cluster import ChaosCluster
from kschedcore.chaos.invariants.base import Invariant
from kschedcore.chaos.writes import Objects, Write
from kschedcore.client.informer import ObjectKey, controller_of, key_of
from kschedcore.controllers.activepods import is_active, ready_since
from kschedcore.controllers.deployment.sizes import is_rolling, max_unavailable, replicas
from kschedcore.controllers.deployment.status import is_complete
from kschedcore.rules.admission.quota import evaluator_for, quota_matches, quota_usage
from kschedcore.rules.amounts import parse

__all__ = ["AvailabilityIsKept", "BudgetsAreRespected", "QuotaStatusEqualsUsage", "QuotasAreEnforced"]

_QUOTAS, _BUDGETS = "resourcequotas", "poddisruptionbudgets.policy"
_NOTHING = Quantity.parse("0")


def _live_usage(quota: Object, hard: Object, objects: Objects) -> dict[str, str]:
    """Return the current usage of a quota by the objects of its namespace."""
    namespace = quota["metadata"]["namespace"]
    counted: dict[Resource, list[Object]] = {}
    for resource in resources(namespaced=True):
        if evaluator_for(resource).matching_resources(hard):
            counted[resource] = _in(objects, resource.qualified, namespace)
    return quota_usage({**quota["spec"], "hard": hard}, counted)


class QuotasAreEnforced(Invariant):
    """No object is created beyond a quota (admission plugin ``ResourceQuota``).

    As in Kubernetes, a quota whose usage was last written by a controller without all events may admit too
    much; it is not checked until the controller has caught up.
    """

    def __init__(self) -> None:
        self._miscounted: set[str] = set()

    def on_write(self, write: Write, objects: Objects) -> Iterator[str]:
        """Check created objects, and track which quotas have an exact status."""
        if write.resource == _QUOTAS:
            if write.by == "resourcequota-controller":
                uid = write.object["metadata"]["uid"]
                (self._miscounted.add if write.stale else self._miscounted.discard)(uid)
            return
        resource = kind_by_resource(write.resource).resource
        if write.old is not None or write.new is None or not resource.namespaced:
            return
        evaluator = evaluator_for(resource)
        for quota in _in(objects, _QUOTAS, write.new["metadata"]["namespace"]):
            hard = quota.get("status", {}).get("hard", {})
            names = evaluator.matching_resources(hard)
            counts = names and quota_matches(quota["spec"], write.new, evaluator)
            if not counts or quota["metadata"]["uid"] in self._miscounted:
                continue
            used, allowed = parse(_live_usage(quota, hard, objects)), parse(hard)
            requested = evaluator.usage(write.new)
            for name in names:
                if requested.get(name, _NOTHING) > _NOTHING and used[name] > allowed[name]:
                    yield f"quota {quota['metadata']['name']}: {name} {used[name]} of {allowed[name]}: {write}"


class QuotaStatusEqualsUsage(Invariant):
    """In a settled cluster the status of every quota equals its spec and the current usage."""

    def at_rest(self, cluster: ChaosCluster, objects: Objects) -> Iterator[str]:  # noqa: ARG002
        """Compute the usage again."""
        for quota in objects.get(_QUOTAS, {}).values():
            hard = dict(quota["spec"].get("hard", {}))
            status = quota.get("status", {})
            expected = {"hard": hard, "used": _live_usage(quota, hard, objects)} if hard else {}
            if status != expected:
                yield f"quota {quota['metadata']['name']} has status {status}, expected {expected}"


class BudgetsAreRespected(Invariant):
    """Evictions are charged to disruption budgets, and no budget allows more disruptions than healthy pods permit.

    Evictions are the writes by ``eviction``; the eviction of an unhealthy pod is not charged (KEP-3017).
    """

    def on_write(self, write: Write, objects: Objects) -> Iterable[str]:
        """Check the status of budgets, and evictions."""
        if write.resource == _BUDGETS and write.new is not None:
            return self._allowed(write, objects)
        if write.resource == "pods" and write.by == "eviction" and write.old is not None:
            return self._evicted(write.old, objects)
        return ()

    @staticmethod
    def _allowed(write: Write, objects: Objects) -> Iterator[str]:
        budget, status = write.object, write.object.get("status", {})
        allowed, name = status.get("disruptionsAllowed", 0), budget["metadata"]["name"]
        if allowed < 0:
            yield f"budget {name} allows {allowed}"
        if write.by != "disruption-controller" or write.stale:
            return
        healthy = sum(
            _is_healthy(pod) and pod["metadata"]["name"] not in status.get("disruptedPods", {})
            for pod in _selected(budget, objects)
        )
        least = budget["spec"].get("minAvailable")
        desired = least if isinstance(least, int) else status.get("desiredHealthy", 0)
        if allowed > max(0, healthy - desired):
            yield f"budget {name} allows {allowed} of {healthy} healthy pods where {desired} are needed"

    @staticmethod
    def _evicted(pod: Object, objects: Objects) -> Iterator[str]:
        name = pod["metadata"]["name"]
        if not _is_healthy(pod):
            return
        for budget in _in(objects, _BUDGETS, pod["metadata"]["namespace"]):
            charged = name in budget.get("status", {}).get("disruptedPods", {})
            if not charged and _selected(budget, {"pods": {key_of(pod): pod}}):
                yield f"pod {name} was evicted without a charge to budget {budget['metadata']['name']}"


class AvailabilityIsKept(Invariant):
    """The controllers of a Deployment never reduce its ready pods below ``replicas - maxUnavailable``.

    After other clients deleted pods or changed the spec, the Deployment is not checked until its rollout is
    complete.
    """

    def __init__(self) -> None:
        self._complete: set[str] = set()

    def on_write(self, write: Write, objects: Objects) -> Iterator[str]:
        """Check lost pods, and track which Deployments are complete."""
        if write.resource == "deployments.apps":
            self._follow(write, objects)
        elif write.resource == "pods" and write.old is not None and _is_healthy(write.old):
            deployment = _deployment_of(write.old, objects)
            if deployment is None or (write.new is not None and _is_healthy(write.new)):
                return
            uid = deployment["metadata"]["uid"]
            if not _deleted_by_replica_set(write):
                self._complete.discard(uid)
            elif uid in self._complete and is_rolling(deployment):
                ready = len(_ready_pods(deployment, objects))
                floor = replicas(deployment) - max_unavailable(deployment)
                if ready < floor:
                    name = deployment["metadata"]["name"]
                    yield f"deployment {name} has {ready} ready pods, expected at least {floor}, after {write}"

    def _follow(self, write: Write, objects: Objects) -> None:
        deployment, uid = write.object, write.object["metadata"]["uid"]
        old = write.old["spec"] if write.old is not None else {}
        fixed = ("replicas", "strategy", "minReadySeconds", "selector")
        if write.new is None or any(old.get(key) != deployment["spec"].get(key) for key in fixed):
            self._complete.discard(uid)
        elif is_complete(deployment, deployment.get("status", {})) and (
            len(_ready_pods(deployment, objects)) == replicas(deployment)
        ):
            self._complete.add(uid)


def _deleted_by_replica_set(write: Write) -> bool:
    assert write.old is not None
    ends = write.new is None or (
        "deletionTimestamp" in write.new["metadata"] and "deletionTimestamp" not in write.old["metadata"]
    )
    return ends and write.by == "replicaset-controller"


def _owner(obj: Object, resource: str, objects: Objects) -> Object | None:
    reference = controller_of(obj)
    if reference is None:
        return None
    key: ObjectKey = (obj["metadata"].get("namespace", ""), reference["name"])
    found = objects.get(resource, {}).get(key)
    return found if found is not None and found["metadata"]["uid"] == reference["uid"] else None


def _deployment_of(pod: Object, objects: Objects) -> Object | None:
    replica_set = _owner(pod, "replicasets.apps", objects)
    return None if replica_set is None else _owner(replica_set, "deployments.apps", objects)


def _ready_pods(deployment: Object, objects: Objects) -> list[Object]:
    pods = _in(objects, "pods", deployment["metadata"]["namespace"])
    return [pod for pod in pods if _is_healthy(pod) and _deployment_of(pod, objects) is deployment]


def _is_healthy(pod: Object) -> bool:
    return is_active(pod) and ready_since(pod) is not None


def _in(objects: Objects, resource: str, namespace: Namespace) -> list[Object]:
    return [obj for (where, _), obj in objects.get(resource, {}).items() if where == namespace]


def _selected(budget: Object, objects: Objects) -> list[Object]:
    wanted = budget["spec"].get("selector")
    selector = label_selector(None if wanted is None else decode(LabelSelector, wanted))
    return [
        pod
        for pod in objects.get("pods", {}).values()
        if pod["metadata"]["namespace"] == budget["metadata"]["namespace"]
        and selector.matches(pod["metadata"].get("labels", {}))
    ]
