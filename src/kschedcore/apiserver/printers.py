"""Tables of objects as ``kubectl get`` prints them, in the columns of their kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kschedcore.api.durations import short_duration
from kschedcore.api.machinery.kinds import Kind
from kschedcore.api.machinery.types import ReadOnlyObject
from kschedcore.client.informer import controller_of

__all__ = ["completions", "job_status", "pod_status", "ready", "restarting", "table"]

NONE = "<none>"
GAP = "   "


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    cell: Callable[[ReadOnlyObject], str]


def table(kind: Kind, objects: Iterable[ReadOnlyObject], now: datetime, *, namespaces: bool = False) -> str:
    """Return objects as lines, or the message that there are none.

    Args:
        kind: The kind of the objects.
        objects: The objects, in the order of the lines.
        now: The time, for ages.
        namespaces: Whether to show a column of namespaces first.
    """
    columns = [_Column("NAME", lambda obj: str(obj["metadata"]["name"]))]
    columns += _COLUMNS.get(kind.resource.qualified, ())
    columns.append(_Column("AGE", lambda obj: _age(obj["metadata"].get("creationTimestamp"), now)))
    if kind.resource.qualified == "events":
        columns = [_Column("LAST SEEN", lambda event: _age(event.get("lastTimestamp"), now)), *_EVENT_COLUMNS]
    if namespaces and kind.resource.namespaced:
        columns.insert(0, _Column("NAMESPACE", lambda obj: str(obj["metadata"]["namespace"])))
    rows = [[column.cell(obj) for column in columns] for obj in objects]
    if not rows:
        return "No resources found"
    lines = [[column.name for column in columns], *rows]
    widths = [max(len(line[place]) for line in lines) for place in range(len(columns))]
    return "\n".join(
        GAP.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def _age(since: str | None, now: datetime) -> str:
    return "<unknown>" if not since else short_duration(now - datetime.fromisoformat(since))


def _status(field: str) -> Callable[[ReadOnlyObject], str]:
    return lambda obj: str(obj.get("status", {}).get(field, 0))


def _spec(field: str, default: Any = NONE) -> Callable[[ReadOnlyObject], str]:
    return lambda obj: str(obj["spec"].get(field, default))


def _out_of(field: str, wanted: str = "replicas") -> Callable[[ReadOnlyObject], str]:
    return lambda obj: f"{obj.get('status', {}).get(field, 0)}/{obj['spec'].get(wanted, 1)}"


def _pod_containers(pod: ReadOnlyObject) -> list[ReadOnlyObject]:
    """Return the statuses of a pod's sidecars and containers."""
    sidecars = [
        each["name"]
        for each in pod["spec"].get("initContainers", ())
        if each.get("restartPolicy") == "Always"
    ]
    status = pod.get("status", {})
    inits = [each for each in status.get("initContainerStatuses", ()) if each["name"] in sidecars]
    return [*inits, *status.get("containerStatuses", ())]


def ready(pod: ReadOnlyObject) -> str:
    """Return the number of ready containers of a pod, and the number of all."""
    total = len(pod["spec"]["containers"])
    total += sum(each.get("restartPolicy") == "Always" for each in pod["spec"].get("initContainers", ()))
    return f"{sum(bool(each.get('ready')) for each in _pod_containers(pod))}/{total}"


def restarting(pod: ReadOnlyObject) -> list[ReadOnlyObject]:
    """Return the statuses whose restarts a pod's row counts: those of init containers while one of them is due."""
    due = _due_init_container(pod)
    return _pod_containers(pod) if due is None else pod["status"]["initContainerStatuses"][: due[0] + 1]


def _restarts(pod: ReadOnlyObject) -> str:
    return str(sum(each.get("restartCount", 0) for each in restarting(pod)))


