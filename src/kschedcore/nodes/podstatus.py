"""The pod status that an agent writes (``v1.PodStatus``); fields of other writers are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from kschedcore.api.machinery.times import timestamp
from kschedcore.api.machinery.types import Object
from kschedcore.api.phases import FINISHED
from kschedcore.nodes.conditions import OWNED, condition, pod_conditions
from kschedcore.nodes.containers import Container
from kschedcore.nodes.host import Rejection
from kschedcore.nodes.phases import pod_phase
from kschedcore.nodes.resizing import RESIZE_PENDING
from kschedcore.nodes.stopping import Ending

__all__ = ["Place", "pod_status", "rejected"]


class Place:
    """The addresses and start time of a pod, for its status.

    Args:
        host_ip: The node's address.
        ip: The pod's address; empty before it has one.
        since: When the agent admitted the pod.
    """

    __slots__ = ("fields",)

    def __init__(self, host_ip: str, ip: str, since: str) -> None:
        self.fields: Object = {"hostIP": host_ip, "hostIPs": [{"ip": host_ip}], "startTime": since}
        if ip:
            self.fields |= {"podIP": ip, "podIPs": [{"ip": ip}]}


def pod_status(
    pod: Mapping[str, Any],
    containers: Sequence[Container],
    place: Place,
    now: datetime,
    *,
    over: bool,
    ending: Ending | None,
    resize: Rejection | None = None,
) -> Object:
    """Return the status of a pod that its node admitted.

    Args:
        pod: The pod, with its present status.
        containers: The pod's containers.
        place: Its addresses and start time.
        now: The time, for changed conditions.
        over: Whether it has been stopped and no container runs any more.
        ending: Why the agent terminated it, if it did.
        resize: Why the node has not allocated a resize.
    """
    spec, before = pod["spec"], pod.get("status", {})
    phase = _phase(spec, before.get("phase", "Pending"), containers, over=over, ending=ending)
    others = [each for each in before.get("conditions", ()) if each["type"] not in OWNED]
    if over and ending is not None and ending.disrupted:
        others = [each for each in others if each["type"] != "DisruptionTarget"]
        others.append(condition("DisruptionTarget", True, "TerminationByKubelet", ending.message))
    others = [each for each in others if each["type"] != RESIZE_PENDING]
    if resize is not None:
        others.append(condition(RESIZE_PENDING, True, *resize))
    conditions = pod_conditions(spec, containers, phase, others, sandbox=not over)
    status = {**before, **_observed(pod), **place.fields, "phase": phase}
    if over and ending is not None:
        status |= {"reason": ending.reason, "message": ending.message}
    status["conditions"] = _dated([*others, *conditions], pod, now)
    inits = [each.status() for each in containers if each.role != "app"]
    if inits:
        status["initContainerStatuses"] = inits
    status["containerStatuses"] = [each.status() for each in containers if each.role == "app"]
    return status


def _phase(
    spec: Mapping[str, Any],
    before: str,
    containers: Sequence[Container],
    *,
    over: bool,
    ending: Ending | None,
) -> str:
    if before in FINISHED:
        return before
    if over and ending is not None:
        return "Failed"
    phase = pod_phase(spec.get("restartPolicy", "Always"), containers, over=over)
    if over:
        # A pod that never ran did not succeed.
        return phase if phase in FINISHED else "Failed"
    # Other components treat a terminated pod's resources as free: it is not reported so while a container runs.
    if phase in FINISHED and any(each.running for each in containers):
        return before
    return phase


def _observed(pod: Mapping[str, Any]) -> Object:
    """Return the observed generation of the spec (KEP-5067)."""
    generation = pod["metadata"].get("generation")
    return {"observedGeneration": generation} if generation else {}


def rejected(pod: Mapping[str, Any], reason: str, message: str, now: datetime) -> Object:
    """Return the status of a pod that its node does not admit."""
    before = pod.get("status", {})
    others = [each for each in before.get("conditions", ()) if each["type"] not in OWNED]
    unready = [condition(each, False, "PodFailed") for each in ("ContainersReady", "Ready")]
    return {
        **before,
        **_observed(pod),
        "phase": "Failed",
        "reason": reason,
        "message": f"Pod was rejected: {message}",
        "startTime": timestamp(now),
        "conditions": _dated([*others, *unready], pod, now),
    }


def _dated(conditions: Sequence[Object], pod: Mapping[str, Any], now: datetime) -> list[Mapping[str, Any]]:
    """Return the conditions with their observed generation and last transition time."""
    known = {each["type"]: each for each in pod.get("status", {}).get("conditions", ())}
    observed = _observed(pod)
    dated: list[Mapping[str, Any]] = []
    for each in conditions:
        old = known.get(each["type"])
        if old is each:
            dated.append(each)
            continue
        since = timestamp(now)
        if old is not None and old.get("status") == each["status"]:
            since = old.get("lastTransitionTime") or since
        dated.append({**each, **observed, "lastProbeTime": None, "lastTransitionTime": since})
    return dated
