"""The disruption controller: the number of pods of a budget that may be evicted now.

Rules: "Specifying a Disruption Budget" in the reference, KEP-85, KEP-3017. Evictions decrement
``status.disruptionsAllowed`` and record the pods in ``status.disruptedPods``.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from kschedcore.api.machinery.conditions import with_condition
from kschedcore.api.machinery.times import EARLIEST, later, parse_time
from kschedcore.api.machinery.types import Namespace, Object
from kschedcore.api.objects import LabelSelector, decode
from kschedcore.api.percentages import scaled_value
from kschedcore.api.selectors import Selector, label_selector
from kschedcore.client.informer import Change, controller_of, key_of
from kschedcore.controllers.activepods import ready_since
from kschedcore.controllers.controller import Controller, Key, Requeue, Watch, watch_objects

__all__ = ["DisruptionController"]

DELETION_TIMEOUT = timedelta(minutes=2)
"""Time for which an evicted pod that is not terminating counts as disrupted."""

_BUDGETS = "poddisruptionbudgets.policy"
_SCALES = {
    ("apps/v1", "ReplicaSet"): "replicasets.apps",
    ("apps/v1", "Deployment"): "deployments.apps",
    ("apps/v1", "StatefulSet"): "statefulsets.apps",
    ("v1", "ReplicationController"): "replicationcontrollers",
}
"""Owners with a scale, which give the expected number of pods."""


class _ExpectedPodsError(Exception):
    """The expected number of pods cannot be computed."""


class DisruptionController(Controller):
    """Keeps the status of PodDisruptionBudgets (``policy/v1``)."""

    name = "disruption-controller"
    component = "controllermanager"

    def watches(self) -> Iterable[Watch]:
        """Return budgets, pods, and the owners with a scale."""
        yield watch_objects(_BUDGETS)
        yield Watch("pods", self._budgets_of)
        for resource in _SCALES.values():
            yield Watch(resource, self._in_namespace)

    def _budgets_of(self, change: Change) -> Iterable[Key]:
        """Yield the budget of a pod, before and after; of several, Kubernetes uses the first (``getPdbForPod``)."""
        budgets = self.informers[_BUDGETS].seen_by("namespace", change.object["metadata"]["namespace"])
        if not budgets:
            return ()
        budgets = sorted(budgets, key=key_of)
        labels = [each["metadata"].get("labels", {}) for each in (change.old, change.new) if each is not None]
        found = [next((b for b in budgets if _selector(b).matches(each)), None) for each in labels]
        return dict.fromkeys(key_of(budget) for budget in found if budget is not None)

    def _in_namespace(self, change: Change) -> Iterable[Key]:
        old, new = change.old, change.new
        if old is not None and new is not None and old["spec"].get("replicas") == new["spec"].get("replicas"):
            return ()
        namespace = change.object["metadata"]["namespace"]
        return [key_of(budget) for budget in self.informers[_BUDGETS].seen_by("namespace", namespace)]

    def reconcile(self, key: Key) -> Requeue | None:
        """Reconcile one budget."""
        budget = self.informers[_BUDGETS].get(*key)
        if budget is None:
            return None
        selector = _selector(budget)
        pods = [
            pod
            for pod in self.informers["pods"].in_namespace(key[0])
            if selector.matches(pod["metadata"].get("labels", {}))
        ]
        if not pods:
            self.events.event(budget, "Normal", "NoPods", "No matching pods found")
        disrupted, again = self._disrupted(budget, pods)
        try:
            expected, desired = self._desired(budget, pods)
        except _ExpectedPodsError as why:
            self._write(budget, self._failed(budget, str(why)))
            return None
        healthy = sum(_is_healthy(pod) and pod["metadata"]["name"] not in disrupted for pod in pods)
        allowed = max(0, healthy - desired) if expected > 0 else 0
        status: Object = {
            "observedGeneration": budget["metadata"].get("generation", 0),
            "disruptionsAllowed": allowed,
            "currentHealthy": healthy,
            "desiredHealthy": desired,
            "expectedPods": expected,
        }
        if disrupted:
            status["disruptedPods"] = disrupted
        condition = ("True", "SufficientPods", "") if allowed else ("False", "InsufficientPods", "")
        self._write(budget, {**status, "conditions": self._conditions(budget, *condition)})
        return again

    def _desired(self, budget: Object, pods: list[Object]) -> tuple[int, int]:
        """Return the expected number of pods, and the desired number of healthy ones."""
        spec = budget["spec"]
        if "maxUnavailable" in spec:
            expected = self._expected(pods)
            most: int = scaled_value(spec["maxUnavailable"], expected, round_up=True)
            return expected, max(0, expected - most)
        if "minAvailable" not in spec:
            # Such a budget expects no pods, and then allows no disruption.
            return 0, 0
        least: Any = spec["minAvailable"]
        if isinstance(least, int):
            return len(pods), least
        expected = self._expected(pods)
        return expected, scaled_value(least, expected, round_up=True)

    def _expected(self, pods: list[Object]) -> int:
        """Return the sum of the scales of the pods' owners."""
        wanted: dict[str, int] = {}
        for pod in pods:
            owner = controller_of(pod)
            if owner is None:
                # Without a scale the expected number of pods is unknown, so the pod does not count.
                continue
            found = self._scale(pod["metadata"]["namespace"], owner)
            if found is None:
                raise _ExpectedPodsError(
                    f"found unmanaged pods or owners that do not scale: {owner['kind']} {owner['name']}"
                )
            wanted[found["metadata"]["uid"]] = found["spec"].get("replicas", 1)
        return sum(wanted.values())

    def _scale(self, namespace: Namespace, owner: Object) -> Object | None:
        resource = _SCALES.get((owner["apiVersion"], owner["kind"]))
        found = None if resource is None else self.informers[resource].get(namespace, owner["name"])
        if found is None or found["metadata"]["uid"] != owner["uid"]:
            return None
        above = controller_of(found)
        if owner["kind"] == "ReplicaSet" and above is not None and above["kind"] == "Deployment":
            return self._scale(namespace, above)
        return found

    def _disrupted(self, budget: Object, pods: list[Object]) -> tuple[Object, Requeue | None]:
        """Return evicted pods that are not terminating yet, and when the next of them times out."""
        present = {pod["metadata"]["name"]: pod for pod in pods}
        left: Object = {}
        ends: list[datetime] = []
        for name, since in (budget.get("status", {}).get("disruptedPods") or {}).items():
            pod = present.get(name)
            if pod is None or pod["metadata"].get("deletionTimestamp"):
                continue
            end = later(parse_time(since) or EARLIEST, DELETION_TIMEOUT)
            if end <= self.clock.now():
                self.events.event(
                    pod, "Warning", "NotDeleted", f"Pod was expected by PDB {key_of(budget)[0]}/"
                    f"{key_of(budget)[1]} to be deleted but it wasn't",
                )  # fmt: skip
                continue
            left[name] = since
            ends.append(end)
        return left, Requeue(min(ends), background=True) if ends else None

    def _failed(self, budget: Object, why: str) -> Object:
        status = {
            **budget.get("status", {}),
            "observedGeneration": budget["metadata"].get("generation", 0),
            "disruptionsAllowed": 0,
        }
        self.events.event(budget, "Warning", "CalculateExpectedPodCountFailed", why)
        return {**status, "conditions": self._conditions(budget, "False", "SyncFailed", why)}

    def _conditions(self, budget: Object, status: str, reason: str, message: str) -> list[Object]:
        before = budget.get("status", {}).get("conditions", ())
        condition = {
            "type": "DisruptionAllowed",
            "status": status,
            "reason": reason,
            "message": message,
            "observedGeneration": budget["metadata"].get("generation", 0),
        }
        return with_condition(before, condition, self.clock.now())

    def _write(self, budget: Object, status: Object) -> None:
        if status != budget.get("status", {}):
            self.client.update_status({**budget, "status": status}, _BUDGETS)


def _selector(budget: Object) -> Selector:
    # A budget without a selector selects nothing.
    return label_selector(
        decode(LabelSelector, budget["spec"]["selector"]) if "selector" in budget["spec"] else None
    )


def _is_healthy(pod: Object) -> bool:
    return not pod["metadata"].get("deletionTimestamp") and ready_since(pod) is not None
