"""Plugins written in Python over columns, and a compiled one built against the installed declarations."""

import os
import subprocess
import sys
from importlib import util
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from examples.plugins.cheapest_node import CONFIG, PRICE, CheapestNode, Headroom
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import builders
from tests.builders import pod

from kschedcore.engine.engine import Engine
from kschedcore.engine.user_plugins import FilterPlugin, NodeColumns, PluginError, ScorePlugin

HEAD = {"apiVersion": "kubescheduler.config.k8s.io/v1", "kind": "KubeSchedulerConfiguration"}
EXAMPLES = Path(__file__).parents[2] / "examples" / "plugins"


def node(name: str, cpu: str = "4", labels: Any = None, **spec: Any) -> Any:
    gpus = {"example.com/gpu": "2"}
    return builders.node(name, cpu, memory="64Gi", pods=100, labels=labels, extended=gpus, **spec)


def engine(*plugins: Any, nodes: Any = (), **profile: Any) -> Any:
    enabled = [{"name": plugin.name} for plugin in plugins]
    sets = {"multiPoint": {"enabled": enabled}}
    made = Engine(config={**HEAD, "profiles": [{"plugins": sets, **profile}]}, plugins=plugins)
    for each in nodes or [node(name) for name in "abc"]:
        made.set_node(each)
    return made


class Named(FilterPlugin):
    name = "Named"
    reason = "node(s) had the wrong name"
    batches: ClassVar[list[list[str]]] = []

    def filter_nodes(self, pod: Any, nodes: Any) -> Any:
        self.batches.append(sorted(nodes.names))
        return np.array([name != pod.metadata.labels["not"] for name in nodes.names])


@pytest.fixture(autouse=True)
def no_batches() -> None:
    Named.batches.clear()


def labelled(name: str, label: str, **fields: Any) -> Any:
    made = pod(name, **fields)
    made["metadata"]["labels"] = {"not": label}
    return made


class TestFilter:
    def test_it_rejects_in_its_own_words(self) -> None:
        decided = engine(Named).explain(labelled("p", "a"))
        assert decided.feasible == ["b", "c"]
        verdict = decided.verdicts["a"]
        assert (verdict.plugin, verdict.code) == ("Named", "UnschedulableAndUnresolvable")
        assert verdict.reasons == ("node(s) had the wrong name",)

    def test_it_is_called_once_for_all_nodes_and_then_for_changed_ones(self) -> None:
        made = engine(Named)
        made.schedule([labelled(f"p{index}", "a") for index in range(3)])
        assert Named.batches[0] == ["a", "b", "c"]
        assert all(len(batch) == 1 for batch in Named.batches[1:])

    def test_a_removed_node_is_not_filtered(self) -> None:
        made = engine(Named)
        made.decide(labelled("p", "a"))
        made.remove_node("b")
        made.set_node(node("d"))
        assert made.explain(labelled("p", "a")).feasible == ["c", "d"]
        assert Named.batches[-1] == ["d"]

    def test_one_that_looks_at_all_nodes_is_passed_all_of_them(self) -> None:
        class EmptiestHalf(FilterPlugin):
            name = "EmptiestHalf"
            reason = "node(s) were fuller than most"
            looks_at_all = True

            def filter_nodes(self, _pod: Any, nodes: Any) -> Any:
                return nodes.requested("pods") <= np.median(nodes.requested("pods"))

        made = engine(EmptiestHalf)
        placed = made.schedule([pod(f"p{index}") for index in range(6)])
        assert sorted(decision.node for decision in placed) == ["a", "a", "b", "b", "c", "c"]

    def test_preemption_calls_it_where_evictions_may_help(self) -> None:
        made = engine(Headroom, nodes=[node("n", "4")])
        made.add_pod(pod("low", "2"), "n")
        (decision,) = made.schedule([pod("high", "2", priority=5)])
        assert (decision.nominated_node, decision.victims) == ("n", ("default/low",))

    @pytest.mark.parametrize(
        ("answer", "found"), [([1, 1, 1], "int64[3]"), ([True], "bool[1]"), ([[True] * 3], "bool[1, 3]")]
    )
    def test_an_answer_of_the_wrong_shape(self, answer: Any, found: str) -> None:
        class Wrong(Named):
            name = "Wrong"

            def filter_nodes(self, _pod: Any, _nodes: Any) -> Any:
                return np.array(answer)

        with pytest.raises(PluginError) as caught:
            engine(Wrong).decide(pod("p"))
        assert str(caught.value) == f'plugin "Wrong": filter_nodes returned {found}; expected bool[3]'

    def test_an_exception_is_raised_once_everything_else_is_placed(self) -> None:
        made = engine(Named)
        unlabelled = pod("unlabelled")
        del unlabelled["metadata"]["labels"]
        with pytest.raises(PluginError) as caught:
            made.schedule([labelled("good", "a"), unlabelled, labelled("late", "a")])
        assert str(caught.value).startswith('running "Named" filter plugin: TypeError: ')
        assert isinstance(caught.value.__cause__, TypeError)
        assert sum(made.nodes()["requested/pods"].to_pylist()) == 2
        assert made.decide(labelled("p", "a")).node is not None

    def test_an_interruption_comes_through_and_places_nothing(self) -> None:
        class Interrupted(Named):
            name = "Interrupted"

            def filter_nodes(self, _pod: Any, _nodes: Any) -> Any:
                raise KeyboardInterrupt

        made = engine(Interrupted)
        with pytest.raises(KeyboardInterrupt):
            made.schedule([pod("p")])
        assert sum(made.nodes()["requested/pods"].to_pylist()) == 0


