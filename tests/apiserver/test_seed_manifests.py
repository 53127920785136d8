"""The seed's manifests, each test named after its section, asserting what the text describes."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from .server import Server, refusal

LIMIT_RANGE: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "LimitRange",
    "metadata": {"name": "lr-test"},
    "spec": {
        "limits": [
            {
                "type": "Container",
                "max": {"cpu": "1", "memory": "1Gi"},
                "min": {"cpu": "100m", "memory": "100Mi"},
                "default": {"cpu": "900m", "memory": "800Mi"},
                "defaultRequest": {"cpu": "200m", "memory": "200Mi"},
                "maxLimitRequestRatio": {"cpu": 2, "memory": 1.5},
            },
            {"type": "Pod", "max": {"cpu": "2", "memory": "2Gi"}},
            {"type": "PersistentVolumeClaim", "max": {"storage": "2Gi"}, "min": {"storage": "1Gi"}},
        ]
    },
}

RUNTIME_CLASS: dict[str, Any] = {
    "apiVersion": "node.k8s.io/v1",
    "kind": "RuntimeClass",
    "metadata": {"name": "kata-fc"},
    "handler": "kata-fc",
    "overhead": {"podFixed": {"memory": "120Mi", "cpu": "250m"}},
}
DEPLOYMENT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "nginx-deployment", "labels": {"app": "nginx"}},
    "spec": {
        "replicas": 3,
        "selector": {"matchLabels": {"app": "nginx"}},
        "template": {
            "metadata": {"labels": {"app": "nginx"}},
            "spec": {
                "containers": [{"name": "nginx", "image": "nginx:1.14.2", "ports": [{"containerPort": 80}]}]
            },
        },
    },
}


def pod(name: str = "p", **spec: Any) -> dict[str, Any]:
    spec.setdefault("containers", [container()])
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


def container(name: str = "c", requests: Any = None, limits: Any = None) -> dict[str, Any]:
    resources = {k: v for k, v in (("requests", requests), ("limits", limits)) if v}
    return {"name": name, "image": "nginx:1.14.2", "resources": resources}


def amounts(cpu: str, memory: str) -> dict[str, str]:
    return {"cpu": cpu, "memory": memory}


def claim(storage: str) -> dict[str, Any]:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": storage}}}
    return {"metadata": {"name": "data"}, "spec": spec}


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def limited(server: Server) -> Server:
    server.create("limitranges", LIMIT_RANGE, "ns")
    return server


class TestResourceLimitRange:
    def test_each_ratio_default_and_bound_is_kept_as_written(self, limited: Server) -> None:
        stored = limited.get("limitranges", "ns", "lr-test")
        item = stored["spec"]["limits"][0]
        assert item["maxLimitRequestRatio"] == {"cpu": "2", "memory": "1500m"}
        assert item["default"] == {"cpu": "900m", "memory": "800Mi"}

    def test_default_limits_and_requests_are_injected(self, server: Server) -> None:
        without_ratio = copy.deepcopy(LIMIT_RANGE)
        del without_ratio["spec"]["limits"][0]["maxLimitRequestRatio"]
        server.create("limitranges", without_ratio, "ns")
        created = server.create("pods", pod(), "ns")
        assert created["spec"]["containers"][0]["resources"] == {
            "limits": {"cpu": "900m", "memory": "800Mi"},
            "requests": {"cpu": "200m", "memory": "200Mi"},
        }
        assert created["metadata"]["annotations"]["kubernetes.io/limit-ranger"] == (
            "LimitRanger plugin set: cpu, memory request for container c; cpu, memory limit for container c"
        )

    def test_its_own_defaults_break_its_own_ratio(self, limited: Server) -> None:
        # 900m / 200m is 4.5 where 2 is allowed: this limit range refuses pods that say nothing.
        error = refusal(lambda: limited.create("pods", pod(), "ns"))
        assert error.code == 403
        assert error.message == (
            'pods "p" is forbidden: [cpu max limit to request ratio per Container is 2, but provided ratio '
            "is 4.500000, memory max limit to request ratio per Container is 1500m, but provided ratio is "
            "4.000000]"
        )

    @pytest.mark.parametrize(
        ("requests", "limits", "message"),
        [
            (amounts("50m", "150Mi"), amounts("100m", "200Mi"),
             "minimum cpu usage per Container is 100m, but request is 50m"),
            (amounts("200m", "80Mi"), amounts("200m", "100Mi"),
             "minimum memory usage per Container is 100Mi, but request is 80Mi"),
            (amounts("800m", "500Mi"), amounts("1100m", "500Mi"),
             "maximum cpu usage per Container is 1, but limit is 1100m"),
            (amounts("500m", "1Gi"), amounts("500m", "1100Mi"),
             "maximum memory usage per Container is 1Gi, but limit is 1100Mi"),
            (amounts("300m", "200Mi"), amounts("700m", "200Mi"),
             "cpu max limit to request ratio per Container is 2, but provided ratio is 2.333333"),
        ],
    )  # fmt: skip
    def test_a_container_is_held_to_min_max_and_ratio(
        self, limited: Server, requests: Any, limits: Any, message: str
    ) -> None:
        error = refusal(
            lambda: limited.create("pods", pod(containers=[container("c", requests, limits)]), "ns")
        )
        assert error.message == f'pods "p" is forbidden: {message}'

    def test_a_pod_is_held_to_its_maximum(self, limited: Server) -> None:
        each = amounts("900m", "900Mi")
        containers = [container(name, each, each) for name in ("a", "b", "c")]
        error = refusal(lambda: limited.create("pods", pod(containers=containers), "ns"))
        assert error.message == (
            'pods "p" is forbidden: [maximum cpu usage per Pod is 2, but limit is 2700m, '
            "maximum memory usage per Pod is 2Gi, but limit is 2700Mi]"
        )

    @pytest.mark.parametrize(
        ("storage", "message"),
        [
            ("3Gi", "maximum storage usage per PersistentVolumeClaim is 2Gi, but request is 3Gi"),
            ("512Mi", "minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 512Mi"),
        ],
    )
    def test_a_claim_is_held_to_min_and_max(self, limited: Server, storage: str, message: str) -> None:
        error = refusal(lambda: limited.create("persistentvolumeclaims", claim(storage), "ns"))
        assert (error.code, error.message) == (403, f'persistentvolumeclaims "data" is forbidden: {message}')
        assert limited.create("persistentvolumeclaims", claim("2Gi"), "ns")["status"] == {"phase": "Pending"}

    def test_a_pod_that_keeps_within_everything_is_created(self, limited: Server) -> None:
        fits = container("c", amounts("500m", "400Mi"), amounts("1", "600Mi"))
        assert limited.create("pods", pod(containers=[fits]), "ns")["status"]["qosClass"] == "Burstable"

    def test_without_a_default_a_maximum_demands_a_limit(self, server: Server) -> None:
        limits = {"limits": [{"type": "Pod", "max": {"cpu": "2"}}]}
        server.create("limitranges", {"metadata": {"name": "lr"}, "spec": limits}, "ns")
        error = refusal(lambda: server.create("pods", pod(), "ns"))
        assert error.message.endswith("maximum cpu usage per Pod is 2.  No limit is specified")


class TestResourceQuota:
    """First come, first served; and under a quota on compute every pod must set requests."""

    @pytest.fixture
    def server(self) -> Server:
        server = Server()
        server.request("POST", "/api/v1/namespaces", {"metadata": {"name": "ns"}})
        server.settle()
        return server

    def quota(self, server: Server, hard: dict[str, str], name: str = "q") -> None:
        body = {"metadata": {"name": name}, "spec": {"hard": hard}}
        server.request("POST", "/api/v1/namespaces/ns/resourcequotas", body)
        server.settle()

    def used(self, server: Server, name: str = "q") -> dict[str, str]:
        used: dict[str, str] = server.request("GET", f"/api/v1/namespaces/ns/resourcequotas/{name}")[1][
            "status"
        ]["used"]
        return used

    def test_the_total_of_objects_is_limited(self, server: Server) -> None:
        self.quota(server, {"count/deployments.apps": "1", "services": "1"})
        service = {"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}]}}
        assert server.request("POST", "/api/v1/namespaces/ns/services", service)[0] == 201
        service["metadata"] = {"name": "t"}
        code, status = server.request("POST", "/api/v1/namespaces/ns/services", service)
        assert (code, status["message"]) == (
            403,
            'services "t" is forbidden: exceeded quota: q, requested: services=1, used: services=1, '
            "limited: services=1",
        )

    def test_a_quota_on_compute_needs_requests_and_limits(self, server: Server) -> None:
        self.quota(server, {"requests.cpu": "1", "limits.memory": "1Gi"})
        code, status = server.request("POST", "/api/v1/namespaces/ns/pods", pod())
        assert (code, status["message"]) == (
            403,
            'pods "p" is forbidden: failed quota: q: must specify limits.memory for: c; requests.cpu for: c',
        )

    def test_first_come_first_served_until_something_is_deleted(self, server: Server) -> None:
        self.quota(server, {"requests.cpu": "1"})
        path = "/api/v1/namespaces/ns/pods"
        for name in ("a", "b"):
            body = pod(name, containers=[container("c", {"cpu": "400m"})])
            assert server.request("POST", path, body)[0] == 201
        late = pod("late", containers=[container("c", {"cpu": "400m"})])
        code, status = server.request("POST", path, late)
        assert (code, status["message"]) == (
            403,
            'pods "late" is forbidden: exceeded quota: q, requested: requests.cpu=400m, '
            "used: requests.cpu=800m, limited: requests.cpu=1",
        )
        server.request("DELETE", f"{path}/a")
        server.settle()
        assert self.used(server) == {"requests.cpu": "400m"}
        assert server.request("POST", path, late)[0] == 201

    def test_limit_range_defaults_satisfy_the_quota(self, server: Server) -> None:
        self.quota(server, {"requests.cpu": "1", "limits.memory": "1Gi"})
        item = {"type": "Container", "default": {"memory": "100Mi"}, "defaultRequest": {"cpu": "100m"}}
        body = {"metadata": {"name": "lr"}, "spec": {"limits": [item]}}
        server.request("POST", "/api/v1/namespaces/ns/limitranges", body)
        assert server.request("POST", "/api/v1/namespaces/ns/pods", pod())[0] == 201
        assert self.used(server) == {"limits.memory": "100Mi", "requests.cpu": "100m"}

    def test_a_pod_that_one_quota_refuses_charges_none(self, server: Server) -> None:
        self.quota(server, {"pods": "5"}, "a-wide")
        self.quota(server, {"pods": "0"}, "b-narrow")
        assert server.request("POST", "/api/v1/namespaces/ns/pods", pod())[0] == 403
        assert self.used(server, "a-wide") == {"pods": "0"}


class TestPodLevelResources:
    """A pod may have pod-level resources for its containers together (v1.34)."""

    def test_requests_default_to_the_containers_or_the_limit(self, server: Server) -> None:
        limits = {"cpu": "2", "memory": "1Gi"}
        body = pod(resources={"limits": limits}, containers=[container("c", {"cpu": "300m"})])
        created = server.create("pods", body, "ns")
        assert created["spec"]["resources"]["requests"] == {"cpu": "300m", "memory": "1Gi"}
        assert created["status"]["qosClass"] == "Burstable"


class TestPodOverhead:
    def test_admission_sets_the_overhead_of_the_runtime_class(self, server: Server) -> None:
        server.create("runtimeclasses", RUNTIME_CLASS)
        created = server.create("pods", pod(runtimeClassName="kata-fc"), "ns")
        assert created["spec"]["overhead"] == {"memory": "120Mi", "cpu": "250m"}

    def test_the_overhead_counts_against_a_limit_range(self, server: Server) -> None:
        server.create("runtimeclasses", RUNTIME_CLASS)
        limits = {"limits": [{"type": "Pod", "max": {"cpu": "500m"}}]}
        server.create("limitranges", {"metadata": {"name": "lr"}, "spec": limits}, "ns")
        body = pod(runtimeClassName="kata-fc", containers=[container("c", limits={"cpu": "300m"})])
        error = refusal(lambda: server.create("pods", body, "ns"))
        assert error.message.endswith("maximum cpu usage per Pod is 500m, but limit is 550m")

    def test_overhead_without_a_class_is_refused(self, server: Server) -> None:
        error = refusal(lambda: server.create("pods", pod(overhead={"cpu": "1"}), "ns"))
        assert error.message.endswith("Pod Overhead set without corresponding RuntimeClass defined Overhead")


class TestDeploymentExample:
    def test_it_is_created_with_a_rolling_update(self, server: Server) -> None:
        spec = server.create("deployments", DEPLOYMENT, "ns")["spec"]
        assert spec["strategy"] == {
            "type": "RollingUpdate",
            "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"},
        }
        assert spec["revisionHistoryLimit"] == 10
        assert spec["template"]["spec"]["containers"][0]["ports"] == [
            {"containerPort": 80, "protocol": "TCP"}
        ]

    def test_the_image_may_be_updated(self, server: Server) -> None:
        stored = server.create("deployments", DEPLOYMENT, "ns")
        stored["spec"]["template"]["spec"]["containers"][0]["image"] = "nginx:1.16.1"
        updated = server.update("deployments", stored, "ns")
        assert updated["spec"]["template"]["spec"]["containers"][0]["image"] == "nginx:1.16.1"

    def test_its_selector_may_not(self, server: Server) -> None:
        stored = server.create("deployments", DEPLOYMENT, "ns")
        stored["spec"]["selector"] = {"matchLabels": {"app": "nginx", "tier": "web"}}
        stored["spec"]["template"]["metadata"]["labels"]["tier"] = "web"
        error = refusal(lambda: server.update("deployments", stored, "ns"))
        assert error.code == 422
        assert [c["field"] for c in (error.details or {})["causes"]] == ["spec.selector"]


class TestPodExamples:
    def test_restart_policy_defaults_to_always(self, server: Server) -> None:
        assert server.create("pods", pod(), "ns")["spec"]["restartPolicy"] == "Always"

    def test_a_blank_in_the_frontend_pods_quantities_does_not_count(self, server: Server) -> None:
        blanks = pod(containers=[container("db", {"cpu": "250m "}, {"cpu": "500m "})])
        resources = server.create("pods", blanks, "ns")["spec"]["containers"][0]["resources"]
        assert resources == {"requests": {"cpu": "250m"}, "limits": {"cpu": "500m"}}

    def test_the_frontend_pod_misspells_two_fields(self, server: Server) -> None:
        broken = {
            "apiversion": "v1",
            "kind": "Pod",
            "metadata": {"name": "frontend"},
            "spec": {"containers": [{"-name": "db", "image": "mysql"}]},
        }
        strict = refusal(lambda: server.create("pods", broken, "ns", strict=True))
        assert strict.code == 400
        assert strict.message.endswith('unknown field "apiversion", unknown field "spec.containers[0].-name"')
        lenient = refusal(lambda: server.create("pods", broken, "ns"))
        assert lenient.message == 'Pod "frontend" is invalid: spec.containers[0].name: Required value'

    def test_node_selector_and_affinity_are_accepted(self, server: Server) -> None:
        term = {"matchExpressions": [{"key": "kubernetes.io/os", "operator": "In", "values": ["linux"]}]}
        other = {"matchExpressions": [{"key": "another-node-label-key", "operator": "In", "values": ["v"]}]}
        affinity = {
            "nodeAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]},
                "preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "preference": other}],
            }
        }
        created = server.create("pods", pod(affinity=affinity, nodeSelector={"env_role": "dev"}), "ns")
        assert created["spec"]["affinity"] == affinity

    def test_a_pod_is_evicted_five_minutes_after_its_node_fails(self, server: Server) -> None:
        tolerations = server.create("pods", pod(), "ns")["spec"]["tolerations"]
        assert [(t["key"], t["effect"], t["tolerationSeconds"]) for t in tolerations] == [
            ("node.kubernetes.io/not-ready", "NoExecute", 300),
            ("node.kubernetes.io/unreachable", "NoExecute", 300),
        ]
