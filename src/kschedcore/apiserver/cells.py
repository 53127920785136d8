"""The cells of ``Table`` responses, for ``kubectl get`` (``pkg/printers/internalversion``).

The definitions of the columns, with the server's descriptions, are in ``columns.json``; other kinds have columns for
name and creation time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any

from kschedcore.api.durations import short_duration
from kschedcore.api.machinery.times import parse_time
from kschedcore.api.machinery.types import Object, ReadOnlyObject
from kschedcore.apiserver import printers
from kschedcore.apiserver.subresources import selector_text
from kschedcore.client.informer import controller_of

__all__ = ["cells_of", "column_definitions"]

NONE, UNSET, UNKNOWN = "<none>", "<unset>", "<unknown>"
_SHOWN = 3
_METRICS_SHOWN = 2
_METRICS = ("resource", "containerResource", "pods", "object", "external")
Cells = Callable[[ReadOnlyObject, datetime], list[Any]]


@cache
def _definitions() -> Mapping[str, list[Object]]:
    text = files("kschedcore.apiserver").joinpath("columns.json").read_text("utf-8")
    found: Mapping[str, list[Object]] = json.loads(text)
    return found


def column_definitions(resource: str) -> list[Object]:
    """Return the columns of a resource, by its qualified plural; those of all others for an unknown one."""
    return _definitions().get(resource) or _definitions()["roles.rbac.authorization.k8s.io"]


def cells_of(resource: str, obj: ReadOnlyObject, now: datetime) -> list[Any]:
    """Return the cells of an object.

    Args:
        resource: The qualified plural.
        obj: The object.
        now: The time, for ages.
    """
    name = obj["metadata"].get("name", "")
    if resource in ("events", "events.events.k8s.io"):
        return _event(obj, now)
    if resource == "csistoragecapacities.storage.k8s.io":
        return [name, obj.get("storageClassName", ""), obj.get("capacity") or UNSET]
    between = _CELLS.get(resource)
    if between is None or resource not in _definitions():
        return [name, obj["metadata"].get("creationTimestamp")]
    before, after = between
    return [name, *before(obj, now), _age(obj["metadata"].get("creationTimestamp"), now), *after(obj, now)]


def _age(since: Any, now: datetime) -> str:
    time = parse_time(since)
    return UNKNOWN if time is None else short_duration(now - time)


def _nothing(_obj: ReadOnlyObject, _now: datetime) -> list[Any]:
    return []


def _status(*fields: str) -> Cells:
    return lambda obj, _now: [(obj.get("status") or {}).get(field, 0) for field in fields]


def _template(obj: ReadOnlyObject) -> ReadOnlyObject:
    spec: ReadOnlyObject = obj.get("template") or obj["spec"]["template"]
    return spec


def _containers(obj: ReadOnlyObject, _now: datetime) -> list[Any]:
    containers = _template(obj)["spec"].get("containers") or ()
    return [
        ",".join(each["name"] for each in containers),
        ",".join(each.get("image", "") for each in containers),
    ]


def _containers_and_selector(obj: ReadOnlyObject, now: datetime) -> list[Any]:
    return [*_containers(obj, now), selector_text(obj["spec"].get("selector")) or NONE]


def _few(texts: Iterable[str], *, none: str) -> str:
    """Return at most three of the texts, and the number of others."""
    found = list(texts)
    more = f" + {len(found) - _SHOWN} more..." if len(found) > _SHOWN else ""
    return ",".join(found[:_SHOWN]) + more if found else none


def _out_of(field: str) -> Cells:
    return lambda obj, _now: [f"{(obj.get('status') or {}).get(field, 0)}/{obj['spec'].get('replicas', 0)}"]


def _deployment(obj: ReadOnlyObject, now: datetime) -> list[Any]:
    return [*_out_of("readyReplicas")(obj, now), *_status("updatedReplicas", "availableReplicas")(obj, now)]


def _daemon_set(obj: ReadOnlyObject, now: datetime) -> list[Any]:
    counts = _status(
        "desiredNumberScheduled",
        "currentNumberScheduled",
        "numberReady",
        "updatedNumberScheduled",
        "numberAvailable",
    )(obj, now)
    return [*counts, _labels(_template(obj)["spec"].get("nodeSelector"))]


def _labels(labels: Mapping[str, str] | None) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted((labels or {}).items())) or NONE


def _pod(pod: ReadOnlyObject, now: datetime) -> list[Any]:
    return [printers.ready(pod), printers.pod_status(pod), _restarts(pod, now)]


def _restarts(pod: ReadOnlyObject, now: datetime) -> str:
    statuses = printers.restarting(pod)
    count = sum(each.get("restartCount", 0) for each in statuses)
    ended = [(each.get("lastState") or {}).get("terminated", {}).get("finishedAt") for each in statuses]
    last = max((time for time in map(parse_time, ended) if time is not None), default=None)
    return str(count) if not count or last is None else f"{count} ({short_duration(now - last)} ago)"


def _pod_wide(pod: ReadOnlyObject, _now: datetime) -> list[Any]:
    status, gates = pod.get("status") or {}, pod["spec"].get("readinessGates") or ()
    addresses = [each.get("ip", "") for each in status.get("podIPs") or ()]
    conditions = {each["type"] for each in status.get("conditions", ()) if each["status"] == "True"}
    met = sum(gate["conditionType"] in conditions for gate in gates)
    return [
        (addresses[0] if addresses else status.get("podIP")) or NONE,
        pod["spec"].get("nodeName") or NONE,
        status.get("nominatedNodeName") or NONE,
        f"{met}/{len(gates)}" if gates else NONE,
    ]


def _service(service: ReadOnlyObject, _now: datetime) -> list[Any]:
    spec = service["spec"]
    kind = spec.get("type", "ClusterIP")
    return [kind, spec.get("clusterIP") or NONE, _external(service, kind), _ports(spec.get("ports") or ())]


def _external(service: ReadOnlyObject, kind: str) -> str:
    spec = service["spec"]
    addresses = list(spec.get("externalIPs") or ())
    if kind == "ExternalName":
        return str(spec.get("externalName") or NONE)
    if kind == "LoadBalancer":
        balancer = (service.get("status") or {}).get("loadBalancer", {})
        given = [each.get("ip") or each.get("hostname", "") for each in balancer.get("ingress") or ()]
        return ",".join([*filter(None, given), *addresses]) or "<pending>"
    return ",".join(addresses) or NONE


def _ports(ports: Iterable[ReadOnlyObject]) -> str:
    return (
        ",".join(
            f"{each['port']}{':' + str(each['nodePort']) if each.get('nodePort') else ''}/{each.get('protocol', 'TCP')}"
            for each in ports
        )
        or NONE
    )


def _endpoints(obj: ReadOnlyObject, _now: datetime) -> list[Any]:
    found = [
        f"{address['ip']}:{port['port']}" if port else address["ip"]
        for subset in obj.get("subsets") or ()
        for port in subset.get("ports") or (None,)
        for address in subset.get("addresses") or ()
    ]
    return [_few(found, none=NONE)]


def _endpoint_slice(obj: ReadOnlyObject, _now: datetime) -> list[Any]:
    ports = [str(each.get("port") or each.get("name") or "*") for each in obj.get("ports") or ()]
    addresses = [address for each in obj.get("endpoints") or () for address in each.get("addresses") or ()]
    return [obj.get("addressType", ""), _few(ports, none=UNSET), _few(addresses, none=UNSET)]


def _ingress(obj: ReadOnlyObject, _now: datetime) -> list[Any]:
    spec = obj["spec"]
    hosts = [rule["host"] for rule in spec.get("rules") or () if rule.get("host")]
    balancer = (obj.get("status") or {}).get("loadBalancer", {})
    addresses = [each.get("ip") or each.get("hostname", "") for each in balancer.get("ingress") or ()]
    ports = "80, 443" if spec.get("tls") else "80"
    return [spec.get("ingressClassName") or NONE, _few(hosts, none="*"), ",".join(addresses), ports]


def _job(job: ReadOnlyObject, now: datetime) -> list[Any]:
    status = job.get("status") or {}
    start, end = parse_time(status.get("startTime")), parse_time(status.get("completionTime"))
    duration = "" if start is None else short_duration((end or now) - start)
    return [printers.job_status(job), printers.completions(job), duration]


def _cron_job(obj: ReadOnlyObject, now: datetime) -> list[Any]:
    spec, status = obj["spec"], obj.get("status") or {}
    last = status.get("lastScheduleTime")
    return [
        spec.get("schedule", ""), spec.get("timeZone") or NONE, str(bool(spec.get("suspend"))),
        len(status.get("active") or ()), _age(last, now) if last else NONE,
    ]  # fmt: skip


def _cron_job_wide(obj: ReadOnlyObject, now: datetime) -> list[Any]:
    return _containers_and_selector({"spec": obj["spec"]["jobTemplate"]["spec"]}, now)


def _autoscaler(obj: ReadOnlyObject, _now: datetime) -> list[Any]:
    spec, status = obj["spec"], obj.get("status") or {}
    reference, least = spec["scaleTargetRef"], spec.get("minReplicas")
    return [
        f"{reference.get('kind', '')}/{reference.get('name', '')}",
        _targets(spec.get("metrics") or (), status.get("currentMetrics") or ()),
        UNSET if least is None else str(least),
        spec.get("maxReplicas", 0),
        status.get("currentReplicas", 0),
    ]


def _targets(metrics: Iterable[ReadOnlyObject], found: Iterable[ReadOnlyObject]) -> str:
    """Return the current and target value of each metric of an autoscaler (``formatHPAMetrics``)."""
    current = list(found)
    cells = []
    for place, metric in enumerate(metrics):
        key = next((each for each in _METRICS if metric.get(each)), None)
        if key is None:
            cells.append("<unknown type>")
            continue
        now = ((current[place].get(key) or {}).get("current") or {}) if place < len(current) else {}
        cells.append(_target(metric[key], now))
    shown = ", ".join(cells[:_METRICS_SHOWN])
    return (
        f"{shown} + {len(cells) - _METRICS_SHOWN} more..." if len(cells) > _METRICS_SHOWN else shown or NONE
    )


def _target(metric: ReadOnlyObject, now: ReadOnlyObject) -> str:
    target = metric.get("target") or {}
    name = f"{metric['name']}: " if metric.get("name") else ""
    if (goal := target.get("averageUtilization")) is not None:
        known = now.get("averageUtilization")
        return f"{name}{'<unknown>' if known is None else f'{known}%'}/{goal}%"
    if (goal := target.get("averageValue")) is not None:
        of_each = "" if "metric" not in metric or "describedObject" not in metric else " (avg)"
        return f"{name}{now.get('averageValue', UNKNOWN)}/{goal}{of_each}"
    return f"{name}{now.get('value', UNKNOWN)}/{target.get('value', '<auto>')}"


def _claim(obj: ReadOnlyObject, _now: datetime) -> list[Any]:
    spec, status = obj["spec"], obj.get("status") or {}
    phase = "Terminating" if obj["metadata"].get("deletionTimestamp") else status.get("phase", "")
    bound = bool(spec.get("volumeName"))
    capacity = (status.get("capacity") or {}).get("storage", "") if bound else ""
    modes = _modes(status.get("accessModes") or ()) if bound else ""
    attributes = spec.get("volumeAttributesClassName") or UNSET
    return [
        phase, spec.get("volumeName", ""), capacity, modes, spec.get("storageClassName", ""), attributes,
    ]  # fmt: skip


def _slice(obj: ReadOnlyObject, _now: datetime) -> list[Any]:
    spec = obj["spec"]
    return [spec.get("nodeName", ""), spec["driver"], spec["pool"]["name"]]


def _claim_state(claim: ReadOnlyObject) -> str:
    """Return the state of a device claim (``resourceClaimState``)."""
    status = claim.get("status") or {}
    states = ["deleted"] if claim["metadata"].get("deletionTimestamp") else []
    if status.get("allocation"):
        states.append("allocated")
        states += ["reserved"] if status.get("reservedFor") else []
    elif not states:
        states.append("pending")
    return ",".join(states)


def _modes(modes: Iterable[str]) -> str:
    short = {
        "ReadWriteOnce": "RWO",
        "ReadOnlyMany": "ROX",
        "ReadWriteMany": "RWX",
        "ReadWriteOncePod": "RWOP",
    }
    given = set(modes)
    return ",".join(text for mode, text in short.items() if mode in given)


def _quota(obj: ReadOnlyObject, _now: datetime) -> list[Any]:
    status = obj.get("status") or {}
    hard, used = status.get("hard") or {}, status.get("used") or {}
    requests: list[str] = []
    limits: list[str] = []
    for name in sorted(hard):
        shown = f"{name}: {used.get(name, '0')}/{hard[name]}"
        (
            limits if name in ("limits.cpu", "limits.memory") or name.startswith("limits.") else requests
        ).append(shown)
    return [", ".join(requests), ", ".join(limits)]


def _event(event: ReadOnlyObject, now: datetime) -> list[Any]:
    about = event.get("involvedObject") or event.get("regarding") or {}
    source = event.get("source") or event.get("deprecatedSource") or {}
    component = (
        source.get("component") or event.get("reportingComponent") or event.get("reportingController") or ""
    )
    host = source.get("host") or event.get("reportingInstance") or ""
    first = event.get("firstTimestamp") or event.get("deprecatedFirstTimestamp") or event.get("eventTime")
    last = event.get("lastTimestamp") or event.get("deprecatedLastTimestamp") or first
    series = event.get("series") or {}
    count = series.get("count") or event.get("count") or event.get("deprecatedCount") or 1
    kind = str(about.get("kind", "")).lower()
    return [
        _age(series.get("lastObservedTime") or last, now), event.get("type", ""), event.get("reason", ""),
        f"{kind}/{about['name']}" if about.get("name") else kind, about.get("fieldPath", ""),
        ", ".join(filter(None, (component, host))), (event.get("message") or event.get("note") or "").strip(),
        _age(first, now), count, event["metadata"].get("name", ""),
    ]  # fmt: skip


def _owner(obj: ReadOnlyObject) -> str:
    reference = controller_of(dict(obj))
    if reference is None:
        return NONE
    group = reference["apiVersion"].rpartition("/")[0]
    return f"{reference['kind'].lower()}{'.' + group if group else ''}/{reference['name']}"


def _budget(obj: ReadOnlyObject, now: datetime) -> list[Any]:
    spec = obj["spec"]
    limits = [str(spec[key]) if key in spec else "N/A" for key in ("minAvailable", "maxUnavailable")]
    return [*limits, *_status("disruptionsAllowed")(obj, now)]


def _policy(obj: ReadOnlyObject, _now: datetime) -> list[Any]:
    return [selector_text(obj["spec"].get("podSelector")) or NONE]


def _driver(obj: ReadOnlyObject, _now: datetime) -> list[Any]:
    spec = obj["spec"]
    requests = ",".join(each.get("audience", "") for each in spec.get("tokenRequests") or ()) or UNSET
    return [
        bool(spec.get("attachRequired", True)), bool(spec.get("podInfoOnMount")), bool(spec.get("storageCapacity")),
        requests, bool(spec.get("requiresRepublish")), ",".join(spec.get("volumeLifecycleModes") or ()) or NONE,
    ]  # fmt: skip


def _node(node: ReadOnlyObject, _now: datetime) -> list[Any]:
    ready = [each for each in (node.get("status") or {}).get("conditions") or () if each["type"] == "Ready"]
    states = ["Ready" if each["status"] == "True" else "NotReady" for each in ready] or ["Unknown"]
    if (node.get("spec") or {}).get("unschedulable"):
        states.append("SchedulingDisabled")
    return [",".join(states), ",".join(_roles(node["metadata"].get("labels") or {})) or NONE]


def _roles(labels: Mapping[str, str]) -> list[str]:
    roles = {
        key.removeprefix(_ROLE) if key.startswith(_ROLE) else value
        for key, value in labels.items()
        if key.startswith(_ROLE) or (key == "kubernetes.io/role" and value)
    }
    return sorted(role for role in roles if role)


_ROLE = "node-role.kubernetes.io/"


def _node_wide(node: ReadOnlyObject, _now: datetime) -> list[Any]:
    status = node.get("status") or {}
    info = status.get("nodeInfo") or {}
    kernel, architecture = info.get("kernelVersion", ""), info.get("architecture", "")
    if kernel and architecture:
        kernel = f"{kernel} ({architecture})"
    return [
        info.get("kubeletVersion", ""),
        *(_address(status, kind) for kind in ("InternalIP", "ExternalIP")),
        info.get("osImage") or UNKNOWN,
        kernel or UNKNOWN,
        info.get("containerRuntimeVersion") or UNKNOWN,
    ]


def _address(status: ReadOnlyObject, kind: str) -> str:
    found = (each["address"] for each in status.get("addresses") or () if each["type"] == kind)
    return next(found, NONE)


def _volume(volume: ReadOnlyObject, _now: datetime) -> list[Any]:
    spec, status = volume["spec"], volume.get("status") or {}
    phase = status.get("phase", "")
    if volume["metadata"].get("deletionTimestamp"):
        phase = "Terminating"
    claim = spec.get("claimRef")
    return [
        (spec.get("capacity") or {}).get("storage", ""), _modes(spec.get("accessModes") or ()),
        spec.get("persistentVolumeReclaimPolicy", ""), phase,
        f"{claim.get('namespace', '')}/{claim.get('name', '')}" if claim else "",
        spec.get("storageClassName", ""), spec.get("volumeAttributesClassName") or UNSET, status.get("reason", ""),
    ]  # fmt: skip


def _storage_class(found: ReadOnlyObject, _now: datetime) -> list[Any]:
    return [
        found.get("provisioner", ""), found.get("reclaimPolicy", "Delete"),
        found.get("volumeBindingMode", "Immediate"), bool(found.get("allowVolumeExpansion")),
    ]  # fmt: skip


def _attachment(found: ReadOnlyObject, _now: datetime) -> list[Any]:
    spec = found["spec"]
    return [
        spec.get("attacher", ""), (spec.get("source") or {}).get("persistentVolumeName", ""),
        spec.get("nodeName", ""), bool((found.get("status") or {}).get("attached")),
    ]  # fmt: skip


_COUNTS = _status("replicas", "readyReplicas")


def _desired(obj: ReadOnlyObject, now: datetime) -> list[Any]:
    return [obj["spec"].get("replicas", 0), *_COUNTS(obj, now)]


_CELLS: Mapping[str, tuple[Cells, Cells]] = {
    "configmaps": (lambda obj, _: [len(obj.get("data") or ()) + len(obj.get("binaryData") or ())], _nothing),
    "controllerrevisions.apps": (lambda obj, _: [_owner(obj), str(obj.get("revision", 0))], _nothing),
    "cronjobs.batch": (_cron_job, _cron_job_wide),
    "csidrivers.storage.k8s.io": (_driver, _nothing),
    "daemonsets.apps": (_daemon_set, _containers_and_selector),
    "deployments.apps": (_deployment, _containers_and_selector),
    "endpoints": (_endpoints, _nothing),
    "endpointslices.discovery.k8s.io": (_endpoint_slice, _nothing),
    "horizontalpodautoscalers.autoscaling": (_autoscaler, _nothing),
    "ingressclasses.networking.k8s.io": (lambda obj, _: [obj["spec"].get("controller", ""), NONE], _nothing),
    "ingresses.networking.k8s.io": (_ingress, _nothing),
    "jobs.batch": (_job, _containers_and_selector),
    "leases.coordination.k8s.io": (
        lambda obj, _: [(obj.get("spec") or {}).get("holderIdentity", "")],
        _nothing,
    ),
    "csinodes.storage.k8s.io": (lambda obj, _: [len(obj["spec"].get("drivers") or ())], _nothing),
    "deviceclasses.resource.k8s.io": (_nothing, _nothing),
    "namespaces": (lambda obj, _: [(obj.get("status") or {}).get("phase", "")], _nothing),
    "nodes": (_node, _node_wide),
    "persistentvolumes": (_volume, lambda obj, _: [obj["spec"].get("volumeMode") or UNSET]),
    "storageclasses.storage.k8s.io": (_storage_class, _nothing),
    "volumeattachments.storage.k8s.io": (_attachment, _nothing),
    "networkpolicies.networking.k8s.io": (_policy, _nothing),
    "persistentvolumeclaims": (_claim, lambda obj, _: [obj["spec"].get("volumeMode") or UNSET]),
    "poddisruptionbudgets.policy": (_budget, _nothing),
    "pods": (_pod, _pod_wide),
    "podtemplates": (
        lambda obj, now: [*_containers(obj, now), _labels(_template(obj)["metadata"].get("labels"))],
        _nothing,
    ),
    "priorityclasses.scheduling.k8s.io": (
        lambda obj, _: [obj.get("value", 0), bool(obj.get("globalDefault"))],
        lambda obj, _: [obj.get("preemptionPolicy", "")],
    ),
    "replicasets.apps": (_desired, _containers_and_selector),
    "replicationcontrollers": (_desired, _containers_and_selector),
    "resourcequotas": (_quota, _nothing),
    "resourceclaims.resource.k8s.io": (lambda obj, _: [_claim_state(obj)], _nothing),
    "resourceclaimtemplates.resource.k8s.io": (_nothing, _nothing),
    "resourceslices.resource.k8s.io": (_slice, _nothing),
    "runtimeclasses.node.k8s.io": (lambda obj, _: [obj.get("handler", "")], _nothing),
    "secrets": (lambda obj, _: [obj.get("type", ""), len(obj.get("data") or ())], _nothing),
    "serviceaccounts": (_nothing, _nothing),
    "services": (_service, lambda obj, _: [_labels(obj["spec"].get("selector"))]),
    "statefulsets.apps": (_out_of("readyReplicas"), _containers),
}
"""Resource -> the cells between name and age, and those after the age."""
