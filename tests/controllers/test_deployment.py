"""Deployments through the API server: rolling, recreating, scaling, pausing, rolling back, and events."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kschedcore.api.machinery.types import DEFAULT_NAMESPACE
from kschedcore.controllers.deployment.controller import DeploymentController
from kschedcore.controllers.replicaset import ReplicaSetController

from . import world as worlds

Object = dict[str, Any]

DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
SETS = "/apis/apps/v1/namespaces/default/replicasets"
LABELS = {"app": "web"}
REVISION = "deployment.kubernetes.io/revision"


def template(image: str) -> Object:
    return {
        "metadata": {"labels": LABELS},
        "spec": {"containers": [{"name": "nginx", "image": image}]},
    }


def rolling(surge: int | str, unavailable: int | str) -> Object:
    return {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}}


class World(worlds.World):
    def __init__(self) -> None:
        super().__init__([DeploymentController, ReplicaSetController])
        self.settle()

    def create(self, replicas: int, image: str = "nginx:1", **spec: Any) -> None:
        metadata = {"name": "web", "annotations": spec.pop("annotations", {})}
        body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata}
        wanted = {"replicas": replicas, "selector": {"matchLabels": LABELS}, "template": template(image)}
        self.send("POST", DEPLOYMENTS, {**body, "spec": {**wanted, **spec}})

    def change(self, **spec: Any) -> None:
        self.send("PATCH", f"{DEPLOYMENTS}/web", {"spec": spec})

    def roll_to(self, image: str) -> None:
        self.change(template={"spec": {"containers": [{"name": "nginx", "image": image}]}})

    def pods(self) -> list[Object]:
        return self.informers["pods"].in_namespace(DEFAULT_NAMESPACE)

    def ready_pods(self, image: str = "") -> list[Object]:
        return [pod for pod in self.pods() if is_ready(pod) and image in ("", image_of(pod))]

    def make_some_ready(self, count: int | None = None, image: str = "") -> None:
        waiting = [pod for pod in self.pods() if not is_ready(pod) and image in ("", image_of(pod))]
        for pod in waiting[:count]:
            self.make_ready(pod["metadata"]["name"])

    def finish_rollout(self) -> None:
        """Have pods become ready until there is none that is not."""
        self.settle()
        while len(self.ready_pods()) < len(self.pods()):
            self.make_some_ready()
            self.settle()

    def images(self) -> dict[str, int]:
        """The number of pods of each image."""
        images = [image_of(pod) for pod in self.pods()]
        return {image: images.count(image) for image in images}

    def sets(self) -> dict[str, Object]:
        """The ReplicaSets by image."""
        return {
            image_of_set(each): each
            for each in self.informers["replicasets.apps"].in_namespace(DEFAULT_NAMESPACE)
        }

    def sizes(self) -> dict[str, int]:
        return {image: each["spec"]["replicas"] for image, each in self.sets().items()}

    def deployment(self) -> Object:
        return self.get("deployments.apps", "web")

    def condition(self, kind: str) -> tuple[str, str]:
        conditions = {each["type"]: each for each in self.deployment()["status"]["conditions"]}
        return conditions[kind]["status"], conditions[kind]["reason"]

    def event_messages(self) -> list[str]:
        events = self.client.list("events", DEFAULT_NAMESPACE)
        about = [each for each in events if each["involvedObject"]["kind"] == "Deployment"]
        return [each["message"] for each in about]


def image_of(pod: Object) -> str:
    image: str = pod["spec"]["containers"][0]["image"]
    return image


def image_of_set(replica_set: Object) -> str:
    return image_of(replica_set["spec"]["template"])


def is_ready(pod: Object) -> bool:
    conditions = pod.get("status", {}).get("conditions", ())
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def annotations_of(obj: Object) -> dict[str, str]:
    annotations: dict[str, str] = obj["metadata"].get("annotations", {})
    return annotations


@pytest.fixture
def world() -> World:
    return World()


def test_it_creates_a_replica_set_named_by_the_hash_of_its_template(world: World) -> None:
    world.create(3, annotations={"note": "kept", "kubectl.kubernetes.io/last-applied-configuration": "{}"})
    world.settle()
    [made] = world.sets().values()
    mark = made["metadata"]["labels"]["pod-template-hash"]
    assert made["metadata"]["name"] == f"web-{mark}"
    assert made["spec"]["selector"] == {"matchLabels": {**LABELS, "pod-template-hash": mark}}
    assert made["metadata"]["ownerReferences"][0]["kind"] == "Deployment"
    assert annotations_of(made) == {
        "note": "kept",
        REVISION: "1",
        "deployment.kubernetes.io/desired-replicas": "3",
        "deployment.kubernetes.io/max-replicas": "4",
    }
    assert annotations_of(world.deployment())[REVISION] == "1"
    assert all(pod["metadata"]["labels"] == {**LABELS, "pod-template-hash": mark} for pod in world.pods())
    assert world.event_messages() == [f"Scaled up replica set web-{mark} from 0 to 3"]


def test_its_status_has_counts_and_the_progress_of_the_rollout(world: World) -> None:
    world.create(4)
    world.settle()
    assert world.condition("Available") == ("False", "MinimumReplicasUnavailable")
    assert world.condition("Progressing") == ("True", "ReplicaSetUpdated")
    world.make_some_ready(3)
    world.settle()
    status = world.deployment()["status"]
    del status["conditions"]
    assert status == {
        "observedGeneration": 1, "replicas": 4, "updatedReplicas": 4,
        "readyReplicas": 3, "availableReplicas": 3, "unavailableReplicas": 1, "terminatingReplicas": 0,
    }  # fmt: skip
    assert world.condition("Available") == ("True", "MinimumReplicasAvailable")
    world.finish_rollout()
    assert world.condition("Progressing") == ("True", "NewReplicaSetAvailable")


AMOUNTS = st.one_of(st.integers(0, 4), st.integers(0, 100).map("{}%".format))


@settings(max_examples=40)
@given(
    replicas=st.integers(1, 8),
    surge=AMOUNTS,
    unavailable=AMOUNTS,
    steps=st.lists(
        st.one_of(st.sampled_from(["nginx:2", "nginx:3", "nginx:1"]), st.integers(1, 4)), max_size=6
    ),
)
def test_a_rolling_update_keeps_between_its_floor_and_its_ceiling(
    replicas: int, surge: int | str, unavailable: int | str, steps: list[str | int]
) -> None:
    # A strategy that would say to change nothing is not let in.
    assume(surge not in (0, "0%") or unavailable not in (0, "0%"))
    world = World()
    world.create(replicas, strategy=rolling(surge, unavailable))
    world.finish_rollout()
    most = replicas + amount(surge, replicas, math.ceil)
    spare = min(amount(unavailable, replicas, math.floor), replicas)
    # Percentages of few replicas may both round to 0; one pod may be unavailable then.
    least = replicas - (spare if spare or most > replicas else 1)

    def settle() -> None:
        while world.loop.round() or world.clock.fire():
            assert len(world.pods()) <= most
            assert len(world.ready_pods()) >= least

    for step in steps:
        if isinstance(step, str):
            world.roll_to(step)
        else:
            world.make_some_ready(step)
        settle()
    while len(world.ready_pods()) < len(world.pods()):
        world.make_some_ready()
        settle()
    last = next((step for step in reversed(steps) if isinstance(step, str)), "nginx:1")
    assert world.images() == {last: replicas}
    assert world.condition("Progressing") == ("True", "NewReplicaSetAvailable")


def amount(given_amount: int | str, replicas: int, rounded: Any) -> int:
    """The resolved value of a number or percentage of replicas, computed with integers so that it is exact."""
    if isinstance(given_amount, int):
        return given_amount
    percent = int(given_amount.removesuffix("%")) * replicas
    return percent // 100 if rounded is math.floor else (percent + 99) // 100


def test_pods_that_are_not_available_make_way_first(world: World) -> None:
    world.create(4, strategy=rolling(0, 1))
    world.settle()
    world.make_some_ready(3)
    world.settle()
    world.roll_to("nginx:2")
    world.settle()
    assert len(world.ready_pods("nginx:1")) == 3
    assert world.sizes() == {"nginx:1": 3, "nginx:2": 1}


def test_recreate_never_has_pods_of_two_templates(world: World) -> None:
    world.create(3, strategy={"type": "Recreate"})
    world.finish_rollout()
    world.roll_to("nginx:2")
    while world.loop.round():
        assert len(world.images()) <= 1
    assert world.images() == {"nginx:2": 3}


def test_recreate_waits_for_pods_that_take_their_time_to_go(world: World) -> None:
    world.create(1, strategy={"type": "Recreate"})
    world.finish_rollout()
    [old] = world.names("pods")
    world.send("PATCH", f"/api/v1/namespaces/default/pods/{old}", {"metadata": {"finalizers": ["slow.io/x"]}})
    world.roll_to("nginx:2")
    world.settle()
    assert world.sizes() == {"nginx:1": 0}
    world.send("PATCH", f"/api/v1/namespaces/default/pods/{old}", {"metadata": {"finalizers": None}})
    world.settle()
    assert world.images() == {"nginx:2": 1}


def test_going_back_takes_up_the_old_replica_set_as_a_new_revision(world: World) -> None:
    world.create(2, annotations={"kubernetes.io/change-cause": "first"})
    world.finish_rollout()
    first = world.sets()["nginx:1"]["metadata"]["uid"]
    world.send("PATCH", f"{DEPLOYMENTS}/web", {"metadata": {"annotations": {"kubernetes.io/change-cause": "second"}},
        "spec": {"template": template("nginx:2")}})  # fmt: skip
    world.finish_rollout()
    causes = {
        image: annotations_of(each)["kubernetes.io/change-cause"] for image, each in world.sets().items()
    }
    assert causes == {"nginx:1": "first", "nginx:2": "second"}
    world.roll_to("nginx:1")
    world.finish_rollout()
    back = world.sets()["nginx:1"]
    assert back["metadata"]["uid"] == first
    assert annotations_of(back)[REVISION] == "3"
    assert annotations_of(back)["deployment.kubernetes.io/revision-history"] == "1"
    assert annotations_of(world.deployment())[REVISION] == "3"
    assert world.images() == {"nginx:1": 2}


def test_a_pause_holds_the_rollout_but_not_scaling(world: World) -> None:
    world.create(2)
    world.finish_rollout()
    world.change(paused=True)
    world.roll_to("nginx:2")
    world.change(replicas=5)
    world.settle()
    assert world.images() == {"nginx:1": 5}
    assert world.condition("Progressing") == ("Unknown", "DeploymentPaused")
    world.change(paused=False)
    world.finish_rollout()
    assert world.images() == {"nginx:2": 5}
    assert world.condition("Progressing") == ("True", "NewReplicaSetAvailable")


def test_a_pause_amid_a_rollout_leaves_it_where_it_is_and_no_deadline_passes(world: World) -> None:
    world.create(4, strategy=rolling(1, 0), progressDeadlineSeconds=60)
    world.finish_rollout()
    world.roll_to("nginx:2")
    world.settle()
    world.change(paused=True)
    world.run_for(hours=1)
    world.make_some_ready()
    world.settle()
    assert world.images() == {"nginx:1": 4, "nginx:2": 1}
    assert world.condition("Progressing") == ("Unknown", "DeploymentPaused")
    world.change(paused=False)
    world.finish_rollout()
    assert world.images() == {"nginx:2": 4}


def test_scaling_amid_a_rollout_is_shared_in_proportion(world: World) -> None:
    # The example of Deployments' reference, "Proportional scaling": of 5 more, 3 are old and 2 new.
    world.create(10, strategy=rolling(3, 2))
    world.finish_rollout()
    world.roll_to("nginx:2")
    world.settle()
    assert world.sizes() == {"nginx:1": 8, "nginx:2": 5}
    world.change(replicas=15)
    world.settle()
    assert world.sizes() == {"nginx:1": 11, "nginx:2": 7}


def test_scaling_to_nothing_amid_a_rollout_leaves_nothing(world: World) -> None:
    world.create(4, strategy=rolling(2, 1))
    world.finish_rollout()
    world.roll_to("nginx:2")
    world.settle()
    world.change(replicas=0)
    world.settle()
    assert world.sizes() == {"nginx:1": 0, "nginx:2": 0}
    assert world.pods() == []


def test_a_rollout_past_its_progress_deadline_is_reported(world: World) -> None:
    world.create(2, strategy=rolling(1, 0), progressDeadlineSeconds=100)
    world.finish_rollout()
    world.roll_to("nginx:2")
    world.settle()
    world.run_for(seconds=99)
    assert world.condition("Progressing") == ("True", "ReplicaSetUpdated")
    world.run_for(seconds=3)
    assert world.condition("Progressing") == ("False", "ProgressDeadlineExceeded")
    world.finish_rollout()
    assert world.condition("Progressing") == ("True", "NewReplicaSetAvailable")


def test_a_deadline_that_was_met_long_ago_is_not_checked_again(world: World) -> None:
    """Scaled when the deadline of its last rollout is past: no endless loop of syncs."""
    world.create(2, strategy=rolling(1, 0), progressDeadlineSeconds=100)
    world.settle()
    world.make_some_ready()
    world.run_for(minutes=10)
    world.change(replicas=3)
    turns = 0
    while world.loop.round() or world.clock.fire():
        turns += 1
        assert turns < 100
    assert world.get("deployments.apps", "web")["status"]["replicas"] == 3


def test_every_bit_of_progress_starts_the_deadline_anew(world: World) -> None:
    world.create(3, strategy=rolling(1, 0), progressDeadlineSeconds=100)
    world.finish_rollout()
    world.roll_to("nginx:2")
    for _ in range(2):
        world.run_for(seconds=60)
        world.make_some_ready(1)
        world.ready()
    world.run_for(seconds=60)
    assert world.condition("Progressing") == ("True", "ReplicaSetUpdated")


def test_no_more_old_replica_sets_stay_than_the_history_limit(world: World) -> None:
    world.create(1, revisionHistoryLimit=2)
    world.finish_rollout()
    for number in range(2, 7):
        world.roll_to(f"nginx:{number}")
        world.finish_rollout()
    assert world.sizes() == {"nginx:4": 0, "nginx:5": 0, "nginx:6": 1}


def test_new_pods_count_only_after_min_ready_seconds(world: World) -> None:
    world.create(2, strategy=rolling(1, 0), minReadySeconds=30)
    world.settle()
    world.make_some_ready()
    world.settle()
    world.roll_to("nginx:2")
    world.settle()
    world.make_some_ready()
    world.ready()
    world.run_for(seconds=29)
    assert len(world.ready_pods("nginx:1")) == 2
    world.run_for(seconds=1)
    assert len(world.ready_pods("nginx:1")) == 1
    world.change(minReadySeconds=5)
    world.settle()
    assert world.sets()["nginx:2"]["spec"]["minReadySeconds"] == 5


def test_a_name_that_is_taken_makes_another_hash() -> None:
    elsewhere = World()
    elsewhere.create(1)
    elsewhere.settle()
    [name] = elsewhere.names("replicasets.apps")
    world = World()
    other = {"replicas": 0, "selector": {"matchLabels": {"app": "other"}}}
    stranger = {"metadata": {"labels": {"app": "other"}}, "spec": template("nginx:1")["spec"]}
    world.send("POST", SETS, {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": name},
        "spec": {**other, "template": stranger}})  # fmt: skip
    world.create(1)
    world.finish_rollout()
    assert world.deployment()["status"]["collisionCount"] == 1
    assert len(world.names("replicasets.apps") - {name}) == 1
    assert world.deployment()["status"]["availableReplicas"] == 1


def test_an_orphan_of_the_same_template_becomes_the_new_replica_set(world: World) -> None:
    world.send("POST", SETS, {"apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {"name": "orphan", "labels": LABELS},
        "spec": {"replicas": 1, "selector": {"matchLabels": LABELS}, "template": template("nginx:1")}})  # fmt: skip
    world.create(3)
    world.settle()
    assert world.names("replicasets.apps") == {"orphan"}
    assert world.sizes() == {"nginx:1": 3}
    assert annotations_of(world.deployment())[REVISION] == "1"


def test_a_replica_set_whose_pods_are_refused_shows_in_the_deployment(world: World) -> None:
    quotas = "/api/v1/namespaces/default/resourcequotas"
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "few"}}
    world.send("POST", quotas, {**quota, "spec": {"hard": {"pods": "1"}}})
    amounts = {"hard": {"pods": "1"}, "used": {"pods": "0"}}
    world.send("PUT", f"{quotas}/few/status", {**world.get("resourcequotas", "few"), "status": amounts})
    world.create(2)
    world.run_for(seconds=1)
    assert world.condition("ReplicaFailure") == ("True", "FailedCreate")
    world.send("DELETE", f"{quotas}/few")
    world.settle(timedelta(hours=1))
    kinds = {each["type"] for each in world.deployment()["status"]["conditions"]}
    assert kinds == {"Available", "Progressing"}


@pytest.mark.parametrize("strategy", [rolling(1, 0), {"type": "Recreate"}], ids=["rolling", "recreate"])
def test_controllers_that_are_stopped_anywhere_reach_the_same_state(strategy: Object) -> None:
    writes, stopped = 0, True
    while stopped:
        world = World()
        world.create(3, strategy=strategy)
        world.finish_rollout()
        world.roll_to("nginx:2")
        stopped = world.settle_stopping_after(writes)
        world.finish_rollout()
        assert world.sizes() == {"nginx:1": 0, "nginx:2": 3}
        assert world.images() == {"nginx:2": 3}
        assert annotations_of(world.deployment())[REVISION] == "2"
        assert world.condition("Progressing") == ("True", "NewReplicaSetAvailable")
        writes += 1
    assert writes > 3


def test_a_deployment_that_is_being_deleted_is_only_reported(world: World) -> None:
    world.create(1)
    world.finish_rollout()
    world.send("PATCH", f"{DEPLOYMENTS}/web", {"metadata": {"finalizers": ["slow.io/x"]}})
    world.send("DELETE", f"{DEPLOYMENTS}/web")
    world.roll_to("nginx:2")
    world.change(replicas=3)
    world.settle()
    assert world.sizes() == {"nginx:1": 1}
    assert world.deployment()["status"]["observedGeneration"] == world.deployment()["metadata"]["generation"]
