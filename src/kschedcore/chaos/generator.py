"""Random histories: user requests and faults drawn from a seed."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

from kschedcore.api.machinery.types import Object
from kschedcore.chaos import histories as steps
from kschedcore.chaos.faults import WriteFault
from kschedcore.chaos.histories import History, Step
from kschedcore.chaos.poison import poison
from kschedcore.cluster.controlplane import AGENTS, CONTROLLER_MANAGER, SCHEDULER, ProcessName
from kschedcore.controllers.horizontalpodautoscaler.controller import HorizontalPodAutoscalerController
from kschedcore.controllers.registry import CONTROLLERS
from kschedcore.nodes.runtimes.behaviours import ANNOTATION

__all__ = ["random_history"]

_PROCESSES: tuple[ProcessName, ...] = (CONTROLLER_MANAGER, SCHEDULER, AGENTS)
_COMPONENTS = (
    "scheduler",
    "node-agents",
    HorizontalPodAutoscalerController.name,
    *(each.name for each in CONTROLLERS),
)
_NODES = ("node-1", "node-2", "node-3", "node-4")
_NAMESPACES = ("default", "default", "team")
_APPS = ("web", "api", "db")
_ZONE = "topology.kubernetes.io/zone"
_TAINT = {"key": "maintenance", "effect": "NoExecute"}


def random_history(seed: int, length: int = 40) -> History:
    """Return a random history of a small cluster: nodes and classes, some workloads, then random steps.

    Args:
        seed: The same seed gives the same history.
        length: Number of random steps.
    """
    random = _Generator(seed)
    drawn: list[Step] = [_node(name) for name in _NODES[: random.randint(2, 4)]]
    drawn += [_priority("low", -10), _priority("high", 1000)]
    drawn += [_storage("now", "Immediate"), _storage("later", "WaitForFirstConsumer")]
    drawn.append(_create("/api/v1/namespaces", "Namespace", "team", {}))
    drawn.append(steps.Run(seconds=1))
    kinds, weights = zip(*_KINDS.items(), strict=True)
    chosen = [_deployment, _deployment, _storm, _budget, *random.choices(kinds, weights, k=length)]
    for kind in chosen:
        step: Step = kind(random)
        random.record(step)
        drawn.append(step)
    return History(seed, tuple(drawn))


class _Generator(Random):
    """A random generator that records the created objects, so that later steps can refer to them."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self._created: list[str] = []

    def record(self, step: Step) -> None:
        if isinstance(step, steps.Request) and step.method == "POST" and step.body is not None:
            self._created.append(f"{step.path}/{step.body['metadata']['name']}")

    def created(self, *plurals: str) -> str:
        """Return the path of an object of one of these resources that was created before, or of a missing one."""
        found = [path for path in self._created if path.split("/")[-2] in plurals]
        return self.choice(found) if found else f"/api/v1/namespaces/default/{plurals[0]}/none"


def _create(path: str, kind: str, name: str, body: Object, version: str = "v1") -> steps.Request:
    whole = {"apiVersion": version, "kind": kind, "metadata": {"name": name}, **body}
    return steps.Request("POST", path, whole)


def _node(name: str) -> steps.Request:
    size = {"cpu": "2", "memory": "4Gi", "pods": "8"}
    labels = {_ZONE: f"zone-{int(name[-1]) % 2}", "kubernetes.io/hostname": name}
    body = {"metadata": {"name": name, "labels": labels}, "status": {"capacity": size, "allocatable": size}}
    return _create("/api/v1/nodes", "Node", name, body)


def _priority(name: str, level: int) -> steps.Request:
    return _create(
        "/apis/scheduling.k8s.io/v1/priorityclasses", "PriorityClass", name, {"value": level},
        "scheduling.k8s.io/v1",
    )  # fmt: skip


def _storage(name: str, mode: str) -> steps.Request:
    body = {"provisioner": "example.com/disks", "volumeBindingMode": mode}
    path = "/apis/storage.k8s.io/v1/storageclasses"
    return _create(path, "StorageClass", name, body, "storage.k8s.io/v1")


# -- users ------------------------------------------------------------------------------------------------