def pod_status(pod: ReadOnlyObject) -> str:
    """Return the STATUS column of a pod: its phase, or the reason why a container does not run."""
    status = pod.get("status", {})
    if pod["metadata"].get("deletionTimestamp"):
        return "Unknown" if status.get("reason") == "NodeLost" else "Terminating"
    if status.get("reason"):
        return str(status["reason"])
    gated = any(each.get("reason") == "SchedulingGated" for each in status.get("conditions", ()))
    word = "SchedulingGated" if gated else str(status.get("phase", "Pending"))
    due = _due_init_container(pod)
    if due is not None:
        return due[1]
    for container in reversed(status.get("containerStatuses", ())):
        state = container.get("state", {})
        waiting, ended = state.get("waiting", {}), state.get("terminated", {})
        if waiting.get("reason"):
            word = waiting["reason"]
        elif ended:
            word = ended.get("reason") or f"ExitCode:{ended.get('exitCode', 0)}"
    if word == "Completed" and any(each.get("ready") for each in status.get("containerStatuses", ())):
        return "Running"
    return word


def _due_init_container(pod: ReadOnlyObject) -> tuple[int, str] | None:
    """Return the place of the first init container that has not done its part, and what it does; None without one."""
    specs = {each["name"]: each for each in pod["spec"].get("initContainers", ())}
    for place, container in enumerate(pod.get("status", {}).get("initContainerStatuses", ())):
        state, spec = container.get("state", {}), specs.get(container["name"], {})
        ended = state.get("terminated")
        if ended is not None and ended.get("exitCode", 0) == 0:
            continue
        if spec.get("restartPolicy") == "Always" and container.get("started"):
            continue
        if ended is not None:
            return place, f"Init:{ended.get('reason') or 'Error'}"
        waiting = state.get("waiting", {}).get("reason", "")
        if waiting and waiting != "PodInitializing":
            return place, f"Init:{waiting}"
        return place, f"Init:{place}/{len(specs)}"
    return None


def _node_status(node: ReadOnlyObject) -> str:
    ready = next(
        (c["status"] for c in node.get("status", {}).get("conditions", ()) if c["type"] == "Ready"), ""
    )
    word = {"True": "Ready", "": "Unknown"}.get(ready, "NotReady")
    return f"{word},SchedulingDisabled" if node["spec"].get("unschedulable") else word


def _roles(node: ReadOnlyObject) -> str:
    prefix = "node-role.kubernetes.io/"
    labels = node["metadata"].get("labels", {})
    return ",".join(sorted(key.removeprefix(prefix) for key in labels if key.startswith(prefix))) or NONE


def job_status(job: ReadOnlyObject) -> str:
    """Return the STATUS column of a Job."""
    for kind, word in (("Complete", "Complete"), ("Failed", "Failed"), ("Suspended", "Suspended")):
        conditions = job.get("status", {}).get("conditions", ())
        if any(each["type"] == kind and each["status"] == "True" for each in conditions):
            return word
    return "Running"


def completions(job: ReadOnlyObject) -> str:
    """Return the COMPLETIONS column of a Job."""
    done, wanted = job.get("status", {}).get("succeeded", 0), job["spec"].get("completions")
    return f"{done}/{wanted}" if wanted is not None else f"{done}/1 of {job['spec'].get('parallelism', 1)}"


def _target(autoscaler: ReadOnlyObject) -> str:
    reference = autoscaler["spec"]["scaleTargetRef"]
    return f"{reference['kind']}/{reference['name']}"


def _targets(autoscaler: ReadOnlyObject) -> str:
    now = autoscaler.get("status", {}).get("currentMetrics") or ()
    cells = []
    for place, metric in enumerate(autoscaler["spec"].get("metrics", ())):
        source = metric.get("resource") or metric.get("containerResource") or {}
        goal = source.get("target", {}).get("averageUtilization")
        current = now[place].get("resource", {}).get("current", {}) if place < len(now) else {}
        known = current.get("averageUtilization")
        cells.append(f"{source.get('name', '?')}: {'<unknown>' if known is None else f'{known}%'}/{goal}%")
    return ", ".join(cells) or NONE


def _ports(service: ReadOnlyObject) -> str:
    ports = [f"{each['port']}/{each.get('protocol', 'TCP')}" for each in service["spec"].get("ports", ())]
    return ",".join(ports) or NONE


