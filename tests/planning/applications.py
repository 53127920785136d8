"""Hypothesis strategies for small clusters and the applications that are applied to them.

Every workload has a label of its own, ``app``, by which its pods are counted. Applications are drawn in the order in
which their pods are placed, so that a cluster to which they are applied one after the other agrees with a plan.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from hypothesis import strategies as st

Json = dict[str, Any]

ZONES = ("a", "b")
ZONE = "topology.kubernetes.io/zone"
HOSTNAME = "kubernetes.io/hostname"
FOREVER = "runs: [{seconds: 1000000}]"


class Drawn(NamedTuple):
    """A cluster and its applications.

    Attributes:
        nodes: Nodes.
        rules: Storage classes, limit ranges, quotas and autoscalers, which are there before any workload.
        applications: Pods and workloads.
    """

    nodes: list[Json]
    rules: list[Json]
    applications: list[Json]


def _object(version: str, kind: str, name: str, **fields: Any) -> Json:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, **fields}


@st.composite
def nodes(draw: st.DrawFn) -> list[Json]:
    """Between one and four nodes, some tainted or cordoned."""
    found = []
    for number in range(draw(st.integers(1, 4))):
        name = f"n{number}"
        labels = {
            HOSTNAME: name,
            ZONE: draw(st.sampled_from(ZONES)),
            "disk": draw(st.sampled_from(("ssd", "hdd"))),
        }
        amounts = {
            "cpu": draw(st.sampled_from(("1", "2", "4"))),
            "memory": "8Gi",
            "pods": draw(st.sampled_from(("3", "110"))),
        }
        spec: Json = {}
        match draw(st.sampled_from(("plain", "plain", "plain", "tainted", "cordoned"))):
            case "tainted":
                spec["taints"] = [{"key": "dedicated", "value": "x", "effect": "NoSchedule"}]
            case "cordoned":
                spec["unschedulable"] = True
        status = {"capacity": amounts, "allocatable": amounts}
        found.append(
            {
                **_object("v1", "Node", name, spec=spec, status=status),
                "metadata": {"name": name, "labels": labels},
            }
        )
    return found


@st.composite
def pod_specs(draw: st.DrawFn, app: str, *, ends: bool) -> Json:
    """The spec of a pod or of a template."""
    cpu = draw(st.sampled_from(("100m", "600m", "1500m", "")))
    container: Json = {"name": "c", "image": "app:1"}
    if cpu:
        container["resources"] = {"requests": {"cpu": cpu}}
    spec: Json = {"containers": [container]}
    if ends:
        spec["restartPolicy"] = "Never"
    if draw(st.booleans()) and draw(st.booleans()):
        spec["nodeSelector"] = {"disk": draw(st.sampled_from(("ssd", "hdd")))}
    if draw(st.integers(0, 3)) == 0:
        spec["tolerations"] = [{"key": "dedicated", "operator": "Exists"}]
    selector = {"labelSelector": {"matchLabels": {"app": app}}}
    match draw(st.integers(0, 7)):
        case 0:
            term = {"topologyKey": draw(st.sampled_from((ZONE, HOSTNAME))), **selector}
            spec["affinity"] = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
        case 1:
            term = {"topologyKey": ZONE, **selector}
            spec["affinity"] = {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
        case 2:
            hard = draw(st.sampled_from(("DoNotSchedule", "ScheduleAnyway")))
            constraint = {
                "maxSkew": 1,
                "topologyKey": draw(st.sampled_from((ZONE, HOSTNAME))),
                "whenUnsatisfiable": hard,
            }
            spec["topologySpreadConstraints"] = [{**constraint, **selector}]
        case _:
            pass
    return spec


def _template(app: str, spec: Json) -> Json:
    metadata: Json = {"labels": {"app": app}, "annotations": {"kschedcore.io/behaviour": FOREVER}}
    return {"metadata": metadata, "spec": spec}


def _claim(storage_class: str) -> Json:
    resources = {"requests": {"storage": "1Gi"}}
    return {"accessModes": ["ReadWriteOnce"], "storageClassName": storage_class, "resources": resources}


@st.composite
def workload(draw: st.DrawFn, kind: str, app: str) -> Json:
    """A workload of a kind."""
    spec = draw(pod_specs(app, ends=kind in ("Job", "CronJob")))
    template = _template(app, spec)
    selector = {"matchLabels": {"app": app}}
    count = draw(st.integers(0, 4))
    match kind:
        case "Pod":
            return {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": app, **template["metadata"]},
                "spec": spec,
            }
        case "DaemonSet":
            return _object("apps/v1", kind, app, spec={"selector": selector, "template": template})
        case "Deployment":
            whole: Json = {"replicas": count, "selector": selector, "template": template}
            if draw(st.integers(0, 6)) == 0:
                whole["paused"] = True
            if draw(st.integers(0, 4)) == 0:
                volume = {
                    "name": "tmp",
                    "ephemeral": {"volumeClaimTemplate": {"spec": _claim(draw(CLASSES))}},
                }
                spec["volumes"] = [volume]
            return _object("apps/v1", kind, app, spec=whole)
        case "StatefulSet":
            whole = {"replicas": count, "serviceName": app, "selector": selector, "template": template}
            whole["podManagementPolicy"] = draw(st.sampled_from(("OrderedReady", "Parallel")))
            if draw(st.booleans()):
                whole["volumeClaimTemplates"] = [
                    {"metadata": {"name": "data"}, "spec": _claim(draw(CLASSES))}
                ]
            return _object("apps/v1", kind, app, spec=whole)
        case _:
            job: Json = {"parallelism": count, "completions": max(count, 1), "template": template}
            if kind == "Job":
                job["suspend"] = draw(st.integers(0, 4)) == 0
                return _object("batch/v1", kind, app, spec=job)
            cron = {"schedule": "* * * * *", "concurrencyPolicy": "Forbid", "jobTemplate": {"spec": job}}
            return _object("batch/v1", kind, app, spec={**cron, "suspend": draw(st.integers(0, 4)) == 0})


CLASSES = st.sampled_from(("now", "later", "zonal"))


def storage_classes() -> list[Json]:
    """A class that binds at once, one that waits for the first consumer, and one whose volumes are in zone ``a``."""
    zone = [{"matchLabelExpressions": [{"key": ZONE, "values": ["a"]}]}]
    version, provisioner = "storage.k8s.io/v1", "disks.example.com"
    return [
        _object(version, "StorageClass", "now", provisioner=provisioner, volumeBindingMode="Immediate"),
        _object(version, "StorageClass", "later", provisioner=provisioner, volumeBindingMode="WaitForFirstConsumer"),
        _object(
            version, "StorageClass", "zonal",
            provisioner=provisioner, volumeBindingMode="Immediate", allowedTopologies=zone,
        ),
    ]  # fmt: skip


@st.composite
def rules(draw: st.DrawFn) -> list[Json]:
    """Storage classes, and at times a quota, a limit range and an autoscaler."""
    found = [*storage_classes(), _object("scheduling.k8s.io/v1", "PriorityClass", "high", value=1000)]
    if draw(st.integers(0, 2)) == 0:
        hard = draw(
            st.sampled_from(
                (
                    {"pods": "4"},
                    {"requests.cpu": "2"},
                    {"persistentvolumeclaims": "2"},
                    {"requests.storage": "3Gi"},
                )
            )
        )
        found.append(_object("v1", "ResourceQuota", "quota", spec={"hard": hard}))
    if draw(st.integers(0, 2)) == 0 or any("requests.cpu" in str(each) for each in found):
        item: Json = {"type": "Container", "defaultRequest": {"cpu": "200m"}, "default": {"cpu": "2"}}
        if draw(st.booleans()):
            item["max"] = {"cpu": draw(st.sampled_from(("1", "2")))}
            item["default"] = dict(item["max"])
        found.append(_object("v1", "LimitRange", "limits", spec={"limits": [item]}))
    return found


def _autoscaler(app: str, least: int) -> Json:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": app}
    return _object(
        "autoscaling/v2", "HorizontalPodAutoscaler", app,
        spec={"minReplicas": least, "maxReplicas": least + 3, "scaleTargetRef": target},
    )  # fmt: skip


ORDER = ("Pod", "DaemonSet", "Deployment", "StatefulSet", "Job", "CronJob")


@st.composite
def clusters(draw: st.DrawFn) -> Drawn:
    """A cluster and its applications."""
    kinds = draw(st.lists(st.sampled_from(ORDER), min_size=1, max_size=4))
    kinds.sort(key=lambda kind: min(ORDER.index(kind), 2) if kind != "CronJob" else 3)
    found = [draw(workload(kind, f"{kind.lower()}{number}")) for number, kind in enumerate(kinds)]
    drawn = Drawn(draw(nodes()), draw(rules()), found)
    for each in found:
        size = each["spec"].get("replicas")
        if each["kind"] == "Deployment" and size and draw(st.integers(0, 3)) == 0:
            drawn.rules.append(_autoscaler(each["metadata"]["name"], size + draw(st.integers(0, 2))))
    return drawn


@st.composite
def later_applications(draw: st.DrawFn) -> list[Json]:
    """Applications that are added to a cluster with others, some with a high priority."""
    kinds = draw(st.lists(st.sampled_from(("Pod", "Deployment", "StatefulSet")), min_size=1, max_size=2))
    kinds.sort(key=ORDER.index)
    found = [draw(workload(kind, f"later{kind.lower()}{number}")) for number, kind in enumerate(kinds)]
    if draw(st.booleans()):
        for each in found:
            spec = each["spec"] if each["kind"] == "Pod" else each["spec"]["template"]["spec"]
            spec["priorityClassName"] = "high"
    return found