class TestScore:
    def scored(self, answer: Any, scale: str = "") -> Any:
        class Rated(ScorePlugin):
            name = "Rated"
            normalise = scale

            def score_nodes(self, _pod: Any, nodes: Any) -> Any:
                return np.array([answer[name] for name in nodes.names])

        scores = engine(Rated, nodes=[node(name) for name in answer]).explain(pod("p")).scores
        return {name: (each["Rated"].raw, each["Rated"].normalised) for name, each in scores.items()}

    def test_scores_count_as_they_are(self) -> None:
        assert self.scored({"a": 0, "b": 100}) == {"a": (0, 0), "b": (100, 100)}

    def test_the_highest_becomes_100(self) -> None:
        assert self.scored({"a": 3, "b": 7}, "highest") == {"a": (3, 42), "b": (7, 100)}

    def test_the_lowest_is_best(self) -> None:
        assert self.scored({"a": 0, "b": 3, "c": 7}, "lowest") == {"a": (0, 100), "b": (3, 58), "c": (7, 0)}

    def test_equal_scores(self) -> None:
        assert self.scored({"a": 0, "b": 0}, "highest") == {"a": (0, 0), "b": (0, 0)}
        assert self.scored({"a": 0, "b": 0}, "lowest") == {"a": (0, 100), "b": (0, 100)}

    @pytest.mark.parametrize("score", [-1, 101])
    def test_scores_out_of_range(self, score: int) -> None:
        with pytest.raises(PluginError) as caught:
            self.scored({"a": score})
        expected = f'plugin "Rated" returns an invalid score {score}, it should be in the range of [0, 100]'
        assert str(caught.value) == expected

    def test_weights_apply(self) -> None:
        class Rated(ScorePlugin):
            name = "Rated"

            def score_nodes(self, _pod: Any, nodes: Any) -> Any:
                return np.full(len(nodes), 50)

        made = Engine(
            config={
                **HEAD,
                "profiles": [{"plugins": {"score": {"enabled": [{"name": "Rated", "weight": 4}]}}}],
            },
            plugins=[Rated],
        )
        made.set_node(node("a"))
        assert made.explain(pod("p")).scores["a"]["Rated"].weighted == 200


