"""Each admission plugin: the fields it sets and the messages of its refusals."""

from __future__ import annotations

from typing import Any

import pytest

from kschedcore.client.transport import Request

from .samples import sample
from .server import Server, refusal


@pytest.fixture
def server() -> Server:
    return Server()


def pod(name: str = "x", **spec: Any) -> dict[str, Any]:
    made = sample("pods", name)
    made["spec"].update(spec)
    return made


class TestNamespaceLifecycle:
    def test_a_missing_namespace_is_not_found(self, server: Server) -> None:
        error = refusal(lambda: server.create("configmaps", sample("configmaps"), "gone"))
        assert (error.code, error.message) == (404, 'namespaces "gone" not found')

    def test_nothing_is_created_in_a_terminating_namespace(self, server: Server) -> None:
        server.delete("namespaces", "", "ns")
        error = refusal(lambda: server.create("configmaps", sample("configmaps"), "ns"))
        assert (error.code, error.message) == (
            403,
            'configmaps "x" is forbidden: unable to create new content in namespace ns because it is being '
            "terminated",
        )

    @pytest.mark.parametrize("name", ["default", "kube-system", "kube-public"])
    def test_some_namespaces_cannot_be_deleted(self, server: Server, name: str) -> None:
        error = refusal(lambda: server.delete("namespaces", "", name))
        assert error.message == f'namespaces "{name}" is forbidden: this namespace may not be deleted'


class TestServiceAccount:
    def test_a_pod_mounts_the_token_of_its_service_account(self, server: Server) -> None:
        spec = server.create("pods", pod(), "ns")["spec"]
        (mount,) = spec["containers"][0]["volumeMounts"]
        (volume,) = spec["volumes"]
        assert mount["name"] == volume["name"]
        assert mount["mountPath"] == "/var/run/secrets/kubernetes.io/serviceaccount"
        assert spec["serviceAccountName"] == spec["serviceAccount"] == "default"

    def test_the_volume_has_the_same_name_in_the_same_history(self) -> None:
        first, second = (Server().create("pods", pod(), "ns")["spec"]["volumes"] for _ in range(2))
        assert first == second

    @pytest.mark.parametrize("opted_out", ["pod", "account"])
    def test_pods_and_service_accounts_may_opt_out_of_the_token(self, server: Server, opted_out: str) -> None:
        account = {"metadata": {"name": "no-token"}, "automountServiceAccountToken": opted_out != "account"}
        server.create("serviceaccounts", account, "ns")
        more: dict[str, Any] = {"automountServiceAccountToken": False} if opted_out == "pod" else {}
        spec = server.create("pods", pod(serviceAccountName="no-token", **more), "ns")["spec"]
        assert "volumes" not in spec

    def test_an_unknown_service_account_is_refused(self, server: Server) -> None:
        error = refusal(lambda: server.create("pods", pod(serviceAccountName="ghost"), "ns"))
        assert error.message == (
            'pods "x" is forbidden: error looking up service account ns/ghost: serviceaccount "ghost" not '
            "found"
        )

    def test_pull_secrets_are_copied_from_the_service_account(self, server: Server) -> None:
        account = {"metadata": {"name": "puller"}, "imagePullSecrets": [{"name": "registry"}]}
        server.create("serviceaccounts", account, "ns")
        spec = server.create("pods", pod(serviceAccountName="puller"), "ns")["spec"]
        assert spec["imagePullSecrets"] == [{"name": "registry"}]


class TestPriority:
    def test_priority_and_preemption_policy_come_from_the_class(self, server: Server) -> None:
        server.create("priorityclasses", {**sample("priorityclasses", "high"), "preemptionPolicy": "Never"})
        spec = server.create("pods", pod(priorityClassName="high"), "ns")["spec"]
        assert (spec["priority"], spec["preemptionPolicy"]) == (10, "Never")

    def test_the_global_default_applies_to_pods_without_a_class(self, server: Server) -> None:
        server.create("priorityclasses", {**sample("priorityclasses", "usual"), "globalDefault": True})
        spec = server.create("pods", pod(), "ns")["spec"]
        assert (spec["priority"], spec["priorityClassName"]) == (10, "usual")

    def test_a_second_global_default_is_refused(self, server: Server) -> None:
        server.create("priorityclasses", {**sample("priorityclasses", "usual"), "globalDefault": True})
        second = {**sample("priorityclasses", "other"), "globalDefault": True}
        error = refusal(lambda: server.create("priorityclasses", second))
        assert error.message.endswith(
            "PriorityClass usual is already marked as default. Only one default can exist"
        )

    @pytest.mark.parametrize(
        ("name", "value"), [("system-node-critical", 2000001000), ("system-cluster-critical", 2000000000)]
    )
    def test_system_classes_exist(self, server: Server, name: str, value: int) -> None:
        assert server.create("pods", pod(priorityClassName=name), "ns")["spec"]["priority"] == value

    def test_an_update_keeps_the_computed_priority(self, server: Server) -> None:
        stored = server.create("pods", pod(), "ns")
        del stored["spec"]["priority"], stored["spec"]["preemptionPolicy"]
        assert server.update("pods", stored, "ns")["spec"]["priority"] == 0