def _spec(random: _Generator, labels: Object) -> Object:
    requests = {
        "cpu": random.choice(["100m", "300m", "900m", "1500m"]),
        "memory": random.choice(["128Mi", "500Mi", "3Gi"]),
    }
    spec: Object = {
        "containers": [{"name": "c", "image": "app:1", "resources": {"requests": requests}}],
        "terminationGracePeriodSeconds": random.choice([0, 1, 30]),
    }
    if random.random() < 0.5:
        spec["priorityClassName"] = random.choice(["low", "high"])
    if random.random() < 0.2:
        spec["topologySpreadConstraints"] = [{
            "maxSkew": 1, "topologyKey": random.choice([_ZONE, "kubernetes.io/hostname"]),
            "whenUnsatisfiable": random.choice(["DoNotSchedule", "ScheduleAnyway"]),
            "labelSelector": {"matchLabels": labels},
        }]  # fmt: skip
    if random.random() < 0.2:
        term = {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": labels}}
        kind = random.choice(["podAffinity", "podAntiAffinity"])
        spec["affinity"] = {kind: {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    return spec


def _template(random: _Generator, app: str) -> Object:
    labels = {"app": app}
    return {"metadata": {"labels": labels}, "spec": _spec(random, labels)}


def _amount(random: _Generator) -> int | str:
    amounts: tuple[int | str, ...] = (0, 1, 2, "25%", "50%")
    return random.choice(amounts)


def _deployment(random: _Generator) -> Step:
    app = random.choice(_APPS)
    rolling = {"maxSurge": random.choice([1, 2, "50%"]), "maxUnavailable": _amount(random)}
    strategy: Object = {"type": "RollingUpdate", "rollingUpdate": rolling}
    if random.random() < 0.15:
        strategy = {"type": "Recreate"}
    spec: Object = {
        "replicas": random.randint(0, 6), "strategy": strategy, "selector": {"matchLabels": {"app": app}},
        "template": _template(random, app), "minReadySeconds": random.choice([0, 0, 5]),
    }  # fmt: skip
    path = f"/apis/apps/v1/namespaces/{random.choice(_NAMESPACES)}/deployments"
    return _create(path, "Deployment", app, {"spec": spec}, "apps/v1")


def _storm(random: _Generator) -> Step:
    """Many pods of high priority at once."""
    spec = _spec(random, {"app": "storm"}) | {"priorityClassName": "high"}
    body = {
        "replicas": random.randint(5, 9), "selector": {"matchLabels": {"app": "storm"}},
        "template": {"metadata": {"labels": {"app": "storm"}}, "spec": spec},
    }  # fmt: skip
    path = f"/apis/apps/v1/namespaces/{random.choice(_NAMESPACES)}/deployments"
    return _create(path, "Deployment", "storm", {"spec": body}, "apps/v1")


def _stateful(random: _Generator) -> Step:
    spec = {
        "replicas": random.randint(0, 3), "selector": {"matchLabels": {"app": "db"}}, "serviceName": "db",
        "template": _template(random, "db"),
        "podManagementPolicy": random.choice(["OrderedReady", "Parallel"]),
    }  # fmt: skip
    if random.random() < 0.5:
        claim = {
            "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}},
            "storageClassName": random.choice(["now", "later"]),
        }  # fmt: skip
        spec["volumeClaimTemplates"] = [{"metadata": {"name": "data"}, "spec": claim}]
    path = f"/apis/apps/v1/namespaces/{random.choice(_NAMESPACES)}/statefulsets"
    return _create(path, "StatefulSet", "db", {"spec": spec}, "apps/v1")


def _daemons(random: _Generator) -> Step:
    spec = {"selector": {"matchLabels": {"app": "log"}}, "template": _template(random, "log")}
    path = f"/apis/apps/v1/namespaces/{random.choice(_NAMESPACES)}/daemonsets"
    return _create(path, "DaemonSet", "log", {"spec": spec}, "apps/v1")


def _work(random: _Generator) -> Object:
    """Return a Job spec; the pods of one in three fail."""
    template = _template(random, "job")
    template["spec"]["restartPolicy"] = random.choice(["Never", "OnFailure"])
    if random.random() < 0.3:
        runs = [{"seconds": 2, "exitCode": 1}, {"seconds": 3}]
        template["metadata"]["annotations"] = {ANNOTATION: json.dumps({"runs": runs})}
    return {
        "completions": random.randint(1, 4), "parallelism": random.randint(1, 3), "template": template,
        "backoffLimit": random.randint(0, 3),
    }  # fmt: skip


def _job(random: _Generator) -> Step:
    path = f"/apis/batch/v1/namespaces/{random.choice(_NAMESPACES)}/jobs"
    return _create(path, "Job", random.choice(["once", "twice"]), {"spec": _work(random)}, "batch/v1")


def _cronjob(random: _Generator) -> Step:
    spec = {
        "schedule": random.choice(["* * * * *", "*/2 * * * *", "1-59/3 * * * *"]),
        "concurrencyPolicy": random.choice(["Allow", "Forbid", "Replace"]),
        "successfulJobsHistoryLimit": random.randint(0, 2), "failedJobsHistoryLimit": random.randint(0, 1),
        "jobTemplate": {"spec": _work(random)},
    }  # fmt: skip
    path = f"/apis/batch/v1/namespaces/{random.choice(_NAMESPACES)}/cronjobs"
    return _create(path, "CronJob", "tick", {"spec": spec}, "batch/v1")


def _autoscaler(random: _Generator) -> Step:
    """Simulated pods use half of their requests, so that some targets are met and others never."""
    app, target = random.choice(_APPS), random.choice([20, 50, 80])
    utilization = {"type": "Utilization", "averageUtilization": target}
    spec = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": app},
        "minReplicas": random.randint(1, 2), "maxReplicas": random.randint(2, 6),
        "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": utilization}}],
    }  # fmt: skip
    path = f"/apis/autoscaling/v2/namespaces/{random.choice(_NAMESPACES)}/horizontalpodautoscalers"
    return _create(path, "HorizontalPodAutoscaler", app, {"spec": spec}, "autoscaling/v2")


