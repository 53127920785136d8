"""StatefulSets through the API server: order, updates, claims, identity."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kschedcore.api.machinery.types import DEFAULT_NAMESPACE
from kschedcore.controllers.garbagecollector import GarbageCollector
from kschedcore.controllers.statefulset.controller import StatefulSetController
from kschedcore.controllers.volumeprotection import ClaimProtectionController

from . import world as worlds

Object = dict[str, Any]

SETS = "/apis/apps/v1/namespaces/default/statefulsets"
PODS = "/api/v1/namespaces/default/pods"
CLAIMS = "persistentvolumeclaims"
DATA = {
    "metadata": {"name": "data", "labels": {"tier": "disk"}},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
}


class World(worlds.World):
    def __init__(self) -> None:
        super().__init__([StatefulSetController, GarbageCollector, ClaimProtectionController])
        self.settle()

    def create(self, replicas: int, image: str = "db:1", **spec: Any) -> None:
        template = {
            "metadata": {"labels": {"app": "db"}},
            "spec": {"containers": [{"name": "db", "image": image}]},
        }
        selector = {"matchLabels": {"app": "db"}}
        body = {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "db"}}
        self.send("POST", SETS, {**body, "spec": {
            "replicas": replicas, "serviceName": "dbs", "selector": selector, "template": template, **spec,
        }})  # fmt: skip
        self.settle()

    def change(self, **spec: Any) -> None:
        self.send("PATCH", f"{SETS}/db", {"spec": spec})
        self.settle()

    def roll_to(self, image: str) -> None:
        self.change(template={"spec": {"containers": [{"name": "db", "image": image}]}})

    def delete(self, pod: str) -> None:
        self.send("DELETE", f"{PODS}/{pod}")
        self.settle()

    def images(self) -> dict[str, str]:
        pods = self.informers["pods"].in_namespace(DEFAULT_NAMESPACE)
        return {
            each["metadata"]["name"]: each["spec"]["containers"][0]["image"]
            for each in sorted(pods, key=lambda pod: pod["metadata"]["name"])
        }

    def be_ready(self, *pods: str) -> None:
        for pod in pods:
            self.make_ready(pod)
            self.settle()

    def all_ready(self) -> None:
        """Have every pod become ready until none is left that is not."""
        while waiting := sorted(name for name in self.names("pods") if not self.is_ready(name)):
            self.be_ready(waiting[0])

    def is_ready(self, pod: str) -> bool:
        conditions = self.get("pods", pod)["status"].get("conditions", ())
        return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)

    def status(self) -> Object:
        status: Object = self.get("statefulsets.apps", "db")["status"]
        return status

    def events(self) -> list[tuple[str, str]]:
        return [(each["reason"], each["message"]) for each in self.informers["events"].all()]


@pytest.fixture
def world() -> World:
    return World()


def test_pods_are_made_in_order_each_when_the_last_is_ready(world: World) -> None:
    world.create(3)
    assert set(world.images()) == {"db-0"}
    world.be_ready("db-0")
    assert set(world.images()) == {"db-0", "db-1"}
    world.be_ready("db-1", "db-2")
    status = world.status()
    assert status.pop("currentRevision") == status.pop("updateRevision")
    assert status == {
        "observedGeneration": 1, "replicas": 3, "readyReplicas": 3, "currentReplicas": 3,
        "updatedReplicas": 3, "availableReplicas": 3, "collisionCount": 0,
    }  # fmt: skip
    assert ("SuccessfulCreate", "Create Pod db-2 in StatefulSet db successful") in world.events()


def test_a_pod_has_a_name_a_host_and_labels_of_its_own(world: World) -> None:
    world.create(1, ordinals={"start": 5}, volumeClaimTemplates=[DATA])
    pod = world.get("pods", "db-5")
    assert pod["metadata"]["labels"] == {
        "app": "db",
        "controller-revision-hash": world.status()["updateRevision"],
        "statefulset.kubernetes.io/pod-name": "db-5",
        "apps.kubernetes.io/pod-index": "5",
    }
    assert (pod["spec"]["hostname"], pod["spec"]["subdomain"]) == ("db-5", "dbs")
    assert pod["spec"]["volumes"][0] == {
        "name": "data",
        "persistentVolumeClaim": {"claimName": "data-db-5"},
    }
    claim = world.get(CLAIMS, "data-db-5")
    assert claim["metadata"]["labels"] == {"tier": "disk", "app": "db"}
    assert "ownerReferences" not in claim["metadata"]
    message = "Create Claim data-db-5 Pod db-5 in StatefulSet db success"
    assert ("SuccessfulCreate", message) in world.events()


def test_scaling_down_takes_the_last_first_and_waits_for_what_is_not_ready(world: World) -> None:
    world.create(3)
    world.all_ready()
    world.make_ready("db-0", ready=False)
    world.change(replicas=1)
    assert set(world.images()) == {"db-0", "db-1", "db-2"}
    world.be_ready("db-0")
    assert set(world.images()) == {"db-0"}


def test_the_last_pod_may_go_when_it_is_the_only_one_that_is_not_ready(world: World) -> None:
    world.create(2)
    world.be_ready("db-0")
    world.change(replicas=1)
    assert set(world.images()) == {"db-0"}


def test_parallel_pods_come_and_go_together(world: World) -> None:
    world.create(4, podManagementPolicy="Parallel")
    assert set(world.images()) == {"db-0", "db-1", "db-2", "db-3"}
    world.change(replicas=1)
    assert set(world.images()) == {"db-0"}


def test_a_new_start_ordinal_moves_the_pods(world: World) -> None:
    world.create(2, podManagementPolicy="Parallel")
    world.change(ordinals={"start": 1})
    assert set(world.images()) == {"db-1", "db-2"}


def test_an_update_goes_from_the_last_to_the_first(world: World) -> None:
    world.create(3)
    world.all_ready()
    before = world.status()["currentRevision"]
    world.roll_to("db:2")
    assert world.images() == {"db-0": "db:1", "db-1": "db:1", "db-2": "db:2"}
    assert (world.status()["currentReplicas"], world.status()["updatedReplicas"]) == (2, 1)
    world.be_ready("db-2")
    assert world.images() == {"db-0": "db:1", "db-1": "db:2", "db-2": "db:2"}
    assert world.status()["currentRevision"] == before
    world.all_ready()
    assert set(world.images().values()) == {"db:2"}
    status = world.status()
    assert status["currentRevision"] == status["updateRevision"] != before
    assert (status["currentReplicas"], status["updatedReplicas"]) == (3, 3)


def test_an_update_stops_at_the_partition(world: World) -> None:
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}
    world.create(3, updateStrategy=strategy)
    world.all_ready()
    world.roll_to("db:2")
    world.all_ready()
    assert world.images() == {"db-0": "db:1", "db-1": "db:1", "db-2": "db:2"}
    world.delete("db-0")
    assert world.images()["db-0"] == "db:1"
    world.change(updateStrategy={"rollingUpdate": {"partition": 0}})
    world.all_ready()
    assert set(world.images().values()) == {"db:2"}


def test_the_partition_counts_from_the_start_ordinal(world: World) -> None:
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}
    world.create(2, updateStrategy=strategy, ordinals={"start": 7})
    world.all_ready()
    world.roll_to("db:2")
    world.all_ready()
    assert world.images() == {"db-7": "db:1", "db-8": "db:2"}


def test_on_delete_updates_what_is_deleted_by_hand(world: World) -> None:
    world.create(2, updateStrategy={"type": "OnDelete"})
    world.all_ready()
    world.roll_to("db:2")
    assert set(world.images().values()) == {"db:1"}
    world.delete("db-0")
    assert world.images() == {"db-0": "db:2", "db-1": "db:1"}
    assert world.status()["updatedReplicas"] == 1


def test_a_broken_update_is_stuck_until_its_pod_is_deleted(world: World) -> None:
    world.create(2)
    world.all_ready()
    world.roll_to("db:broken")
    world.roll_to("db:1")
    assert world.images() == {"db-0": "db:1", "db-1": "db:broken"}
    world.delete("db-1")
    assert world.images() == {"db-0": "db:1", "db-1": "db:1"}


def test_going_back_takes_up_the_earlier_revision(world: World) -> None:
    world.create(1)
    world.all_ready()
    first = world.status()["updateRevision"]
    world.roll_to("db:2")
    world.all_ready()
    world.roll_to("db:1")
    revisions = world.informers["controllerrevisions.apps"].in_namespace(DEFAULT_NAMESPACE)
    numbers = {each["metadata"]["name"]: each["revision"] for each in revisions}
    assert world.status()["updateRevision"] == first
    assert numbers[first] == 3
    assert len(numbers) == 2


def test_old_revisions_go_but_not_those_in_use(world: World) -> None:
    world.create(1, revisionHistoryLimit=1)
    for image in ("db:2", "db:3", "db:4"):
        world.all_ready()
        world.roll_to(image)
    world.all_ready()
    revisions = world.informers["controllerrevisions.apps"].in_namespace(DEFAULT_NAMESPACE)
    assert sorted(each["revision"] for each in revisions) == [3, 4]


@pytest.mark.parametrize("phase", ["Failed", "Succeeded"])
def test_a_pod_that_has_ended_is_made_again(world: World, phase: str) -> None:
    world.create(1)
    before = world.get("pods", "db-0")["metadata"]["uid"]
    world.finish("db-0", phase)
    world.settle()
    assert world.get("pods", "db-0")["metadata"]["uid"] != before


def test_min_ready_seconds_hold_up_the_next_pod(world: World) -> None:
    world.create(2, minReadySeconds=30)
    world.make_ready("db-0")
    world.ready()
    assert set(world.images()) == {"db-0"}
    assert (world.status()["readyReplicas"], world.status()["availableReplicas"]) == (1, 0)
    world.run_for(seconds=30)
    assert set(world.images()) == {"db-0", "db-1"}
    assert world.status()["availableReplicas"] == 1


def test_claims_of_deleted_pods_are_kept_by_default_and_deleted_by_policy(world: World) -> None:
    world.create(2, podManagementPolicy="Parallel", volumeClaimTemplates=[DATA])
    world.change(replicas=1)
    assert world.names(CLAIMS) == {"data-db-0", "data-db-1"}
    policy = {"whenScaled": "Delete", "whenDeleted": "Delete"}
    world.change(replicas=2)
    world.all_ready()
    world.change(persistentVolumeClaimRetentionPolicy=policy)
    owner = world.get(CLAIMS, "data-db-1")["metadata"]["ownerReferences"][0]
    assert (owner["kind"], owner["name"], owner["controller"]) == ("StatefulSet", "db", True)
    world.change(replicas=1)
    assert world.names(CLAIMS) == {"data-db-0"}
    world.send("DELETE", f"{SETS}/db")
    world.settle()
    assert world.names(CLAIMS) == set()


def test_a_pod_waits_for_the_claim_of_an_earlier_one_to_go(world: World) -> None:
    policy = {"whenScaled": "Delete", "whenDeleted": "Retain"}
    world.create(
        1,
        podManagementPolicy="Parallel",
        volumeClaimTemplates=[DATA],
        persistentVolumeClaimRetentionPolicy=policy,
    )
    claim = world.get(CLAIMS, "data-db-0")
    stale = {"apiVersion": "v1", "kind": "Pod", "name": "db-0", "uid": "00000000-0000-0000-0000-000000000000"}
    finalizers = [*claim["metadata"]["finalizers"], "example.com/hold"]
    metadata = {**claim["metadata"], "ownerReferences": [stale], "finalizers": finalizers}
    world.client.update({**claim, "metadata": metadata}, CLAIMS)
    world.delete("db-0")
    assert world.names("pods") == set()
    claim = world.get(CLAIMS, "data-db-0")
    held = {**claim, "metadata": {**claim["metadata"], "finalizers": []}}
    world.client.update(held, CLAIMS)
    world.settle()
    assert world.names("pods") == {"db-0"}
    assert world.get(CLAIMS, "data-db-0")["metadata"]["uid"] != claim["metadata"]["uid"]


def test_a_claim_of_another_controller_is_left_alone(world: World) -> None:
    other = {
        "apiVersion": "v1", "kind": "ConfigMap", "name": "keeper", "controller": True,
        "uid": world.send("POST", "/api/v1/namespaces/default/configmaps", {
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "keeper"}})["metadata"]["uid"],
    }  # fmt: skip
    claim = {
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "spec": DATA["spec"],
        "metadata": {"name": "data-db-0", "ownerReferences": [other]},
    }  # fmt: skip
    world.send("POST", "/api/v1/namespaces/default/persistentvolumeclaims", claim)
    policy = {"whenScaled": "Delete", "whenDeleted": "Delete"}
    world.create(1, volumeClaimTemplates=[DATA], persistentVolumeClaimRetentionPolicy=policy)
    world.all_ready()
    assert world.get(CLAIMS, "data-db-0")["metadata"]["ownerReferences"] == [other]


def test_it_adopts_a_pod_of_its_name_and_labels(world: World) -> None:
    spec = {"containers": [{"name": "db", "image": "db:0"}]}
    for name in ("db-0", "db-0-x", "web-0"):
        metadata = {"name": name, "labels": {"app": "db"}}
        world.send("POST", PODS, {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
    world.create(1, updateStrategy={"type": "OnDelete"})
    world.all_ready()
    adopted = world.get("pods", "db-0")["metadata"]
    assert adopted["ownerReferences"][0]["name"] == "db"
    assert adopted["labels"]["statefulset.kubernetes.io/pod-name"] == "db-0"
    assert not any(world.get("pods", name)["metadata"].get("ownerReferences") for name in ("db-0-x", "web-0"))


def test_a_rejected_pod_is_reported_and_retried(world: World) -> None:
    quotas = "/api/v1/namespaces/default/resourcequotas"
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "few"}}
    world.send("POST", quotas, {**quota, "spec": {"hard": {"pods": "0"}}})
    status = {"hard": {"pods": "0"}, "used": {"pods": "0"}}
    world.send("PUT", f"{quotas}/few/status", {**world.get("resourcequotas", "few"), "status": status})
    world.create(1)
    assert any(reason == "FailedCreate" and "exceeded quota" in message for reason, message in world.events())
    world.send("DELETE", f"{quotas}/few")
    world.run_for(hours=1)
    assert world.names("pods") == {"db-0"}


def test_a_set_that_is_being_deleted_makes_no_pods(world: World) -> None:
    world.create(2)
    world.send("PATCH", f"{SETS}/db", {"metadata": {"finalizers": ["example.com/hold"]}})
    world.send("DELETE", f"{SETS}/db")
    world.be_ready("db-0")
    assert world.names("pods") == {"db-0"}
    assert world.status()["readyReplicas"] == 1


ACTIONS = st.one_of(
    st.tuples(st.just("replicas"), st.integers(0, 4)),
    st.tuples(st.just("image"), st.integers(1, 3)),
    st.tuples(st.just("delete"), st.integers(0, 3)),
    st.tuples(st.just("fail"), st.integers(0, 3)),
    st.tuples(st.just("ready"), st.integers(0, 3)),
)


@settings(max_examples=15)
@given(
    actions=st.lists(ACTIONS, max_size=8),
    policy=st.sampled_from(["OrderedReady", "Parallel"]),
    writes=st.integers(0, 6),
)
def test_after_any_history_it_ends_with_the_specified_pods(
    actions: list[tuple[str, int]], policy: str, writes: int
) -> None:
    """Also when the controllers are stopped at some write and started anew."""
    world = World()
    replicas, image = 2, "db:1"
    world.create(2, podManagementPolicy=policy)
    for action, number in actions:
        pod = f"db-{number}"
        if action == "replicas":
            replicas = number
            world.send("PATCH", f"{SETS}/db", {"spec": {"replicas": number}})
        elif action == "image":
            image = f"db:{number}"
            template = {"spec": {"containers": [{"name": "db", "image": image}]}}
            world.send("PATCH", f"{SETS}/db", {"spec": {"template": template}})
        elif pod not in world.names("pods"):
            continue
        elif action == "delete":
            world.send("DELETE", f"{PODS}/{pod}")
        elif action == "fail":
            world.finish(pod, "Failed")
        else:
            world.make_ready(pod)
        world.settle_stopping_after(writes)
    # Deleted by hand, as the documentation requires after a failed update.
    for name, present in world.images().items():
        if present != image and not world.is_ready(name):
            world.delete(name)
    world.all_ready()
    assert world.images() == {f"db-{ordinal}": image for ordinal in range(replicas)}
    status = world.status()
    assert status["currentRevision"] == status["updateRevision"]
    counts = [status.get(f"{each}Replicas", 0) for each in ("ready", "current", "updated", "available")]
    assert [status["replicas"], *counts] == [replicas] * 5


def test_pods_become_available_although_others_are_refused(world: World) -> None:
    """Rejected requests are retried with back-off, which does not delay the check of minReadySeconds."""
    world.create(1, minReadySeconds=10, podManagementPolicy="Parallel")
    world.refuse_pods()
    world.change(replicas=2)
    world.run_for(minutes=5)
    world.make_ready("db-0")
    world.run_for(seconds=11)
    assert world.names("pods") == {"db-0"}
    assert world.get("statefulsets.apps", "db")["status"]["availableReplicas"] == 1