class TestDefaultTolerationSeconds:
    def test_an_existing_toleration_is_kept(self, server: Server) -> None:
        own = {"key": "node.kubernetes.io/not-ready", "operator": "Exists", "tolerationSeconds": 5}
        own["effect"] = "NoExecute"
        tolerations = server.create("pods", pod(tolerations=[own]), "ns")["spec"]["tolerations"]
        assert [t["tolerationSeconds"] for t in tolerations] == [5, 300]

    def test_a_toleration_of_everything_needs_no_addition(self, server: Server) -> None:
        created = server.create("pods", pod(tolerations=[{"operator": "Exists"}]), "ns")
        assert created["spec"]["tolerations"] == [{"operator": "Exists"}]


class TestStorage:
    DEFAULT = "storageclass.kubernetes.io/is-default-class"

    def storage_class(self, server: Server, name: str, *, expands: bool = False) -> None:
        body = {**sample("storageclasses", name), "allowVolumeExpansion": expands}
        body["metadata"]["annotations"] = {self.DEFAULT: "true"}
        server.create("storageclasses", body)

    def test_a_claim_without_a_class_gets_the_default_one(self, server: Server) -> None:
        self.storage_class(server, "fast")
        claim = sample("persistentvolumeclaims")
        del claim["spec"]["storageClassName"]
        created = server.create("persistentvolumeclaims", claim, "ns")
        assert created["spec"]["storageClassName"] == "fast"
        assert created["metadata"]["finalizers"] == ["kubernetes.io/pvc-protection"]

    def test_the_empty_class_means_none(self, server: Server) -> None:
        self.storage_class(server, "fast")
        created = server.create("persistentvolumeclaims", sample("persistentvolumeclaims"), "ns")
        assert created["spec"]["storageClassName"] == ""

    @pytest.mark.parametrize(("expands", "code"), [(True, 200), (False, 403)])
    def test_a_bound_claim_grows_where_its_class_allows(
        self, server: Server, expands: bool, code: int
    ) -> None:
        self.storage_class(server, "fast", expands=expands)
        claim = sample("persistentvolumeclaims")
        claim["spec"]["storageClassName"] = "fast"
        bound = server.create("persistentvolumeclaims", claim, "ns")
        bound["status"]["phase"] = "Bound"
        larger = server.update("persistentvolumeclaims", bound, "ns", "status")
        larger["spec"]["resources"]["requests"]["storage"] = "2Gi"
        if code == 200:
            assert server.update("persistentvolumeclaims", larger, "ns")
        else:
            error = refusal(lambda: server.update("persistentvolumeclaims", larger, "ns"))
            assert "the storageclass that provisions the pvc must support resize" in error.message


