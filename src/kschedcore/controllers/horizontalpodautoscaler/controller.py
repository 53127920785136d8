"""The HorizontalPodAutoscaler controller (``autoscaling/v2``)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from kschedcore.api.machinery.frozen import plain
from kschedcore.api.machinery.kinds import KINDS
from kschedcore.api.machinery.times import timestamp
from kschedcore.api.machinery.types import Object
from kschedcore.api.objects import LabelSelector, decode
from kschedcore.api.selectors import label_selector
from kschedcore.client.informer import Change, by_label, key_of
from kschedcore.controllers.controller import Context, Controller, Key, Requeue, Watch
from kschedcore.controllers.horizontalpodautoscaler.behavior import Limited, Memory, limited
from kschedcore.controllers.horizontalpodautoscaler.replicas import (
    MetricError,
    Proposal,
    Tolerance,
    UsageSource,
    propose,
)

__all__ = ["HorizontalPodAutoscalerController"]

PERIOD = timedelta(seconds=15)
"""``--horizontal-pod-autoscaler-sync-period``."""

_AUTOSCALERS = "horizontalpodautoscalers.autoscaling"
_FIELDS = {"Resource": "resource", "ContainerResource": "containerResource"}
_SCALING = {
    (kind.resource.api_version, kind.resource.kind): kind.resource.qualified
    for kind in KINDS
    if "scale" in kind.subresources
}


class HorizontalPodAutoscalerController(Controller):
    """Computes the usage of each target's pods every 15 seconds, and scales the target.

    Args:
        context: The client, informers and clock.
        usage: The source of pods' usage.
    """

    name = "horizontal-pod-autoscaler"

    def __init__(self, context: Context, usage: UsageSource) -> None:
        super().__init__(context)
        self._usage = usage
        self._memories: dict[Key, Memory] = {}

    def watches(self) -> Iterable[Watch]:
        """Return autoscalers, which are first reconciled after a whole period (``enqueueHPA``)."""
        return (Watch(_AUTOSCALERS, _is_new, delay=lambda _: PERIOD),)

    def reconcile(self, key: Key) -> Requeue | None:
        """Reconcile one autoscaler."""
        autoscaler = self.informers[_AUTOSCALERS].get(*key)
        if autoscaler is None:
            self._memories.pop(key, None)
            return None
        status = _Status(plain(autoscaler.get("status", {})), timestamp(self.clock.now()))
        target = self._target(autoscaler)
        if target is None:
            reference = autoscaler["spec"]["scaleTargetRef"]
            message = (
                "the HPA controller was unable to get the target's current scale: "
                f'{reference["kind"].lower()}s "{reference["name"]}" not found'
            )
            status.condition("AbleToScale", "False", "FailedGetScale", message)
            self.events.event(autoscaler, "Warning", "FailedGetScale", message)
        else:
            self._autoscale(autoscaler, target, status)
        if status.content != autoscaler.get("status", {}):
            self.client.update_status({**autoscaler, "status": status.content}, _AUTOSCALERS)
        return Requeue(self.clock.now() + PERIOD, background=True)

    def _target(self, autoscaler: Object) -> Object | None:
        reference = autoscaler["spec"]["scaleTargetRef"]
        resource = _SCALING.get((reference.get("apiVersion", "v1"), reference["kind"]))
        if resource is None:
            return None
        return self.informers[resource].get(autoscaler["metadata"]["namespace"], reference["name"])

    def _autoscale(self, autoscaler: Object, target: Object, status: _Status) -> None:
        spec, current = autoscaler["spec"], target["spec"].get("replicas", 1)
        # The initial replicas count as a recommendation, so that there is no scale-down within the first window.
        first = Memory(recommendations=[(self.clock.now(), current)])
        self._memories.setdefault(key_of(autoscaler), first)
        message = "the HPA controller was able to get the target's current scale"
        status.condition("AbleToScale", "True", "SucceededGetScale", message)
        status.content["currentReplicas"] = target.get("status", {}).get("replicas", 0)
        if autoscaler["metadata"].get("generation"):
            status.content["observedGeneration"] = autoscaler["metadata"]["generation"]
        least, most = spec.get("minReplicas", 1), spec["maxReplicas"]
        why = ""
        if current == 0 and least != 0:
            message = "scaling is disabled since the replica count of the target is zero"
            status.condition("ScalingActive", "False", "ScalingDisabled", message)
            status.content["desiredReplicas"] = 0
            return
        if current > most:
            replicas, why = most, "Current number of replicas above Spec.MaxReplicas"
        elif current < least:
            replicas, why = least, "Current number of replicas below Spec.MinReplicas"
        else:
            found = self._by_metrics(autoscaler, target, current, status)
            if found is None:
                status.content["desiredReplicas"] = current
                return
            outcome, why = found
            replicas = outcome.replicas
            status.condition("AbleToScale", "True", *outcome.able)
            status.condition("ScalingLimited", str(outcome.is_limited), *outcome.limit)
        status.content["desiredReplicas"] = replicas
        if replicas != current:
            self._scale(autoscaler, target, replicas, why, status)

    def _by_metrics(
        self, autoscaler: Object, target: Object, current: int, status: _Status
    ) -> tuple[Limited, str] | None:
        """Return the replicas that the metrics recommend, within bounds; None if no metric is available."""
        pods = self._pods(target)
        if not self._is_unambiguous(autoscaler, target, pods, status):
            return None
        tolerance = Tolerance.of(autoscaler["spec"])
        proposals: list[tuple[Proposal, str]] = []
        failures, current_metrics = [], []
        for metric in autoscaler["spec"].get("metrics", ()):
            try:
                proposal = self._propose(metric, pods, current, tolerance)
            except MetricError as failure:
                failures.append((metric, str(failure)))
                continue
            proposals.append((proposal, _subject(metric)))
            current_metrics.append(_current(metric, proposal))
        highest = max(proposals, key=lambda each: each[0].replicas, default=None)
        if failures and (highest is None or highest[0].replicas < current):
            metric, why = failures[0]
            reason = f"FailedGet{metric['type']}Metric"
            message = (
                "the HPA was unable to compute the replica count: "
                f"failed to get {_unavailable(metric)}: {why}"
            )
            status.condition("ScalingActive", "False", reason, message)
            self.events.event(autoscaler, "Warning", reason, message)
            return None
        if highest is None:
            return None
        status.content["currentMetrics"] = current_metrics
        proposal, subject = highest
        message = f"the HPA was able to successfully calculate a replica count from {subject}"
        status.condition("ScalingActive", "True", "ValidMetricFound", message)
        memory = self._memories[key_of(autoscaler)]
        outcome = limited(autoscaler["spec"], memory, current, proposal.replicas, self.clock.now())
        rises = outcome.replicas > current
        return outcome, f"{subject} above target" if rises else "All metrics below target"

    def _is_unambiguous(
        self, autoscaler: Object, target: Object, pods: list[Object], status: _Status
    ) -> bool:
        """Return whether no other autoscaler's target selects one of the pods; else report it."""
        namespace = autoscaler["metadata"]["namespace"]
        others = self.informers[_AUTOSCALERS].in_namespace(namespace)
        if len(others) < 2:
            return True
        uids = {pod["metadata"]["uid"] for pod in pods}
        found = []
        for each in others:
            selected = self._target(each)
            if selected is not None and any(p["metadata"]["uid"] in uids for p in self._pods(selected)):
                found.append(f"{namespace}/{each['metadata']['name']}")
        if len(found) < 2:
            return True
        selector = label_selector(decode(LabelSelector, target["spec"]["selector"]))
        message = f"pods by selector {selector} are controlled by multiple HPAs: [{' '.join(sorted(found))}]"
        self.events.event(autoscaler, "Warning", "AmbiguousSelector", message)
        status.condition("ScalingActive", "False", "AmbiguousSelector", message)
        return False

    def _propose(self, metric: Object, pods: list[Object], current: int, tolerance: Tolerance) -> Proposal:
        field = _FIELDS.get(metric["type"])
        if field is None:
            raise MetricError(f"no metrics of type {metric['type']} are known here")
        return propose(metric[field], pods, current, self._usage, self.clock.now(), tolerance)

    def _pods(self, target: Object) -> list[Object]:
        spec = decode(LabelSelector, target["spec"]["selector"])
        selector, namespace = label_selector(spec), target["metadata"]["namespace"]
        pods = self.informers["pods"]
        pods.add_index("label", by_label)  # only created here: most clusters have no autoscaler
        label = next(iter((spec.match_labels or {}).items()), None)
        possible = pods.in_namespace(namespace) if label is None else pods.by("label", (namespace, *label))
        return [pod for pod in possible if selector.matches(pod["metadata"].get("labels", {}))]

    def _scale(self, autoscaler: Object, target: Object, replicas: int, why: str, status: _Status) -> None:
        reference = autoscaler["spec"]["scaleTargetRef"]
        resource = _SCALING[(reference.get("apiVersion", "v1"), reference["kind"])]
        namespace, name = key_of(target)
        before = target["spec"].get("replicas", 1)
        self.client.patch(resource, namespace, name, {"spec": {"replicas": replicas}}, subresource="scale")
        memory = self._memories[key_of(autoscaler)]
        memory.changes.append((self.clock.now(), replicas - before))
        # Policies have periods of at most half an hour.
        memory.changes = [
            each for each in memory.changes if each[0] > self.clock.now() - timedelta(minutes=30)
        ]
        message = f"the HPA controller was able to update the target scale to {replicas}"
        status.condition("AbleToScale", "True", "SucceededRescale", message)
        status.content["lastScaleTime"] = status.now
        self.events.event(autoscaler, "Normal", "SuccessfulRescale", f"New size: {replicas}; reason: {why}")


