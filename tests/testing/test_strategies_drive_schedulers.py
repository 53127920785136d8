"""Drawn cases and histories drive schedulers: every rule comes up, and what histories leave is what counts."""

from collections.abc import Callable
from random import Random

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st
from tests.model import ReferenceScheduler, Step, schedule

from kschedcore.api.machinery.types import Object
from kschedcore.testing.replay import Replay
from kschedcore.testing.strategies import FEATURES, Case, History, cases, histories, pods

QUICK = settings(max_examples=60, derandomize=True)
SEARCH = settings(
    max_examples=300,
    phases=[Phase.generate],
    derandomize=True,
    database=None,
)


@QUICK
@given(cases())
def test_the_model_decides_every_placement(drawn: Case) -> None:
    for step in schedule(drawn.cluster, drawn.pending):
        assert sum(key in step for key in ("preFilter", "chosen")) <= 1
        nodes = {node["metadata"]["name"] for node in drawn.cluster["nodes"]}
        if "preFilter" not in step:
            assert set(step.get("rejected", {})) | set(step.get("feasible", [])) == nodes


@QUICK
@given(cases(max_pending=1), st.randoms(use_true_random=False))
def test_a_decision_does_not_depend_on_the_order_of_nodes(drawn: Case, shuffle: Random) -> None:
    cluster = dict(drawn.cluster)
    cluster["nodes"] = list(cluster["nodes"])
    shuffle.shuffle(cluster["nodes"])
    assert schedule(cluster, drawn.pending) == schedule(drawn.cluster, drawn.pending)


@QUICK
@given(histories())
def test_decisions_depend_on_the_final_state_only(history: History) -> None:
    """Schedulers that replayed a history and that see only the final state decide alike."""
    replayed = ReferenceScheduler(history.cluster)
    replay = Replay(history, replayed)
    for decision in replay.decisions():
        fresh = ReferenceScheduler(history.cluster | {"nodes": [], "pods": []})
        snapshot = replayed.snapshot()
        for info in snapshot.nodes:
            fresh.add_node(info.node)
        for pod in replay.pods.values():
            fresh.add_pod(pod)
        for kind, kept in (
            ("namespaces", snapshot.objects.namespaces),
            ("podDisruptionBudgets", snapshot.objects.pod_disruption_budgets),
        ):
            for obj in kept.values():
                fresh.set_object(kind, obj)
        assert fresh.decide(decision.pod) == decision.steps[0]


@QUICK
@given(histories())
def test_a_replay_tracks_the_existing_pods(history: History) -> None:
    scheduler = ReferenceScheduler(history.cluster)
    replay = Replay(history, scheduler)
    for _ in replay.decisions():
        pass
    assert list(replay.pods.values()) == scheduler.pods()


@QUICK
@given(histories())
def test_victims_have_lower_priority_and_free_enough_resources(history: History) -> None:
    scheduler = ReferenceScheduler(history.cluster)
    replay = Replay(history, scheduler)
    for decision in replay.decisions():
        step = decision.steps[0]
        if "nominated" not in step:
            continue
        victims = [pod for pod in replay.pods.values() if full_name(pod) in step["victims"]]
        assert len(victims) == len(step["victims"]) > 0
        assert all(priority(victim) < priority(decision.pod) for victim in victims)
        assert all(victim["spec"]["nodeName"] == step["nominated"] for victim in victims)
        assert fits_without(scheduler, decision.pod, victims, step)


def full_name(pod: Object) -> str:
    return f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"


def priority(pod: Object) -> int:
    return int(pod["spec"]["priority"])


def fits_without(scheduler: ReferenceScheduler, pod: Object, victims: list[Object], step: Step) -> bool:
    """Whether the pod may go to the nominated node once the victims are gone."""
    for victim in victims:
        scheduler.remove_pod(victim["metadata"]["namespace"], victim["metadata"]["name"])
    after = scheduler.decide(pod, preempt=False)
    for victim in victims:
        scheduler.add_pod(victim)
    return step["nominated"] in after.get("feasible", [])


REJECTS = {
    "NodeUnschedulable": "tolerations",
    "TaintToleration": "tolerations",
    "NodeAffinity": "nodeAffinity",
    "NodePorts": "hostPorts",
    "NodeResourcesFit": "extendedResources",
    "VolumeRestrictions": "disks",
    "NodeVolumeLimits": "claims",
    "VolumeBinding": "claims",
    "VolumeZone": "claims",
    "PodTopologySpread": "topologySpread",
    "InterPodAffinity": "podAntiAffinity",
}
SCORES = {
    "TaintToleration": "tolerations",
    "NodeAffinity": "nodeAffinity",
    "PodTopologySpread": "owners",
    "InterPodAffinity": "podAffinity",
    "NodeResourcesFit": "overhead",
    "NodeResourcesBalancedAllocation": "podLevelResources",
    "ImageLocality": "initContainers",
}
PRE_REJECTS = {"SchedulingGates": "gates", "VolumeRestrictions": "claims", "VolumeBinding": "claims"}


@pytest.mark.parametrize(("plugin", "feature"), REJECTS.items())
def test_each_filter_rejects_some_node(plugin: str, feature: str) -> None:
    assert comes_up(
        feature, lambda step: any(r["plugin"] == plugin for r in step.get("rejected", {}).values())
    )


@pytest.mark.parametrize(("plugin", "feature"), PRE_REJECTS.items())
def test_each_gate_rejects_some_pod(plugin: str, feature: str) -> None:
    assert comes_up(feature, lambda step: step.get("preFilter", {}).get("plugin") == plugin)


@pytest.mark.parametrize(("plugin", "feature"), SCORES.items())
def test_each_score_distinguishes_some_nodes(plugin: str, feature: str) -> None:
    def differs(step: Step) -> bool:
        return len({scores.get(plugin) for scores in step.get("scores", {}).values()}) > 1

    assert comes_up(feature, differs)


def test_some_pod_preempts() -> None:
    assert comes_up("priority", lambda step: "nominated" in step)


@pytest.mark.parametrize("feature", FEATURES)
def test_each_feature_can_be_chosen_alone(feature: str) -> None:
    plain = find(pods("p", ["node-0"], ()), lambda _: True, settings=SEARCH)
    drawn = find(
        pods("p", ["node-0"], (feature,)), lambda pod: outline(pod) != outline(plain), settings=SEARCH
    )
    assert outline(drawn) != outline(plain)


def comes_up(feature: str, wanted: Callable[[Step], bool]) -> Case:
    """A drawn placement with a step that is wanted; raises NoSuchExample when 300 have none."""
    drawn = cases(features=(feature,))
    return find(drawn, lambda each: any(map(wanted, schedule(each.cluster, each.pending))), settings=SEARCH)


def outline(pod: Object) -> object:
    """The pod without what every pod may vary in."""
    containers = [{k: v for k, v in c.items() if k != "image"} for c in pod["spec"]["containers"]]
    return {**pod["spec"], "containers": containers}, pod["metadata"].get("ownerReferences")