def _pod(random: _Generator) -> steps.Request:
    app = random.choice(_APPS)
    body = {"metadata": {"name": f"bare-{app}", "labels": {"app": app}}, "spec": _spec(random, {"app": app})}
    path = f"/api/v1/namespaces/{random.choice(_NAMESPACES)}/pods"
    return _create(path, "Pod", f"bare-{app}", body)


def _service(random: _Generator) -> Step:
    app = random.choice(_APPS)
    body = {"spec": {"selector": {"app": app}, "ports": [{"port": 80}]}}
    return _create(f"/api/v1/namespaces/{random.choice(_NAMESPACES)}/services", "Service", app, body)


def _gate(random: _Generator) -> Step:
    """Create a pod with a scheduling gate, or remove the gates of one."""
    if random.random() < 0.5:
        return steps.Request("PATCH", random.created("pods"), {"spec": {"schedulingGates": None}})
    request = _pod(random)
    assert request.body is not None
    request.body["spec"]["schedulingGates"] = [{"name": "example.com/wait"}]
    return request


def _relabel(random: _Generator) -> Step:
    """Relabel a pod, so that its ReplicaSet releases it or another one adopts it."""
    labels = {"app": random.choice([*_APPS, "unused"])}
    return steps.Relabel(random.randint(0, 20), labels)


def _budget(random: _Generator) -> Step:
    app, what = random.choice(_APPS), random.choice(["minAvailable", "maxUnavailable"])
    spec = {"selector": {"matchLabels": {"app": app}}, what: _amount(random)}
    path = f"/apis/policy/v1/namespaces/{random.choice(_NAMESPACES)}/poddisruptionbudgets"
    return _create(path, "PodDisruptionBudget", app, {"spec": spec}, "policy/v1")


def _hard(random: _Generator) -> Object:
    hard: Object = {"pods": str(random.randint(0, 12)), "requests.cpu": random.choice(["1", "3", "6"])}
    if random.random() < 0.3:
        hard["count/replicasets.apps"] = str(random.randint(1, 4))
    return {"hard": hard}


def _quota(random: _Generator) -> Step:
    path = f"/api/v1/namespaces/{random.choice(_NAMESPACES)}/resourcequotas"
    return _create(path, "ResourceQuota", "limits", {"spec": _hard(random)})


def _change_quota(random: _Generator) -> Step:
    return steps.Request("PATCH", random.created("resourcequotas"), {"spec": _hard(random)})


