"""Objects at the edges of what the API server accepts: times, spans, counts and networks."""

from __future__ import annotations

from random import Random
from typing import Any

from kschedcore.api.machinery.types import Object

__all__ = ["POISONS", "poison"]

_TIMES = (
    "0001-01-01T00:00:00Z",
    "1969-12-31T23:59:59Z",
    "2026-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-12:00",
)
_SPANS = (-(2**63), -1, 0, 2**31, 2**62, 2**63 - 1)
_POSITIVE = (1, 2**31 - 1, 2**31, 2**62, 2**63 - 1)
_SCHEDULES = ("0 0 30 2 *", "@every 999999999h", "0 0 31 12 *", "@yearly")
_NETWORKS = ("fd00::/64", "10.0.0.0/32", "255.255.255.255/32", "10.0.0.0/31", "::/0")
_AMOUNTS = ("0", "1n", "1e30", "9223372036854775807", "9999999999999999999999")
_CONTAINER = {"name": "c", "image": "app:1"}
_TEMPLATE = {"spec": {"containers": [_CONTAINER], "restartPolicy": "Never"}}

Written = tuple[str, str, Object]
"""Method, path and body of a request."""


def _named(path: str, body: Object) -> Written:
    return "POST", path, {"metadata": {"name": "odd"}, **body}


def _job(random: Random) -> Written:
    spec = {
        "template": _TEMPLATE, "activeDeadlineSeconds": random.choice(_POSITIVE),
        "ttlSecondsAfterFinished": random.choice([0, 1, 2**31 - 1]), "backoffLimit": random.choice([0, 2**31 - 1]),
    }  # fmt: skip
    return _named("/apis/batch/v1/namespaces/default/jobs", {"spec": spec})


def _cronjob(random: Random) -> Written:
    spec = {
        "schedule": random.choice(_SCHEDULES), "startingDeadlineSeconds": random.choice(_POSITIVE),
        "jobTemplate": {"spec": {"template": _TEMPLATE}},
    }  # fmt: skip
    return _named("/apis/batch/v1/namespaces/default/cronjobs", {"spec": spec})


def _cronjob_status(random: Random) -> Written:
    active: list[Object] = random.choice([[{}], [{"name": "none"}], [{"uid": "none"}]])
    status = {"lastScheduleTime": random.choice(_TIMES), "active": active}
    return "PATCH", "/apis/batch/v1/namespaces/default/cronjobs/tick/status", {"status": status}


def _pod(random: Random) -> Written:
    spec = {
        "containers": [_CONTAINER], "activeDeadlineSeconds": random.choice(_POSITIVE[:2]),
        "tolerations": [{
            "key": "maintenance", "operator": "Exists", "effect": "NoExecute",
            "tolerationSeconds": random.choice(_SPANS),
        }],
    }  # fmt: skip
    return _named("/api/v1/namespaces/default/pods", {"spec": spec})


def _pod_status(random: Random) -> Written:
    ready = {"type": "Ready", "status": "True", "lastTransitionTime": random.choice(_TIMES)}
    status = {"startTime": random.choice(_TIMES), "conditions": [ready]}
    return "PATCH", "/api/v1/namespaces/default/pods/bare-web/status", {"status": status}


def _node(random: Random) -> Written:
    network = random.choice(_NETWORKS)
    amount = random.choice(_AMOUNTS)
    spec = {"podCIDR": network, "podCIDRs": [network], "unschedulable": True}
    status = {"allocatable": {"cpu": amount, "memory": amount, "pods": "1"}}
    return _named("/api/v1/nodes", {"spec": spec, "status": status})


def _node_taint(random: Random) -> Written:
    taint = {"key": "odd", "effect": "PreferNoSchedule", "timeAdded": random.choice(_TIMES)}
    return "PATCH", "/api/v1/nodes/node-1", {"spec": {"taints": [taint]}}


def _lease(random: Random) -> Written:
    time = random.choice(_TIMES).replace("Z", ".999999Z")
    spec = {"renewTime": time, "acquireTime": time, "leaseDurationSeconds": random.choice([1, 2**31 - 1])}
    return _named("/apis/coordination.k8s.io/v1/namespaces/default/leases", {"spec": spec})


def _volume(random: Random) -> Written:
    bound = {"key": "size", "operator": "Gt", "values": [random.choice(["1", "99999999999999999999"])]}
    spec = {
        "capacity": {"storage": random.choice(_AMOUNTS)}, "accessModes": ["ReadWriteOnce"],
        "hostPath": {"path": "/odd"},
        "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [bound]}, {}]}},
    }  # fmt: skip
    return _named("/api/v1/persistentvolumes", {"spec": spec})


def _storage_capacity(random: Random) -> Written:
    labels: Object = random.choice([{}, {"zone": "b c"}, {"zone": "a"}])
    body = {
        "storageClassName": "later", "nodeTopology": {"matchLabels": labels},
        "capacity": random.choice([*_AMOUNTS, "-1"]),
    }  # fmt: skip
    return _named("/apis/storage.k8s.io/v1/namespaces/default/csistoragecapacities", body)


def _stateful(random: Random) -> Written:
    labels = {"app": "odd"}
    claims: list[Object] = random.choice([[{}], [{"metadata": {"name": "data"}}]])
    spec = {
        "replicas": 1, "serviceName": "odd", "selector": {"matchLabels": labels}, "volumeClaimTemplates": claims,
        "template": {"metadata": {"labels": labels}, "spec": {"containers": [_CONTAINER]}},
    }  # fmt: skip
    return _named("/apis/apps/v1/namespaces/default/statefulsets", {"spec": spec})


def _budget_status(random: Random) -> Written:
    status = {"disruptedPods": {"none": random.choice(_TIMES)}}
    path = "/apis/policy/v1/namespaces/default/poddisruptionbudgets/web/status"
    return "PATCH", path, {"status": status}


POISONS = (
    _job, _cronjob, _cronjob_status, _pod, _pod_status, _node, _node_taint, _lease, _volume, _storage_capacity,
    _stateful, _budget_status,
)  # fmt: skip
"""The kinds of requests, each of which draws the values of its fields."""


def poison(random: Random) -> tuple[str, str, dict[str, Any]]:
    """Return method, path and body of a request whose object has fields at their edges.

    Args:
        random: Draws kind and values.
    """
    return random.choice(POISONS)(random)