def test_a_new_node_is_not_ready(server: Server) -> None:
    taints = server.create("nodes", sample("nodes"))["spec"]["taints"]
    assert taints == [{"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}]


def test_an_ingress_without_a_class_gets_the_default_one(server: Server) -> None:
    annotations = {"ingressclass.kubernetes.io/is-default-class": "true"}
    ingress_class = {"metadata": {"name": "web", "annotations": annotations}, "spec": {"controller": "e.x/y"}}
    server.create("ingressclasses", ingress_class)
    assert server.create("ingresses", sample("ingresses"), "ns")["spec"]["ingressClassName"] == "web"


def test_matching_label_keys_become_part_of_the_selector(server: Server) -> None:
    term = {"topologyKey": "zone", "labelSelector": {}, "matchLabelKeys": ["version", "absent"]}
    affinity = {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    made = pod(affinity=affinity)
    made["metadata"]["labels"] = {"version": "2"}
    created = server.create("pods", made, "ns")["spec"]["affinity"]["podAffinity"]
    (kept,) = created["requiredDuringSchedulingIgnoredDuringExecution"]
    assert kept["labelSelector"] == {
        "matchExpressions": [{"key": "version", "operator": "In", "values": ["2"]}]
    }


class TestPodTopologyLabels:
    """KEP-4742, on by default since v1.35: pods have the topology labels of their nodes."""

    ZONE, REGION = "topology.kubernetes.io/zone", "topology.kubernetes.io/region"

    def node(self, server: Server) -> None:
        labels = {self.ZONE: "z", self.REGION: "r", "topology.kubernetes.io/rack": "k", "other": "o"}
        server.create("nodes", {"metadata": {"name": "n", "labels": labels}})

    def test_a_pod_that_is_bound(self, server: Server) -> None:
        self.node(server)
        made = pod()
        made["metadata"]["labels"] = {self.REGION: "mine"}
        server.create("pods", made, "ns")
        body = {"metadata": {"name": "x"}, "target": {"kind": "Node", "name": "n"}}
        assert server.send(Request("POST", "/api/v1/namespaces/ns/pods/x/binding", body)).code == 201
        assert server.get("pods", "ns", "x")["metadata"]["labels"] == {self.REGION: "mine", self.ZONE: "z"}

    def test_a_pod_that_is_created_with_its_node(self, server: Server) -> None:
        self.node(server)
        created = server.create("pods", pod(nodeName="n"), "ns")
        assert created["metadata"]["labels"] == {self.REGION: "r", self.ZONE: "z"}


class TestQuotaScopes:
    """The pods that a quota with a scope selector counts."""

    def quota(self, server: Server, requirement: dict[str, Any]) -> None:
        selector = {"matchExpressions": [requirement]}
        spec = {"hard": {"pods": "0"}, "scopeSelector": selector}
        quota = server.create("resourcequotas", {"metadata": {"name": "q"}, "spec": spec}, "ns")
        status = {"hard": {"pods": "0"}, "used": {"pods": "0"}}
        server.update("resourcequotas", {**quota, "status": status}, "ns", "status")

    @pytest.mark.parametrize(
        ("requirement", "counted"),
        [
            ({"scopeName": "PriorityClass", "operator": "In", "values": ["high"]}, True),
            ({"scopeName": "PriorityClass", "operator": "In", "values": ["low"]}, False),
            ({"scopeName": "PriorityClass", "operator": "NotIn", "values": ["low"]}, True),
            ({"scopeName": "PriorityClass", "operator": "Exists"}, True),
            ({"scopeName": "PriorityClass", "operator": "DoesNotExist"}, False),
            ({"scopeName": "BestEffort", "operator": "Exists"}, True),
            ({"scopeName": "Terminating", "operator": "Exists"}, False),
            ({"scopeName": "CrossNamespacePodAffinity", "operator": "Exists"}, False),
        ],
    )
    def test_scopes(self, server: Server, requirement: dict[str, Any], counted: bool) -> None:
        server.create("priorityclasses", sample("priorityclasses", "high"))
        self.quota(server, requirement)
        if counted:
            error = refusal(lambda: server.create("pods", pod(priorityClassName="high"), "ns"))
            assert error.message.endswith(
                "exceeded quota: q, requested: pods=1, used: pods=0, limited: pods=0"
            )
        else:
            assert server.create("pods", pod(priorityClassName="high"), "ns")


class TestQuotaResources:
    """The usage of each kind, as the refusal by a quota of zero states it."""

    @pytest.mark.parametrize(
        ("plural", "spec", "resource", "amount"),
        [
            ("persistentvolumeclaims", {}, "requests.storage", "1Gi"),
            ("persistentvolumeclaims", {"storageClassName": "gold"},
             "gold.storageclass.storage.k8s.io/requests.storage", "1Gi"),
            ("persistentvolumeclaims", {"storageClassName": "gold"},
             "gold.storageclass.storage.k8s.io/persistentvolumeclaims", "1"),
            ("services", {"type": "NodePort"}, "services.nodeports", "1"),
            ("services", {"type": "LoadBalancer"}, "services.loadbalancers", "1"),
            ("configmaps", {}, "configmaps", "1"),
            ("secrets", {}, "count/secrets", "1"),
            ("deployments", {}, "count/deployments.apps", "1"),
            ("jobs", {}, "count/jobs.batch", "1"),
        ],
    )  # fmt: skip
    def test_usage(
        self, server: Server, plural: str, spec: dict[str, Any], resource: str, amount: str
    ) -> None:
        body = {"metadata": {"name": "q"}, "spec": {"hard": {resource: "0"}}}
        quota = server.create("resourcequotas", body, "ns")
        status = {"hard": {resource: "0"}, "used": {resource: "0"}}
        server.update("resourcequotas", {**quota, "status": status}, "ns", "status")
        made = sample(plural)
        if spec:
            made["spec"].update(spec)
        error = refusal(lambda: server.create(plural, made, "ns"))
        message = (
            f"exceeded quota: q, requested: {resource}={amount}, used: {resource}=0, limited: {resource}=0"
        )
        assert error.message.endswith(message)

    def test_extended_resources(self, server: Server) -> None:
        hard = {"requests.nvidia.com/gpu": "1"}
        quota = server.create("resourcequotas", {"metadata": {"name": "q"}, "spec": {"hard": hard}}, "ns")
        status = {"hard": hard, "used": {"requests.nvidia.com/gpu": "0"}}
        server.update("resourcequotas", {**quota, "status": status}, "ns", "status")
        made = pod()
        made["spec"]["containers"][0]["resources"] = {"limits": {"nvidia.com/gpu": "2"}}
        error = refusal(lambda: server.create("pods", made, "ns"))
        assert "requested: requests.nvidia.com/gpu=2" in error.message

    def test_a_quota_without_status_limits_nothing(self, server: Server) -> None:
        body = {"metadata": {"name": "q"}, "spec": {"hard": {"pods": "0"}}}
        server.create("resourcequotas", body, "ns")
        assert server.create("pods", pod(), "ns")


class TestEviction:
    @pytest.fixture
    def running(self, server: Server) -> Server:
        """A server with a running, ready pod ``x``."""
        made = pod()
        made["metadata"]["labels"] = {"app": "a"}
        self.set_status(server, server.create("pods", made, "ns"), "Running")
        return server

    def set_status(self, server: Server, stored: dict[str, Any], phase: str) -> None:
        stored["status"] |= {"phase": phase, "conditions": [{"type": "Ready", "status": "True"}]}
        server.update("pods", stored, "ns", "status")

    def budget(self, server: Server, name: str = "b", *, allowed: int = 1, observed: int = 1) -> None:
        stored = server.create("poddisruptionbudgets", sample("poddisruptionbudgets", name), "ns")
        stored["status"] |= {
            "disruptionsAllowed": allowed, "desiredHealthy": 2, "currentHealthy": 2 + allowed,
            "observedGeneration": observed,
        }  # fmt: skip
        server.update("poddisruptionbudgets", stored, "ns", "status")

    def status(self, server: Server) -> dict[str, Any]:
        status: dict[str, Any] = server.get("poddisruptionbudgets", "ns", "b")["status"]
        return status

    def test_an_eviction_is_charged_to_the_budget(self, running: Server) -> None:
        self.budget(running)
        running.evict("ns", "x")
        assert self.status(running)["disruptionsAllowed"] == 0
        assert self.status(running)["disruptedPods"].keys() == {"x"}

    def test_a_dry_run_charges_nothing(self, running: Server) -> None:
        self.budget(running)
        running.evict("ns", "x", dry_run=True)
        assert self.status(running)["disruptionsAllowed"] == 1

    def test_a_budget_that_allows_no_disruption_refuses(self, running: Server) -> None:
        self.budget(running, allowed=0)
        error = refusal(lambda: running.evict("ns", "x"))
        assert (error.code, error.reason) == (429, "TooManyRequests")
        assert error.message == "Cannot evict pod as it would violate the pod's disruption budget."
        message = "The disruption budget b needs 2 healthy pods and has 2 currently"
        assert error.details == {"causes": [{"reason": "DisruptionBudget", "message": message}]}

    def test_a_budget_with_an_old_status_requires_a_retry(self, running: Server) -> None:
        self.budget(running, allowed=5, observed=0)
        error = refusal(lambda: running.evict("ns", "x"))
        assert (error.code, (error.details or {})["retryAfterSeconds"]) == (429, 10)

    def test_a_pod_with_two_budgets_cannot_be_evicted(self, running: Server) -> None:
        self.budget(running)
        self.budget(running, "c")
        assert refusal(lambda: running.evict("ns", "x")).code == 500

    def test_the_eviction_of_a_finished_pod_is_not_charged(self, running: Server) -> None:
        self.budget(running)
        self.set_status(running, running.get("pods", "ns", "x"), "Succeeded")
        running.evict("ns", "x")
        assert self.status(running)["disruptionsAllowed"] == 1


def test_a_refused_pod_with_a_generated_name_is_named_by_its_prefix(server: Server) -> None:
    made = pod(serviceAccountName="ghost")
    made["metadata"] = {"generateName": "web-"}
    error = refusal(lambda: server.create("pods", made, "ns"))
    assert error.message.startswith('pods "web-" is forbidden: ')
    assert (error.details or {})["name"] == "web-"