class TestColumns:
    def columns(self) -> Any:
        seen = []

        class Look(FilterPlugin):
            name = "Look"
            reason = "never"

            def filter_nodes(self, _pod: Any, nodes: Any) -> Any:
                seen.append(nodes)
                return np.full(len(nodes), True)

        taint = {"key": "k", "value": "v", "effect": "PreferNoSchedule"}
        nodes = [node("a", "4", {"zone": "x"}), node("b", "8", {"zone": "y"}), node("c", "2", taints=[taint])]
        made = engine(Look, nodes=nodes)
        made.add_pod(pod("p", "1500m"), "b")
        made.decide(pod("q"))
        return seen[-1]

    def test_amounts(self) -> None:
        columns = self.columns()
        assert columns.names == ["a", "b", "c"]
        assert columns.allocatable("cpu").tolist() == [4000, 8000, 2000]
        assert columns.requested("cpu").tolist() == [0, 1500, 0]
        assert columns.requested("pods").tolist() == [0, 1, 0]
        assert columns.allocatable("example.com/gpu").tolist() == [2, 2, 2]
        assert columns.allocatable("example.com/unheard-of").tolist() == [0, 0, 0]
        assert "example.com/gpu" in columns.resources

    def test_labels(self) -> None:
        label = self.columns().label("zone")
        assert [label.values[code] if code >= 0 else None for code in label.codes] == ["x", "y", None]
        assert label.equals("y").tolist() == [False, True, False]
        assert label.map({"x": 5}, default=0).tolist() == [5, 0, 0]
        assert self.columns().label("nowhere").equals("x").tolist() == [False, False, False]

    def test_taints(self) -> None:
        columns = self.columns()
        sets = columns.distinct_taint_sets
        assert [sets[row] for row in columns.taint_sets] == [(), (), (("k", "v", "PreferNoSchedule"),)]
        assert columns.unschedulable.tolist() == [False, False, False]

    def test_they_are_read_only(self) -> None:
        with pytest.raises(ValueError, match="read-only"):
            self.columns().allocatable("cpu")[0] = 1
        assert isinstance(self.columns(), NodeColumns)


class TestExample:
    def test_the_cheapest_node_with_headroom(self) -> None:
        made = Engine(config=CONFIG, plugins=[Headroom, CheapestNode])
        for name, price in (("dear", "20"), ("cheap", "4"), ("unpriced", None)):
            made.set_node(node(name, "4", {PRICE: price} if price else {}))
        placed = made.schedule([pod(f"p{index}", "2") for index in range(4)])
        assert [decision.node for decision in placed] == ["cheap", "dear", "unpriced", None]
        assert "3 node(s) had too little headroom" in placed[3].message

    def test_it_runs(self) -> None:
        ran = subprocess.run(
            [sys.executable, EXAMPLES / "cheapest_node.py"], capture_output=True, text=True, check=True
        )
        assert ran.stdout.splitlines()[0] == "default/work-0: spot"


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The compiled example, built against the installed package only."""
    place = tmp_path_factory.mktemp("compiled")
    source = place / "headroom.pyx"
    source.write_text((EXAMPLES / "headroom.pyx").read_text())
    subprocess.run(
        [sys.executable, "-m", "Cython.Build.Cythonize", "-i", source.name],
        cwd=place,
        env={**os.environ, "CFLAGS": "-O0"},
        check=True,
        capture_output=True,
    )
    (library,) = place.glob("headroom*.so")
    spec = util.spec_from_file_location("headroom", library)
    assert spec is not None
    assert spec.loader is not None
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Headroom


@settings(max_examples=30)
@given(
    st.lists(st.integers(1, 8), min_size=1, max_size=6),
    st.lists(st.integers(1, 4000), min_size=1, max_size=12),
    st.integers(0, 100),
)
def test_a_compiled_plugin_decides_as_the_same_rule_in_python(
    compiled: Any, nodes: Any, pods: Any, percent: int
) -> None:
    config = [{"name": "Headroom", "args": {"percent": percent}}]
    rows = [node(f"n{index}", str(cpu)) for index, cpu in enumerate(nodes)]
    batch = [pod(f"p{index}", f"{cpu}m") for index, cpu in enumerate(pods)]
    placed = [engine(rule, nodes=rows, pluginConfig=config).schedule(batch) for rule in (Headroom, compiled)]
    python, native = ([(decision.node, decision.message) for decision in each] for each in placed)
    assert python == native