def _change(random: _Generator) -> Step:
    change: Object = random.choice([
        {"replicas": random.randint(0, 7)},
        {"template": {"spec": {"containers": [{"name": "c", "image": f"app:{random.randint(1, 4)}"}]}}},
        {"template": {"metadata": {"annotations": {"try": str(random.randint(1, 9))}}}},
        {"paused": random.random() < 0.5},
    ])  # fmt: skip
    path = random.created("deployments", "deployments", "statefulsets", "daemonsets")
    return steps.Request("PATCH", path, {"spec": change})


def _options(random: _Generator) -> Object | None:
    policy = random.choice([None, "Background", "Foreground", "Orphan"])
    return None if policy is None else {"propagationPolicy": policy}


def _delete(random: _Generator) -> Step:
    path = random.created(
        "deployments",
        "statefulsets",
        "daemonsets",
        "jobs",
        "cronjobs",
        "horizontalpodautoscalers",
        "pods",
        "resourcequotas",
        "poddisruptionbudgets",
        "services",
        "persistentvolumeclaims",
    )
    return steps.Request("DELETE", path, _options(random))


def _delete_pods(random: _Generator) -> Step:
    path = f"/api/v1/namespaces/{random.choice(_NAMESPACES)}/pods?labelSelector=app%3D{random.choice(_APPS)}"
    return steps.Request("DELETE", path, random.choice([None, {"gracePeriodSeconds": 0}]))


def _namespace(random: _Generator) -> Step:
    if random.random() < 0.5:
        return steps.Request("DELETE", "/api/v1/namespaces/team")
    return _create("/api/v1/namespaces", "Namespace", "team", {})


# -- nodes ------------------------------------------------------------------------------------------------


def _create_or_delete_node(random: _Generator) -> Step:
    name = random.choice(_NODES)
    return _node(name) if random.random() < 0.6 else steps.Request("DELETE", f"/api/v1/nodes/{name}")


def _node_health(random: _Generator) -> Step:
    name = random.choice(_NODES)
    health: tuple[Step, ...] = (steps.FailNode(name), steps.Repair(name), steps.Repair(name, rebooted=True))
    return random.choice(health)


def _node_spec(random: _Generator) -> Step:
    change: dict[str, Any] = random.choice([
        {"unschedulable": True}, {"unschedulable": None}, {"taints": [_TAINT]}, {"taints": None},
    ])  # fmt: skip
    return steps.Request("PATCH", f"/api/v1/nodes/{random.choice(_NODES)}", {"spec": change})


def _poison(random: _Generator) -> Step:
    """Write an object at the edges of what the API server accepts."""
    return steps.Request(*poison(random))


# -- faults -----------------------------------------------------------------------------------------------


def _evict(random: _Generator) -> Step:
    return steps.Evict(random.randint(0, 20))


def _run(random: _Generator) -> Step:
    return steps.Run(random.choice([0.1, 1, 2.5, 15, 45, 400]))


def _rounds(random: _Generator) -> Step:
    return steps.Rounds(random.randint(1, 6))


def _jump(random: _Generator) -> Step:
    return steps.Jump(random.choice([1, 30, 400]))


def _restart(random: _Generator) -> Step:
    if random.random() < 0.5:
        return steps.RestartProcess(random.choice(_PROCESSES))
    return steps.Restart(random.choice(_COMPONENTS))


def _fault(random: _Generator) -> Step:
    return steps.Fault(random.choice(_PROCESSES), random.choice(list(WriteFault)), random.randint(0, 6))


def _watch_fault(random: _Generator) -> Step:
    process = random.choice(_PROCESSES)
    faults: tuple[Step, ...] = (
        steps.Delay(process, random.choice([0.5, 3, 20])),
        steps.Cut(process),
        steps.Repeat(process, random.randint(1, 5)),
    )
    return random.choice(faults)


_KINDS: dict[Callable[[_Generator], Step], int] = {
    _deployment: 6, _storm: 1, _stateful: 2, _daemons: 1, _job: 2, _cronjob: 2, _autoscaler: 3, _pod: 4,
    _gate: 1, _relabel: 1, _service: 1, _budget: 2, _quota: 2, _change_quota: 1,
    _change: 8, _delete: 3, _delete_pods: 1, _namespace: 1,
    _create_or_delete_node: 3, _node_health: 4, _node_spec: 2, _poison: 4,
    _evict: 3, _run: 10, _rounds: 6, _jump: 1, _restart: 4, _fault: 8, _watch_fault: 5,
}  # fmt: skip
"""Kinds of random steps with their relative frequencies."""