def _owner(obj: ReadOnlyObject) -> str:
    reference = controller_of(dict(obj))
    return NONE if reference is None else f"{reference['kind']}/{reference['name']}"


def _regarding(event: ReadOnlyObject) -> str:
    return f"{event['involvedObject'].get('kind', '').lower()}/{event['involvedObject'].get('name', '')}"


_EVENT_COLUMNS = (
    _Column("TYPE", lambda event: str(event.get("type", ""))),
    _Column("REASON", lambda event: str(event.get("reason", ""))),
    _Column("OBJECT", _regarding),
    _Column("MESSAGE", lambda event: str(event.get("message", ""))),
)

_COLUMNS: Mapping[str, tuple[_Column, ...]] = {
    "pods": (
        _Column("READY", ready),
        _Column("STATUS", pod_status),
        _Column("RESTARTS", _restarts),
        _Column("NODE", lambda pod: str(pod["spec"].get("nodeName", NONE))),
    ),
    "nodes": (
        _Column("STATUS", _node_status),
        _Column("ROLES", _roles),
    ),
    "namespaces": (_Column("STATUS", lambda obj: str(obj.get("status", {}).get("phase", NONE))),),
    "deployments.apps": (
        _Column("READY", _out_of("readyReplicas")),
        _Column("UP-TO-DATE", _status("updatedReplicas")),
        _Column("AVAILABLE", _status("availableReplicas")),
    ),
    "replicasets.apps": (
        _Column("DESIRED", _spec("replicas", 1)),
        _Column("CURRENT", _status("replicas")),
        _Column("READY", _status("readyReplicas")),
    ),
    "statefulsets.apps": (_Column("READY", _out_of("readyReplicas")),),
    "daemonsets.apps": (
        _Column("DESIRED", _status("desiredNumberScheduled")),
        _Column("CURRENT", _status("currentNumberScheduled")),
        _Column("READY", _status("numberReady")),
        _Column("UP-TO-DATE", _status("updatedNumberScheduled")),
        _Column("AVAILABLE", _status("numberAvailable")),
    ),
    "controllerrevisions.apps": (
        _Column("CONTROLLER", _owner),
        _Column("REVISION", lambda obj: str(obj["revision"])),
    ),
    "jobs.batch": (_Column("STATUS", job_status), _Column("COMPLETIONS", completions)),
    "cronjobs.batch": (
        _Column("SCHEDULE", _spec("schedule")),
        _Column("TIMEZONE", _spec("timeZone")),
        _Column("SUSPEND", _spec("suspend", False)),
        _Column("ACTIVE", lambda obj: str(len(obj.get("status", {}).get("active", ())))),
    ),
    "horizontalpodautoscalers.autoscaling": (
        _Column("REFERENCE", _target),
        _Column("TARGETS", _targets),
        _Column("MINPODS", _spec("minReplicas", 1)),
        _Column("MAXPODS", _spec("maxReplicas")),
        _Column("REPLICAS", _status("currentReplicas")),
    ),
    "services": (
        _Column("TYPE", _spec("type", "ClusterIP")),
        _Column("CLUSTER-IP", _spec("clusterIP")),
        _Column("PORT(S)", _ports),
    ),
    "persistentvolumeclaims": (
        _Column("STATUS", lambda obj: str(obj.get("status", {}).get("phase", NONE))),
        _Column("VOLUME", _spec("volumeName", "")),
        _Column("STORAGECLASS", _spec("storageClassName", "")),
    ),
    "persistentvolumes": (
        _Column("CAPACITY", lambda obj: str(obj["spec"].get("capacity", {}).get("storage", NONE))),
        _Column("STATUS", lambda obj: str(obj.get("status", {}).get("phase", NONE))),
    ),
    "poddisruptionbudgets.policy": (
        _Column("MIN AVAILABLE", _spec("minAvailable", "N/A")),
        _Column("MAX UNAVAILABLE", _spec("maxUnavailable", "N/A")),
        _Column("ALLOWED DISRUPTIONS", _status("disruptionsAllowed")),
    ),
}
