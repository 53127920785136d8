"""Each admission plugin: what it adds, and what it refuses in which words."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from kschedcore.apiserver.eviction import admit_eviction

from .memory import Cluster, refusal
from .samples import sample

NOW = "2026-01-01T00:00:00Z"


@pytest.fixture
def cluster() -> Cluster:
    return Cluster().with_namespace("ns")


def pod(name: str = "x", **spec: Any) -> dict[str, Any]:
    made = sample("pods", name)
    made["spec"].update(spec)
    return made


class TestNamespaceLifecycle:
    def test_nothing_is_made_in_a_namespace_that_is_not_there(self, cluster: Cluster) -> None:
        error = refusal(lambda: cluster.create("configmaps", sample("configmaps"), "gone"))
        assert (error.code, error.message) == (404, 'namespaces "gone" not found')

    def test_a_dying_namespace_takes_nothing_new(self, cluster: Cluster) -> None:
        cluster.objects["namespaces", "", "ns"]["status"]["phase"] = "Terminating"
        error = refusal(lambda: cluster.create("configmaps", sample("configmaps"), "ns"))
        assert (error.code, error.message) == (
            403,
            'configmaps "x" is forbidden: unable to create new content in namespace ns because it is being '
            "terminated",
        )

    @pytest.mark.parametrize("name", ["default", "kube-system", "kube-public"])
    def test_some_namespaces_stay(self, cluster: Cluster, name: str) -> None:
        cluster.create("namespaces", {"metadata": {"name": name}})
        error = refusal(lambda: cluster.delete("namespaces", "", name))
        assert error.message == f'namespaces "{name}" is forbidden: this namespace may not be deleted'


class TestServiceAccount:
    def test_a_pod_gets_the_token_of_its_account(self, cluster: Cluster) -> None:
        spec = cluster.create("pods", pod(), "ns")["spec"]
        (mount,) = spec["containers"][0]["volumeMounts"]
        (volume,) = spec["volumes"]
        assert mount["name"] == volume["name"]
        assert mount["mountPath"] == "/var/run/secrets/kubernetes.io/serviceaccount"
        assert spec["serviceAccountName"] == spec["serviceAccount"] == "default"

    def test_the_volume_has_the_same_name_in_the_same_history(self) -> None:
        first, second = (
            Cluster().with_namespace("ns").create("pods", pod(), "ns")["spec"]["volumes"] for _ in range(2)
        )
        assert first == second

    @pytest.mark.parametrize("declines", ["pod", "account"])
    def test_somebody_may_decline_the_token(self, cluster: Cluster, declines: str) -> None:
        account = {"metadata": {"name": "quiet"}, "automountServiceAccountToken": declines != "account"}
        cluster.create("serviceaccounts", account, "ns")
        more: dict[str, Any] = {"automountServiceAccountToken": False} if declines == "pod" else {}
        spec = cluster.create("pods", pod(serviceAccountName="quiet", **more), "ns")["spec"]
        assert "volumes" not in spec

    def test_an_unknown_account_is_refused(self, cluster: Cluster) -> None:
        error = refusal(lambda: cluster.create("pods", pod(serviceAccountName="ghost"), "ns"))
        assert error.message == (
            'pods "x" is forbidden: error looking up service account ns/ghost: serviceaccount "ghost" not '
            "found"
        )

    def test_pull_secrets_come_from_the_account(self, cluster: Cluster) -> None:
        account = {"metadata": {"name": "puller"}, "imagePullSecrets": [{"name": "registry"}]}
        cluster.create("serviceaccounts", account, "ns")
        spec = cluster.create("pods", pod(serviceAccountName="puller"), "ns")["spec"]
        assert spec["imagePullSecrets"] == [{"name": "registry"}]


class TestPriority:
    def test_a_class_gives_priority_and_policy(self, cluster: Cluster) -> None:
        cluster.create("priorityclasses", {**sample("priorityclasses", "high"), "preemptionPolicy": "Never"})
        spec = cluster.create("pods", pod(priorityClassName="high"), "ns")["spec"]
        assert (spec["priority"], spec["preemptionPolicy"]) == (10, "Never")

    def test_the_global_default_is_for_those_who_say_nothing(self, cluster: Cluster) -> None:
        cluster.create("priorityclasses", {**sample("priorityclasses", "usual"), "globalDefault": True})
        spec = cluster.create("pods", pod(), "ns")["spec"]
        assert (spec["priority"], spec["priorityClassName"]) == (10, "usual")

    def test_there_is_one_global_default(self, cluster: Cluster) -> None:
        cluster.create("priorityclasses", {**sample("priorityclasses", "usual"), "globalDefault": True})
        second = {**sample("priorityclasses", "other"), "globalDefault": True}
        error = refusal(lambda: cluster.create("priorityclasses", second))
        assert error.message.endswith(
            "PriorityClass usual is already marked as default. Only one default can exist"
        )

    @pytest.mark.parametrize(
        ("name", "value"), [("system-node-critical", 2000001000), ("system-cluster-critical", 2000000000)]
    )
    def test_system_classes_are_always_known(self, cluster: Cluster, name: str, value: int) -> None:
        assert cluster.create("pods", pod(priorityClassName=name), "ns")["spec"]["priority"] == value

    def test_an_update_keeps_what_was_computed(self, cluster: Cluster) -> None:
        stored = copy.deepcopy(cluster.create("pods", pod(), "ns"))
        del stored["spec"]["priority"], stored["spec"]["preemptionPolicy"]
        assert cluster.update("pods", stored, "ns")["spec"]["priority"] == 0


class TestDefaultTolerationSeconds:
    def test_a_stated_toleration_is_left_alone(self, cluster: Cluster) -> None:
        own = {"key": "node.kubernetes.io/not-ready", "operator": "Exists", "tolerationSeconds": 5}
        own["effect"] = "NoExecute"
        tolerations = cluster.create("pods", pod(tolerations=[own]), "ns")["spec"]["tolerations"]
        assert [t["tolerationSeconds"] for t in tolerations] == [5, 300]

    def test_who_tolerates_everything_needs_no_more(self, cluster: Cluster) -> None:
        created = cluster.create("pods", pod(tolerations=[{"operator": "Exists"}]), "ns")
        assert created["spec"]["tolerations"] == [{"operator": "Exists"}]


class TestStorage:
    DEFAULT = "storageclass.kubernetes.io/is-default-class"

    def storage_class(self, cluster: Cluster, name: str, *, expands: bool = False) -> None:
        body = {**sample("storageclasses", name), "allowVolumeExpansion": expands}
        body["metadata"]["annotations"] = {self.DEFAULT: "true"}
        cluster.create("storageclasses", body)

    def test_a_claim_without_a_class_gets_the_default_one(self, cluster: Cluster) -> None:
        self.storage_class(cluster, "fast")
        claim = sample("persistentvolumeclaims")
        del claim["spec"]["storageClassName"]
        created = cluster.create("persistentvolumeclaims", claim, "ns")
        assert created["spec"]["storageClassName"] == "fast"
        assert created["metadata"]["finalizers"] == ["kubernetes.io/pvc-protection"]

    def test_the_empty_class_means_none(self, cluster: Cluster) -> None:
        self.storage_class(cluster, "fast")
        created = cluster.create("persistentvolumeclaims", sample("persistentvolumeclaims"), "ns")
        assert created["spec"]["storageClassName"] == ""

    @pytest.mark.parametrize(("expands", "code"), [(True, 200), (False, 403)])
    def test_a_bound_claim_grows_where_its_class_allows(
        self, cluster: Cluster, expands: bool, code: int
    ) -> None:
        self.storage_class(cluster, "fast", expands=expands)
        claim = sample("persistentvolumeclaims")
        claim["spec"]["storageClassName"] = "fast"
        bound = copy.deepcopy(cluster.create("persistentvolumeclaims", claim, "ns"))
        bound["status"]["phase"] = "Bound"
        larger = copy.deepcopy(cluster.update("persistentvolumeclaims", bound, "ns", "status"))
        larger["spec"]["resources"]["requests"]["storage"] = "2Gi"
        if code == 200:
            assert cluster.update("persistentvolumeclaims", larger, "ns")
        else:
            error = refusal(lambda: cluster.update("persistentvolumeclaims", larger, "ns"))
            assert "the storageclass that provisions the pvc must support resize" in error.message


def test_a_new_node_is_not_ready(cluster: Cluster) -> None:
    taints = cluster.create("nodes", sample("nodes"))["spec"]["taints"]
    assert taints == [{"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}]


def test_an_ingress_without_a_class_gets_the_default_one(cluster: Cluster) -> None:
    annotations = {"ingressclass.kubernetes.io/is-default-class": "true"}
    ingress_class = {"metadata": {"name": "web", "annotations": annotations}, "spec": {"controller": "e.x/y"}}
    cluster.create("ingressclasses", ingress_class)
    assert cluster.create("ingresses", sample("ingresses"), "ns")["spec"]["ingressClassName"] == "web"


def test_matching_label_keys_become_part_of_the_selector(cluster: Cluster) -> None:
    term = {"topologyKey": "zone", "labelSelector": {}, "matchLabelKeys": ["version", "absent"]}
    affinity = {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    made = pod(affinity=affinity)
    made["metadata"]["labels"] = {"version": "2"}
    created = cluster.create("pods", made, "ns")["spec"]["affinity"]["podAffinity"]
    (kept,) = created["requiredDuringSchedulingIgnoredDuringExecution"]
    assert kept["labelSelector"] == {
        "matchExpressions": [{"key": "version", "operator": "In", "values": ["2"]}]
    }


class TestQuotaScopes:
    """Which pods a quota with a scope selector counts."""

    def quota(self, cluster: Cluster, requirement: dict[str, Any]) -> None:
        selector = {"matchExpressions": [requirement]}
        spec = {"hard": {"pods": "0"}, "scopeSelector": selector}
        quota = cluster.create("resourcequotas", {"metadata": {"name": "q"}, "spec": spec}, "ns")
        status = {"hard": {"pods": "0"}, "used": {"pods": "0"}}
        cluster.objects["resourcequotas", "ns", "q"] = {**quota, "status": status}

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
    def test_scopes(self, cluster: Cluster, requirement: dict[str, Any], counted: bool) -> None:
        cluster.create("priorityclasses", sample("priorityclasses", "high"))
        self.quota(cluster, requirement)
        if counted:
            error = refusal(lambda: cluster.create("pods", pod(priorityClassName="high"), "ns"))
            assert error.message.endswith(
                "exceeded quota: q, requested: pods=1, used: pods=0, limited: pods=0"
            )
        else:
            assert cluster.create("pods", pod(priorityClassName="high"), "ns")


class TestQuotaResources:
    """What each kind of object uses, as the refusal of a quota of nothing tells."""

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
        self, cluster: Cluster, plural: str, spec: dict[str, Any], resource: str, amount: str
    ) -> None:
        body = {"metadata": {"name": "q"}, "spec": {"hard": {resource: "0"}}}
        quota = cluster.create("resourcequotas", body, "ns")
        status = {"hard": {resource: "0"}, "used": {resource: "0"}}
        cluster.objects["resourcequotas", "ns", "q"] = {**quota, "status": status}
        made = sample(plural)
        if spec:
            made["spec"].update(spec)
        error = refusal(lambda: cluster.create(plural, made, "ns"))
        told = f"exceeded quota: q, requested: {resource}={amount}, used: {resource}=0, limited: {resource}=0"
        assert error.message.endswith(told)

    def test_extended_resources(self, cluster: Cluster) -> None:
        hard = {"requests.nvidia.com/gpu": "1"}
        quota = cluster.create("resourcequotas", {"metadata": {"name": "q"}, "spec": {"hard": hard}}, "ns")
        status = {"hard": hard, "used": {"requests.nvidia.com/gpu": "0"}}
        cluster.objects["resourcequotas", "ns", "q"] = {**quota, "status": status}
        made = pod()
        made["spec"]["containers"][0]["resources"] = {"limits": {"nvidia.com/gpu": "2"}}
        error = refusal(lambda: cluster.create("pods", made, "ns"))
        assert "requested: requests.nvidia.com/gpu=2" in error.message

    def test_a_quota_that_no_controller_has_read_yet_holds_nobody(self, cluster: Cluster) -> None:
        body = {"metadata": {"name": "q"}, "spec": {"hard": {"pods": "0"}}}
        cluster.create("resourcequotas", body, "ns")
        assert cluster.create("pods", pod(), "ns")


class TestEviction:
    @pytest.fixture
    def served(self, cluster: Cluster) -> Cluster:
        """A running, ready pod under a budget of one."""
        made = pod()
        made["metadata"]["labels"] = {"app": "a"}
        running = copy.deepcopy(cluster.create("pods", made, "ns"))
        running["status"] |= {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
        cluster.update("pods", running, "ns", "status")
        self.budget(cluster, "b", allowed=1)
        return cluster

    def budget(self, cluster: Cluster, name: str, *, allowed: int, generation: int = 1) -> None:
        stored = copy.deepcopy(
            cluster.create("poddisruptionbudgets", sample("poddisruptionbudgets", name), "ns")
        )
        stored["status"] |= {
            "disruptionsAllowed": allowed,
            "desiredHealthy": 2,
            "currentHealthy": 2 + allowed,
        }
        stored["status"]["observedGeneration"] = generation
        cluster.update("poddisruptionbudgets", stored, "ns", "status")

    def evict(self, cluster: Cluster, **options: Any) -> None:
        evicted = cluster.get("pods", "ns", "x")
        assert evicted is not None
        admit_eviction(cluster, evicted, NOW, **options)

    def status(self, cluster: Cluster) -> dict[str, Any]:
        budget = cluster.get("poddisruptionbudgets.policy", "ns", "b")
        assert budget is not None
        status: dict[str, Any] = budget["status"]
        return status

    def test_the_budget_pays(self, served: Cluster) -> None:
        self.evict(served)
        assert self.status(served)["disruptionsAllowed"] == 0
        assert self.status(served)["disruptedPods"] == {"x": NOW}

    def test_a_dry_run_costs_nothing(self, served: Cluster) -> None:
        self.evict(served, dry_run=True)
        assert self.status(served)["disruptionsAllowed"] == 1

    def test_an_empty_budget_refuses(self, served: Cluster) -> None:
        self.evict(served)
        error = refusal(lambda: self.evict(served))
        assert (error.code, error.reason) == (429, "TooManyRequests")
        assert error.message == "Cannot evict pod as it would violate the pod's disruption budget."
        assert error.details == {
            "causes": [
                {
                    "reason": "DisruptionBudget",
                    "message": "The disruption budget b does not allow evicting pods currently",
                }
            ]
        }

    def test_a_stale_budget_asks_to_come_again(self, cluster: Cluster) -> None:
        made = pod()
        made["metadata"]["labels"] = {"app": "a"}
        stored = cluster.create("pods", made, "ns")
        self.budget(cluster, "b", allowed=5, generation=0)
        running = {
            **stored,
            "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
        }
        error = refusal(lambda: admit_eviction(cluster, running, NOW))
        assert (error.code, (error.details or {})["retryAfterSeconds"]) == (429, 10)

    def test_two_budgets_are_one_too_many(self, served: Cluster) -> None:
        self.budget(served, "c", allowed=1)
        assert refusal(lambda: self.evict(served)).code == 500

    def test_a_pod_that_has_ended_needs_no_budget(self, served: Cluster) -> None:
        ended = copy.deepcopy(served.get("pods", "ns", "x"))
        assert ended is not None
        ended["status"]["phase"] = "Succeeded"
        admit_eviction(served, ended, NOW)
        assert self.status(served)["disruptionsAllowed"] == 1


def test_a_pod_without_a_name_yet_is_refused_by_its_prefix(cluster: Cluster) -> None:
    made = pod(serviceAccountName="ghost")
    made["metadata"] = {"generateName": "web-"}
    error = refusal(lambda: cluster.create("pods", made, "ns"))
    assert error.message.startswith('pods "web-" is forbidden: ')
    assert (error.details or {})["name"] == "web-"
