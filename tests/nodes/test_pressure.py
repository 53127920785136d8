"""Node-pressure eviction: which pods are evicted when memory runs out, and the node's condition."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kschedcore.nodes.pressure import Candidate, victims

from .world import World, container

GIB = 1024**3
NODE = {"capacity": {"cpu": "8", "memory": "1Gi", "pods": "20"}}


def requesting(memory: str) -> list[dict[str, Any]]:
    return [container(resources={"requests": {"memory": memory}})]


def behaving(**amounts: str) -> list[dict[str, Any]]:
    """Each pod uses its amount from 30 s after its start on."""
    points = {name: [{"memory": "1Mi"}, {"from": 30, "memory": amount}] for name, amount in amounts.items()}
    return [{"match": {"pod": name}, "start": {"seconds": 0}, "usage": each} for name, each in points.items()]


def pressure(world: World) -> str:
    conditions = world.get("node-1", "nodes")["status"]["conditions"]
    return next(str(each["status"]) for each in conditions if each["type"] == "MemoryPressure")


def test_the_pod_that_uses_more_than_it_requests_is_evicted() -> None:
    world = World(*behaving(modest="500Mi", greedy="500Mi"), status=NODE)
    world.run("modest", containers=requesting("600Mi"))
    world.run("greedy", containers=requesting("100Mi"))
    world.to(29)
    assert pressure(world) == "False"
    world.to(35)
    assert pressure(world) == "True"
    status = world.status("greedy")
    assert (status["phase"], status["reason"]) == ("Failed", "Evicted")
    assert status["message"] == (
        "The node was low on resource: memory. Threshold quantity: 100Mi, available: 24Mi. "
        "Container app was using 500Mi, request is 100Mi, has larger consumption of memory. "
    )
    disrupted = [each for each in status["conditions"] if each["type"] == "DisruptionTarget"]
    assert [(each["status"], each["reason"]) for each in disrupted] == [("True", "TerminationByKubelet")]
    assert world.phase("modest") == "Running"


def test_the_pressure_is_over_five_minutes_after_it_has_gone() -> None:
    world = World(*behaving(greedy="1000Mi"), status=NODE)
    world.run("greedy")
    world.to(31)
    assert pressure(world) == "True"
    world.to(325)
    assert pressure(world) == "True"
    world.to(345)
    assert pressure(world) == "False"
    assert world.clock.next is None


def test_under_pressure_best_effort_pods_are_rejected() -> None:
    world = World(*behaving(greedy="1000Mi"), status=NODE)
    world.run("greedy")
    world.to(40)
    world.run("best")
    world.to(41)
    assert world.status("best")["reason"] == "Evicted"
    assert world.status("best")["message"] == "Pod was rejected: The node had condition: [MemoryPressure]. "
    tolerant = [{"key": "node.kubernetes.io/memory-pressure", "operator": "Exists"}]
    world.run("tolerant", tolerations=tolerant)
    world.run("burstable", containers=requesting("10Mi"))
    world.to(50)
    assert world.phase("tolerant") == world.phase("burstable") == "Running"


def test_pods_are_evicted_one_by_one_until_the_pressure_ends() -> None:
    world = World(*behaving(a="300Mi", b="400Mi", c="500Mi"), status=NODE)
    for name in ("a", "b", "c"):
        world.run(name)
    world.to(31.5)
    assert [world.phase(each) for each in ("a", "b", "c")] == ["Running", "Running", "Failed"]
    world.to(400)
    assert [world.phase(each) for each in ("a", "b", "c")] == ["Running", "Running", "Failed"]


def test_pods_of_unknown_usage_do_not_start_a_check() -> None:
    world = World(status=NODE)
    world.run(containers=requesting("900Mi"))
    assert world.settle()
    assert world.agents.usage(world.get()) == {"cpu": 0, "memory": 450 * 1024**2}
    assert world.clock.next is None


def test_usage_follows_its_curve() -> None:
    usage = [{"cpu": "100m"}, {"from": 60, "cpu": "1500m", "memory": "1Gi"}]
    world = World({"start": {"seconds": 0}, "usage": usage})
    world.run(containers=[container(), container("other")])
    world.to(59)
    assert world.agents.usage(world.get()) == {"cpu": 200, "memory": 0}
    assert world.agents.usage(world.get(), "other") == {"cpu": 100, "memory": 0}
    world.to(60)
    assert world.agents.usage(world.get()) == {"cpu": 3000, "memory": 2 * GIB}
    world.agents.fail("node-1")
    assert world.agents.usage(world.get()) is None


def candidate(name: str, priority: int, requested: int, used: int) -> Candidate:
    pod = {"metadata": {"namespace": "default", "name": name}, "spec": {"priority": priority}}
    return Candidate(pod, requested, {"app": used})


CANDIDATES = st.lists(
    st.builds(
        candidate,
        st.text("abc", min_size=1, max_size=3),
        st.sampled_from([-1, 0, 5, 2_000_000_000]),
        st.integers(0, 3),
        st.integers(0, 3),
    )
)


@given(CANDIDATES)
def test_the_order_of_eviction(candidates: list[Candidate]) -> None:
    ranked = victims(candidates)
    assert len(ranked) == sum(each.pod["spec"]["priority"] < 2_000_000_000 for each in candidates)
    for first, second in pairwise(ranked):
        over = [each.total > each.requested for each in (first, second)]
        assert over[0] >= over[1]
        if over[0] == over[1]:
            priorities = [each.pod["spec"]["priority"] for each in (first, second)]
            assert priorities[0] <= priorities[1]
            if priorities[0] == priorities[1]:
                assert first.total - first.requested >= second.total - second.requested
