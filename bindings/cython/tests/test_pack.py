"""The compiled plugin decides as the same plugin written in Python."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from kschedcore_pack import PackArgs, PackResource

from kschedcore import Engine
from kschedcore.engine.user_plugins import ScorePlugin
from kschedcore.rules.amounts import pod_requests

GPU = "nvidia.com/gpu"


class InPython(ScorePlugin):
    """The rule over whole columns."""

    name = "PackResource"
    args_type = PackArgs
    args: PackArgs

    def score_nodes(self, pod: Any, nodes: Any) -> Any:
        """Compare what would be requested with what there is."""
        wanted = pod_requests(pod.spec).get(self.args.resource, 0)
        there = nodes.allocatable(self.args.resource)
        used = np.minimum(nodes.requested(self.args.resource) + wanted, there)
        return np.where(there > 0, 100 * used // np.maximum(there, 1), 0) if wanted else used * 0


def engine(rule: Any, gpus: list[int], resource: str, weight: int) -> Engine:
    """An engine with nodes with GPUs and the plugin with a weight; without the plugin when the weight is 0."""
    profile = {
        "plugins": {"score": {"enabled": [{"name": rule.name, "weight": weight}] if weight else []}},
        "pluginConfig": [{"name": rule.name, "args": {"resource": resource}}] if weight else [],
    }
    config = {
        "apiVersion": "kubescheduler.config.k8s.io/v1",
        "kind": "KubeSchedulerConfiguration",
        "profiles": [profile],
    }
    made = Engine(config=config, plugins=[rule])
    for place, count in enumerate(gpus):
        amounts = {"cpu": "16", "memory": "64Gi", "pods": "110", GPU: str(count)}
        made.set_node({"metadata": {"name": f"n{place}"}, "status": {"allocatable": amounts}})
    return made


def pod(place: int, gpus: int, cpu: int) -> dict[str, Any]:
    """A pod that wants some of both."""
    requests = {"cpu": f"{cpu}m", GPU: str(gpus)}
    container = {"name": "c", "resources": {"requests": requests, "limits": {GPU: str(gpus)}}}
    return {"metadata": {"name": f"p{place}"}, "spec": {"containers": [container]}}


def test_nodes_are_filled_up() -> None:
    """By default pods spread; with the rule they leave a whole node free."""
    pods = [pod(place, 1, 100) for place in range(4)]
    spread = engine(PackResource, [4, 4, 4], GPU, 0).schedule(pods)
    packed = engine(PackResource, [4, 4, 4], GPU, 100).schedule(pods)
    assert len({decision.node for decision in spread}) > 1
    assert len({decision.node for decision in packed}) == 1


def test_explanations_show_it() -> None:
    """The raw score is the share of the resource in per cent; a pod that wants none of it is skipped."""
    made = engine(PackResource, [4, 8, 0], GPU, 3)
    scores = made.explain(pod(0, 2, 100)).scores
    assert {node: each["PackResource"].weighted for node, each in scores.items()} == {"n0": 150, "n1": 75}
    assert all("PackResource" not in each for each in made.explain(pod(0, 0, 100)).scores.values())


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.integers(0, 8), min_size=1, max_size=8),
    st.lists(st.tuples(st.integers(0, 5), st.integers(1, 6000)), max_size=25),
    st.sampled_from([GPU, "cpu", "memory", "example.com/none"]),
    st.integers(1, 100),
    st.data(),
)
def test_it_equals_the_rule_in_python(
    gpus: list[int], wanted: list[tuple[int, int]], resource: str, weight: int, data: st.DataObject
) -> None:
    """Over a random history of pods that come and go."""
    engines = [engine(rule, gpus, resource, weight) for rule in (PackResource, InPython)]
    for place, (count, cpu) in enumerate(wanted):
        native, python = (each.schedule([pod(place, count, cpu)])[0] for each in engines)
        assert (native.node, native.total, native.message) == (python.node, python.total, python.message)
        if native.node and data.draw(st.booleans()):
            for each in engines:
                each.remove_pod(f"p{place}")