class _Status:
    """A status being built."""

    def __init__(self, content: Object, now: str) -> None:
        self.content = content
        self.now = now

    def condition(self, kind: str, status: str, reason: str, message: str) -> None:
        conditions: list[Object] = self.content.setdefault("conditions", [])
        for each in conditions:
            if each["type"] == kind:
                if each["status"] != status:
                    each["lastTransitionTime"] = self.now
                each.update(status=status, reason=reason, message=message)
                return
        conditions.append({
            "type": kind, "status": status, "reason": reason, "message": message,
            "lastTransitionTime": self.now,
        })  # fmt: skip


def _subject(metric: Object) -> str:
    """Return the name of a metric in messages."""
    source = metric[_FIELDS[metric["type"]]]
    name = source["name"]
    if metric["type"] == "ContainerResource":
        name = f"{name} container"
    if source["target"]["type"] == "Utilization":
        return f"{name} resource utilization (percentage of request)"
    return f"{name} resource"


def _unavailable(metric: Object) -> str:
    source = metric.get(_FIELDS.get(metric["type"], ""), {})
    return f"{source.get('name', metric['type'])} {'utilization' if source else 'metric'}"


def _current(metric: Object, proposal: Proposal) -> Object:
    field = _FIELDS[metric["type"]]
    source = metric[field]
    amount = proposal.average if source["name"] == "cpu" else proposal.average // 1000
    current: Object = {"averageValue": f"{amount}m" if source["name"] == "cpu" else str(amount)}
    if proposal.utilization is not None:
        current["averageUtilization"] = proposal.utilization
    named = {key: source[key] for key in ("name", "container") if key in source}
    return {"type": metric["type"], field: {**named, "current": current}}


def _is_new(change: Change) -> Iterable[Key]:
    """Return the key of a new autoscaler; a known one is reconciled again within the period, whatever changes."""
    return (key_of(change.object),) if change.old is None else ()
