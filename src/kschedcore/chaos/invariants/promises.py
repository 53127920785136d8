"""Invariants of what a cluster promises its users: quotas, disruption budgets, availability during a rollout."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kschedcore.api.machinery.kinds import kind_by_resource, resources
from kschedcore.api.machinery.resources import Resource
from kschedcore.api.machinery.types import Object
from kschedcore.api.objects import LabelSelector, decode
from kschedcore.api.quantity import Quantity
from kschedcore.api.selectors import label_selector
from kschedcore.apiserver.admission.quota import evaluator_for, quota_matches, quota_usage
from kschedcore.chaos.breakable import BreakableCluster
from kschedcore.chaos.chronicle import Objects, Write
from kschedcore.chaos.invariants.base import Invariant
from kschedcore.client.informer import ObjectKey, controller_of
from kschedcore.controllers.activepods import is_active, ready_since
from kschedcore.controllers.deployment.sizes import is_rolling, max_unavailable, replicas
from kschedcore.controllers.deployment.status import is_complete
from kschedcore.rules.amounts import parse

__all__ = ["AvailabilityIsKept", "BudgetsAreRespected", "QuotasAreKept", "QuotasCountWhatIsThere"]

_QUOTAS, _BUDGETS = "resourcequotas", "poddisruptionbudgets.policy"
_NOTHING = Quantity.parse("0")


def _live_usage(quota: Object, hard: Object, objects: Objects) -> dict[str, str]:
    """What the objects of its namespace use of a quota."""
    namespace = quota["metadata"]["namespace"]
    counted: dict[Resource, list[Object]] = {}
    for resource in resources(namespaced=True):
        if evaluator_for(resource).matching_resources(hard):
            counted[resource] = _in(objects, resource.qualified, namespace)
    return quota_usage({**quota["spec"], "hard": hard}, counted)


class QuotasAreKept(Invariant):
    """Nothing is created beyond what a quota allows (admission plugin ``ResourceQuota``).

    What a quota says it has used counts once its controller has looked at everything; as in Kubernetes, one
    that has not heard of all yet may let in too much.
    """

    def __init__(self) -> None:
        self._miscounted: set[str] = set()

    def written(self, write: Write, objects: Objects) -> Iterator[str]:
        """Look at what is created, and at who counts."""
        if write.resource == _QUOTAS:
            if write.by == "resourcequota-controller":
                uid = write.object["metadata"]["uid"]
                (self._miscounted.add if write.late else self._miscounted.discard)(uid)
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
            asked = evaluator.usage(write.new)
            for name in names:
                if asked.get(name, _NOTHING) > _NOTHING and used[name] > allowed[name]:
                    yield f"quota {quota['metadata']['name']}: {name} {used[name]} of {allowed[name]}: {write}"


class QuotasCountWhatIsThere(Invariant):
    """When a cluster is at rest, every quota's status says what its specification allows and what is used."""

    def settled(self, cluster: BreakableCluster, objects: Objects) -> Iterator[str]:  # noqa: ARG002
        """Recount."""
        for quota in objects.get(_QUOTAS, {}).values():
            hard = dict(quota["spec"].get("hard", {}))
            status = quota.get("status", {})
            expected = {"hard": hard, "used": _live_usage(quota, hard, objects)} if hard else {}
            if status != expected:
                yield f"quota {quota['metadata']['name']} says {status}, and there is {expected}"


class BudgetsAreRespected(Invariant):
    """An eviction spends what a disruption budget allows, and a budget never allows more than there is to spare.

    Evictions are the writes of ``eviction``; a pod that serves nobody costs nothing (KEP-3017).
    """

    def written(self, write: Write, objects: Objects) -> Iterable[str]:
        """Look at what budgets say, and at evictions."""
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
        if write.by != "disruption-controller" or write.late:
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
            if not charged and _selected(budget, {"pods": {("", name): pod}}):
                yield f"pod {name} was evicted, and budget {budget['metadata']['name']} not charged"


class AvailabilityIsKept(Invariant):
    """A Deployment does not fall below ``replicas - maxUnavailable`` ready pods by its own doing.

    Where others took pods away or the numbers were changed, its controllers act on what they knew, and this
    looks at the Deployment again once it is complete.
    """

    def __init__(self) -> None:
        self._calm: set[str] = set()

    def written(self, write: Write, objects: Objects) -> Iterator[str]:
        """Look at completed rollouts, at what is asked for, and at pods that are lost."""
        if write.resource == "deployments.apps":
            self._follow(write, objects)
        elif write.resource == "pods" and write.old is not None and _is_healthy(write.old):
            deployment = _deployment_of(write.old, objects)
            if deployment is None or (write.new is not None and _is_healthy(write.new)):
                return
            uid = deployment["metadata"]["uid"]
            if not _deleted_by_replica_set(write):
                self._calm.discard(uid)
            elif uid in self._calm and is_rolling(deployment):
                ready = len(_ready_pods(deployment, objects))
                floor = replicas(deployment) - max_unavailable(deployment)
                if ready < floor:
                    name = deployment["metadata"]["name"]
                    yield f"deployment {name} has {ready} ready pods, and promises {floor}, after {write}"

    def _follow(self, write: Write, objects: Objects) -> None:
        deployment, uid = write.object, write.object["metadata"]["uid"]
        old = write.old["spec"] if write.old is not None else {}
        fixed = ("replicas", "strategy", "minReadySeconds", "selector")
        if write.new is None or any(old.get(key) != deployment["spec"].get(key) for key in fixed):
            self._calm.discard(uid)
        elif is_complete(deployment, deployment.get("status", {})) and (
            len(_ready_pods(deployment, objects)) == replicas(deployment)
        ):
            self._calm.add(uid)


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


def _in(objects: Objects, resource: str, namespace: str) -> list[Object]:
    return [obj for (where, _), obj in objects.get(resource, {}).items() if where == namespace]


def _selected(budget: Object, objects: Objects) -> list[Object]:
    asked = budget["spec"].get("selector")
    selector = label_selector(None if asked is None else decode(LabelSelector, asked))
    return [
        pod
        for pod in objects.get("pods", {}).values()
        if pod["metadata"]["namespace"] == budget["metadata"]["namespace"]
        and selector.matches(pod["metadata"].get("labels", {}))
    ]
