"""Objects at the edges of every number and time of the workload kinds: the cluster survives what it accepts.

Whatever the API server stores, the components handle it or back off on it; the rest of the cluster goes on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import kschedcore as ks

Object = dict[str, Any]

NUMBERS = (-(2**63), -(2**31), -1, 0, 1, 60, 2**31 - 1, 2**31, 10**10, 2**53, 2**62, 2**63 - 1)
COUNTS = (-1, 0, 1, 3)
TIMES = (
    "0001-01-01T00:00:00Z",
    "1969-12-31T23:59:59Z",
    "2026-02-30T00:00:00Z",
    "2026-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59Z",
    "9999-12-31T23:59:59-12:00",
)
SCHEDULES = ("* * * * *", "@every 999999999h", "@every 1s", "0 0 30 2 *", "0 0 31 12 *")

_CONTAINER = {"name": "c", "image": "web:1"}
_LABELS = {"app": "edge"}
_BATCH, _APPS = "/apis/batch/v1/namespaces/default", "/apis/apps/v1/namespaces/default"
_CORE = "/api/v1/namespaces/default"


def _template(**spec: Any) -> Object:
    return {"metadata": {"labels": _LABELS}, "spec": {"containers": [_CONTAINER], **spec}}


def _apps(**spec: Any) -> Object:
    return {"replicas": 1, "selector": {"matchLabels": _LABELS}, "template": _template(), **spec}


def _job(**spec: Any) -> Object:
    return {"template": _template(restartPolicy="Never"), **spec}


class Edge(NamedTuple):
    """One field, or a few that belong together.

    Attributes:
        create: The path and the body to create; None to change an object that is there.
        patch: The path and the body to patch afterwards; a value of None stands for no patch.
        values: What the field may be.
    """

    create: tuple[str, Any] | None
    patch: tuple[str, Any] | None
    values: tuple[Any, ...]


class _Value:
    """Stands for the value in a body."""


VALUE = _Value()


def _filled(body: Any, value: Any) -> Any:
    if body is VALUE:
        return value
    if isinstance(body, Mapping):
        return {key: _filled(each, value) for key, each in body.items()}
    if isinstance(body, list):
        return [_filled(each, value) for each in body]
    return body


def _object(path: str, spec: Object) -> tuple[str, Object]:
    return path, {"metadata": {"name": "edge"}, "spec": spec}


def _edges() -> Iterator[tuple[str, Edge]]:
    jobs, cron = f"{_BATCH}/jobs", f"{_BATCH}/cronjobs"
    for field in ("activeDeadlineSeconds", "ttlSecondsAfterFinished", "backoffLimit"):
        yield f"job {field}", Edge(_object(jobs, _job(**{field: VALUE})), None, NUMBERS)
    for field in ("parallelism", "completions"):
        yield f"job {field}", Edge(_object(jobs, _job(**{field: VALUE})), None, COUNTS)
    for field in ("startTime", "completionTime"):
        yield f"job {field}", Edge(
            _object(jobs, _job(activeDeadlineSeconds=100)),
            (f"{jobs}/edge/status", {"status": {field: VALUE}}), TIMES,
        )  # fmt: skip
    yield (
        "job indexes",
        Edge(
            _object(jobs, _job(completionMode="Indexed", completions=2)),
            (f"{jobs}/edge/status", {"status": {"completedIndexes": VALUE, "failedIndexes": VALUE}}),
            ("x", "1-", "0-99999999999999", "1,0", "-1"),
        ),
    )
    condition = {"type": "Complete", "status": "True", "lastTransitionTime": VALUE}
    yield "job condition", Edge(
        _object(jobs, _job(ttlSecondsAfterFinished=5)),
        (f"{jobs}/edge/status", {"status": {"conditions": [condition], "startTime": VALUE}}), TIMES,
    )  # fmt: skip
    template = {"spec": _job()}
    yield "cron schedule", Edge(_object(cron, {"schedule": VALUE, "jobTemplate": template}), None, SCHEDULES)
    for field in ("startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit"):
        spec = {"schedule": "* * * * *", "jobTemplate": template, field: VALUE}
        yield f"cron {field}", Edge(_object(cron, spec), None, NUMBERS)
    for field in ("lastScheduleTime", "lastSuccessfulTime"):
        yield f"cron {field}", Edge(
            _object(cron, {"schedule": "0 * * * *", "jobTemplate": template}),
            (f"{cron}/edge/status", {"status": {field: VALUE}}), TIMES,
        )  # fmt: skip
    yield "cron active", Edge(
        _object(cron, {"schedule": "* * * * *", "jobTemplate": template}),
        (f"{cron}/edge/status", {"status": {"active": VALUE}}), ([{}], [{"name": "x"}], [{"uid": "x"}]),
    )  # fmt: skip
    for kind in ("deployments", "statefulsets", "daemonsets", "replicasets"):
        spec = _apps(minReadySeconds=VALUE, **({"serviceName": "s"} if kind == "statefulsets" else {}))
        if kind == "daemonsets":
            del spec["replicas"]
        yield f"{kind} minReadySeconds", Edge(_object(f"{_APPS}/{kind}", spec), None, NUMBERS)
    for field in ("progressDeadlineSeconds", "revisionHistoryLimit"):
        spec = _apps(**{field: VALUE})
        yield f"deployment {field}", Edge(_object(f"{_APPS}/deployments", spec), None, NUMBERS)
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": VALUE, "maxUnavailable": VALUE}}
    yield (
        "deployment rolling",
        Edge(
            _object(f"{_APPS}/deployments", _apps(strategy=rolling)),
            None,
            (*NUMBERS, "0%", "100%", "99999999999%"),
        ),
    )
    progressing = {
        "type": "Progressing", "status": "True", "reason": "ReplicaSetUpdated",
        "lastUpdateTime": VALUE, "lastTransitionTime": VALUE,
    }  # fmt: skip
    yield "deployment condition", Edge(
        _object(f"{_APPS}/deployments", _apps(template=_template(nodeSelector={"no": "where"}))),
        (f"{_APPS}/deployments/edge/status", {"status": {"conditions": [progressing]}}), TIMES,
    )  # fmt: skip
    sets = f"{_APPS}/statefulsets"
    for extra in (
        {"ordinals": {"start": VALUE}},
        {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": VALUE}}},
        {"revisionHistoryLimit": VALUE},
    ):
        spec = _apps(serviceName="s", **extra)
        yield f"statefulset {next(iter(extra))}", Edge(_object(sets, spec), None, NUMBERS)
    claims: tuple[Any, ...] = ([{}], [{"metadata": {"name": "data"}}], [{"metadata": {}, "spec": {}}])
    yield (
        "statefulset claims",
        Edge(_object(sets, _apps(serviceName="s", volumeClaimTemplates=VALUE)), None, claims),
    )
    for field in ("terminationGracePeriodSeconds", "activeDeadlineSeconds"):
        yield (
            f"pod {field}",
            Edge(_object(f"{_CORE}/pods", _template(**{field: VALUE})["spec"]), None, NUMBERS),
        )
    toleration = {"key": "k", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": VALUE}
    yield "pod toleration", Edge(
        _object(f"{_CORE}/pods", _template(tolerations=[toleration])["spec"]),
        ("/api/v1/nodes/node-1", {"spec": {"taints": [{"key": "k", "effect": "NoExecute"}]}}), NUMBERS,
    )  # fmt: skip
    probe = {"tcpSocket": {"port": 80}}
    for field in ("initialDelaySeconds", "periodSeconds", "timeoutSeconds", "failureThreshold"):
        container = {
            **_CONTAINER,
            "livenessProbe": {**probe, field: VALUE},
            "readinessProbe": {**probe, field: VALUE},
        }
        yield f"pod probe {field}", Edge(_object(f"{_CORE}/pods", {"containers": [container]}), None, NUMBERS)
    ready = {"type": "Ready", "status": "True", "lastTransitionTime": VALUE}
    yield "pod status", Edge(
        _object(f"{_APPS}/replicasets", _apps()),
        (f"{_CORE}/pods/POD/status", {"status": {"startTime": VALUE, "conditions": [ready]}}), TIMES,
    )  # fmt: skip
    terminated = {"exitCode": 1, "startedAt": VALUE, "finishedAt": VALUE}
    status = {"name": "c", "image": "i", "imageID": "", "ready": False, "restartCount": 1}
    yield "container status", Edge(
        _object(jobs, _job()),
        (f"{_CORE}/pods/POD/status", {"status": {
            "phase": "Failed", "containerStatuses": [{**status, "state": {"terminated": terminated}}]}}),
        TIMES,
    )  # fmt: skip
    budgets = "/apis/policy/v1/namespaces/default/poddisruptionbudgets"
    for field in ("minAvailable", "maxUnavailable"):
        spec = {"selector": {"matchLabels": _LABELS}, field: VALUE}
        yield f"budget {field}", Edge(_object(budgets, spec), None, (*NUMBERS, "0%", "100%", "99999999999%"))
    yield (
        "budget disrupted",
        Edge(
            _object(budgets, {"selector": {}, "maxUnavailable": 1}),
            (
                f"{budgets}/edge/status",
                {"status": {"disruptedPods": {"POD": VALUE}, "disruptionsAllowed": 1}},
            ),
            (*TIMES, None),
        ),
    )
    heartbeat = {"type": "Ready", "status": "True", "lastHeartbeatTime": VALUE, "lastTransitionTime": VALUE}
    yield (
        "node condition",
        Edge(None, ("/api/v1/nodes/node-1/status", {"status": {"conditions": [heartbeat]}}), TIMES),
    )
    yield (
        "node taint",
        Edge(
            None,
            (
                "/api/v1/nodes/node-1",
                {"spec": {"taints": [{"key": "k", "effect": "NoExecute", "timeAdded": VALUE}]}},
            ),
            TIMES,
        ),
    )
    yield (
        "node podCIDR",
        Edge(
            (
                "/api/v1/nodes",
                {"metadata": {"name": "edge"}, "spec": {"podCIDR": VALUE, "podCIDRs": [VALUE]}},
            ),
            None,
            ("fd00::/64", "10.0.0.0/32", "10.0.0.0/0", "rubbish", "::/0"),
        ),
    )
    leases = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/node-1"
    lease = {"metadata": {"annotations": None}, "spec": {"renewTime": VALUE, "acquireTime": VALUE}}
    micro = tuple(time.replace("Z", ".000000Z") for time in TIMES if time.endswith("Z"))
    yield "lease", Edge(None, (leases, lease), micro)
    autoscalers = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers"
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "good"}
    policy = {"type": "Percent", "value": VALUE, "periodSeconds": VALUE}
    behavior = {"scaleDown": {"stabilizationWindowSeconds": VALUE, "policies": [policy]}}
    scaling = {"scaleTargetRef": target, "minReplicas": 1, "maxReplicas": 2, "behavior": behavior}
    yield "autoscaler behavior", Edge(_object(autoscalers, scaling), None, NUMBERS)
    yield "delete", Edge(_object(f"{_CORE}/pods", _template()["spec"]), ("DELETE", VALUE), NUMBERS)


EDGES = dict(_edges())


def _send(cluster: ks.Cluster, method: str, path: str, body: Any) -> int:
    kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
    code, _ = cluster.request(method, path, body, kind)
    assert code < 500, (method, path, body)
    return code


def _apply(cluster: ks.Cluster, edge: Edge, value: Any) -> None:
    if edge.create is not None:
        path, body = edge.create
        _send(cluster, "POST", path, _filled(body, value))
        cluster.run_for("5s")
    if edge.patch is None:
        return
    path, body = edge.patch
    if path == "DELETE":
        options = {"kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": value}
        _send(cluster, "DELETE", f"{_CORE}/pods/edge", options)
        return
    pod = next((pod["metadata"]["name"] for pod in cluster.list("pods")), "none")
    if "disruptedPods" in body.get("status", {}):
        body = {"status": {**body["status"], "disruptedPods": {pod: VALUE}}}
    _send(cluster, "PATCH", path.replace("POD", pod), _filled(body, value))


GOOD = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "good"},
    "spec": {
        "replicas": 1,
        "selector": {"matchLabels": {"app": "good"}},
        "template": {"metadata": {"labels": {"app": "good"}}, "spec": {"containers": [_CONTAINER]}},
    },
}


@pytest.mark.parametrize("name", EDGES)
@settings(max_examples=4, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_the_cluster_survives_what_it_accepts(name: str, data: st.DataObject) -> None:
    edge = EDGES[name]
    value = data.draw(st.sampled_from(edge.values))
    with ks.Cluster.simulated(nodes=2, seed=1) as cluster:
        _apply(cluster, edge, value)
        cluster.run_for("10m")
        cluster.apply(GOOD)
        cluster.run_for("3m")
        good = [pod for pod in cluster.list("pods") if pod["metadata"].get("labels", {}).get("app") == "good"]
        assert [pod["status"]["phase"] for pod in good] == ["Running"]
