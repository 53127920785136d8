"""Every extension point of the scheduling framework at which a plugin can be registered is called."""

# ruff: noqa: ARG002, ARG005

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from tests import builders

from kschedcore.api.objects import Pod
from kschedcore.clock import SimulatedClock
from kschedcore.cluster import Cluster
from kschedcore.engine.binding import BoundPod
from kschedcore.engine.engine import Engine
from kschedcore.engine.events import Events
from kschedcore.engine.plugin import (
    EXTENSION_POINTS,
    SKIP,
    Assumed,
    FailedCycle,
    Plugin,
    PodContext,
    PostFilterResult,
    Status,
    Wait,
)
from kschedcore.errors import ConfigError
from kschedcore.scheduler.cycle import Phase, Pipeline


def node(name: str, cpu: str = "2") -> Any:
    return builders.node(name, cpu, pods=10)


def pod(name: str, cpu: str = "1", priority: int = 0, node_name: str = "") -> Any:
    where: dict[str, Any] = {"nodeName": node_name} if node_name else {}
    return builders.pod(name, cpu, priority=priority, **where)


def config(*enabled: str, **plugins: Any) -> Any:
    points = {"multiPoint": {"enabled": [{"name": name} for name in enabled]}, **plugins}
    return {
        "apiVersion": "kubescheduler.config.k8s.io/v1",
        "kind": "KubeSchedulerConfiguration",
        "profiles": [{"plugins": points}],
    }


def only(*names: str) -> Any:
    return {"enabled": [{"name": name} for name in names], "disabled": [{"name": "*"}]}


CALLED: list[str] = []


@pytest.fixture(autouse=True)
def _fresh() -> None:
    CALLED.clear()


class Everywhere(Plugin):
    name = "Everywhere"

    def pre_enqueue(self, pod: Pod) -> None:
        CALLED.append("preEnqueue")

    def sort_key(self, pod: Pod) -> int:
        CALLED.append("queueSort")
        return 0

    def pre_filter(self, context: PodContext) -> None:
        CALLED.append("preFilter")

    def filter(self, context: PodContext) -> None:
        CALLED.append("filter")

    def post_filter(self, cycle: FailedCycle) -> None:
        CALLED.append("postFilter")

    def pre_score(self, context: PodContext) -> None:
        CALLED.append("preScore")

    def score(self, context: PodContext) -> None:
        CALLED.append("score")

    def reserve(self, assumed: Assumed) -> None:
        CALLED.append("reserve")

    def permit(self, assumed: Assumed) -> Wait | None:
        CALLED.append("permit")
        return None

    def pre_bind(self, assumed: Assumed) -> None:
        CALLED.append("preBind")

    def bind(self, assumed: Assumed) -> Status:
        CALLED.append("bind")
        return SKIP

    def post_bind(self, assumed: Assumed) -> None:
        CALLED.append("postBind")


def test_a_plugin_is_called_at_every_extension_point_in_the_order_of_a_cycle() -> None:
    assert Everywhere.points == EXTENSION_POINTS.keys()
    points = {"queueSort": only("Everywhere"), "bind": only("Everywhere", "DefaultBinder")}
    engine = Engine(config=config("Everywhere", **points), plugins=[Everywhere])
    engine.set_node(node("n"))
    pipeline = Pipeline(engine, SimulatedClock())
    [unschedulable, _] = pipeline.schedule([pod("big", cpu="9"), pod("small")])
    assert unschedulable.phase is Phase.UNSCHEDULABLE
    assert [cycle.phase for cycle in pipeline.advance()] == [Phase.BOUND]
    first_calls = list(dict.fromkeys(CALLED))
    assert sorted(first_calls, key=list(EXTENSION_POINTS).index) == list(EXTENSION_POINTS)
    assert (
        CALLED.index("preFilter") < CALLED.index("filter") < CALLED.index("score") < CALLED.index("reserve")
    )
    assert CALLED[-5:] == ["reserve", "permit", "preBind", "bind", "postBind"]


class Evict(Plugin):
    """Nominates every pod to the last node, evicting all pods there."""

    name = "Evict"

    def post_filter(self, cycle: FailedCycle) -> PostFilterResult:
        target = max(cycle.rejections)
        return PostFilterResult(target, tuple(cycle.pods_on(target)))


def test_a_post_filter_plugin_nominates_a_pod_instead_of_preemption() -> None:
    engine = Engine(config=config(postFilter=only("Evict")), plugins=[Evict])
    for name in ("a", "b"):
        engine.set_node(node(name))
        engine.add_pod(pod(f"on-{name}", cpu="2", priority=100, node_name=name))
    [decision] = engine.schedule([pod("new")])
    assert (decision.nominated_node, decision.victims) == ("b", ("default/on-b",))
    assert engine.decide(pod("other", cpu="2")).nominated_node == "b"


class Undecided(Plugin):
    name = "Undecided"

    def post_filter(self, cycle: FailedCycle) -> Status:
        return Status("Unschedulable", self.name, ("nothing to do here",))


class Final(Undecided):
    name = "Final"

    def post_filter(self, cycle: FailedCycle) -> Status:
        return Status("UnschedulableAndUnresolvable", self.name, ("give up",))


@pytest.mark.parametrize(
    ("first", "message"),
    [
        (Undecided, "nothing to do here, preemption: 0/1 nodes are available: 1 Preemption is not helpful"),
        (Final, "give up"),
    ],
)
def test_messages_of_post_filter_plugins_are_joined_until_one_is_final(
    first: type[Plugin], message: str
) -> None:
    engine = Engine(config=config(postFilter=only(first.name, "DefaultPreemption")), plugins=[first])
    engine.set_node(node("n"))
    [decision] = engine.schedule([pod("big", cpu="9")])
    assert decision.diagnosis is not None
    assert decision.diagnosis.post_filter.startswith(message)
    assert ("preemption" in decision.diagnosis.post_filter) is ("preemption" in message)


class Census(Plugin):
    """Records the pods that preemption's simulation moves."""

    name = "Census"
    moves: list[tuple[str, str]] = []  # noqa: RUF012

    def add_pod(self, pod: Pod, added: BoundPod) -> None:
        self.moves.append(("+", added.pod.metadata.name))

    def remove_pod(self, pod: Pod, removed: BoundPod) -> None:
        self.moves.append(("-", removed.pod.metadata.name))


def test_pre_filter_extensions_follow_the_pods_that_preemption_moves() -> None:
    Census.moves.clear()
    engine = Engine(config=config("Census"), plugins=[Census])
    engine.set_node(node("n"))
    engine.add_pod(pod("old", cpu="1", node_name="n"))
    engine.add_pod(pod("less", cpu="1", priority=-1, node_name="n"))
    [decision] = engine.schedule([pod("new", priority=10)])
    assert decision.victims == ("default/less",)
    assert Census.moves == [
        ("-", "old"),
        ("-", "less"),
        ("+", "old"),
        ("+", "less"),
        ("-", "less"),
        ("+", "less"),
    ]


class Skipped(Plugin):
    name = "Skipped"

    def pre_score(self, context: PodContext) -> Status:
        return SKIP

    def score(self, context: PodContext) -> None:
        raise AssertionError("PreScore left it out")


def test_pre_score_leaves_a_plugins_score_out() -> None:
    engine = Engine(config=config("Skipped"), plugins=[Skipped])
    engine.set_node(node("n"))
    assert engine.decide(pod("p")).node == "n"


class DeclaresMore(Plugin):
    name = "DeclaresMore"
    points = frozenset({"permit"})


class DeclaresLess(Undecided):
    name = "DeclaresLess"
    points = frozenset()


class Misspells(Plugin):
    name = "Misspells"
    points = frozenset({"prefilter"})


@pytest.mark.parametrize(
    ("plugin", "message"),
    [
        (DeclaresMore, r"plugin DeclaresMore: it declares the extension point permit and has no permit\(\)"),
        (DeclaresLess, r"plugin DeclaresLess: it has post_filter\(\) and its points leave postFilter out"),
        (
            Misspells,
            r'plugin Misspells: "prefilter" is not an extension point; expected preEnqueue, queueSort',
        ),
    ],
)
def test_a_plugin_that_would_not_be_called_is_refused(plugin: type[Plugin], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Engine(plugins=[plugin])


class Holds(Plugin):
    """Rejects pods until a node carries a label; only such an event may help."""

    name = "Holds"

    def watches(self, pod: Pod) -> frozenset[str]:
        return frozenset({"services"})

    def pre_filter(self, context: PodContext) -> Status | None:
        CALLED.append("preFilter")
        if any(context.listers.services("default")):
            return None
        return Status("Unschedulable", self.name, ("no service yet",))

    def events(self) -> Events:
        return {"services": lambda change, pod: change.old is None}


def test_a_plugins_own_queueing_hints_decide_what_its_pods_wait_for() -> None:
    cluster = Cluster.simulated(config=config("Holds"), plugins=[Holds])
    cluster.apply({"apiVersion": "v1", "kind": "Node", **node("n")})
    cluster.apply({"apiVersion": "v1", "kind": "Pod", **pod("p")})
    cluster.run_for("30s")
    tries = CALLED.count("preFilter")
    cluster.apply({"apiVersion": "v1", "kind": "Node", **node("m")})
    cluster.run_for("30s")
    assert CALLED.count("preFilter") == tries
    service = {"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}]}}
    cluster.apply({"apiVersion": "v1", "kind": "Service", **service})
    cluster.run_for("30s")
    assert cluster.get("pod/p")["spec"].get("nodeName")


class OnePerNode(Plugin):
    """Reserves one licence of each node; the second pod of a node is rejected."""

    name = "OnePerNode"

    def __init__(self, args: Any) -> None:
        super().__init__(args)
        self.held: dict[str, str] = {}

    def reserve(self, assumed: Assumed) -> Status | None:
        name = assumed.pod.metadata.name
        if name == "broken":
            raise ZeroDivisionError
        if name == "failing":
            return Status("Error", self.name, ("no connection",))
        if assumed.node in self.held:
            return Status("Unschedulable", self.name, ("no licence left",))
        self.held[assumed.node] = name
        return None

    def unreserve(self, assumed: Assumed) -> None:
        CALLED.append(f"unreserve {assumed.pod.metadata.name}")
        if self.held.get(assumed.node) == assumed.pod.metadata.name:
            del self.held[assumed.node]


def reserving() -> Engine:
    engine = Engine(config=config("OnePerNode"), plugins=[OnePerNode])
    engine.set_node(node("n"))
    return engine


@pytest.mark.parametrize("in_table", [False, True])
def test_an_engine_reserves_each_pod_before_the_next_is_decided(in_table: bool) -> None:
    engine = reserving()
    pods = [pod("p", priority=1), pod("q")]
    message = "0/1 nodes are available: 1 no licence left."
    if in_table:
        table = pa.table({"name": ["p", "q"], "requests/cpu": [1000, 1000]})
        made = engine.place(table).to_pylist()
        assert [(each["node"], each["message"]) for each in made] == [("n", None), (None, message)]
    else:
        made = engine.schedule(pods)
        assert [(each.node, each.message) for each in made] == [("n", ""), (None, message)]
        assert made[1].diagnosis is not None
        assert made[1].diagnosis.plugins == {"OnePerNode"}
    assert engine.utilisation()["cpu"]["requested"] == 1000
    assert CALLED == ["unreserve q"]


def test_an_error_of_reserve_names_the_plugin() -> None:
    engine = reserving()
    [made] = engine.schedule([pod("failing")])
    assert made.message == 'running Reserve plugin "OnePerNode": no connection'
    assert not engine.is_assumed(made.pod)


def test_an_exception_of_reserve_leaves_the_pods_before_it() -> None:
    engine = reserving()
    with pytest.raises(ZeroDivisionError) as raised:
        engine.schedule([pod("p"), pod("broken")])
    assert [each.node for each in raised.value.decisions] == ["n"]  # type: ignore[attr-defined]
    assert engine.utilisation()["cpu"]["requested"] == 1000
    assert CALLED == ["unreserve broken"]


def test_a_pipeline_reserves_once() -> None:
    pipeline = Pipeline(reserving(), SimulatedClock())
    assert [each.phase for each in pipeline.schedule([pod("p")])] == [Phase.BINDING]
    assert [each.phase for each in pipeline.advance()] == [Phase.BOUND]
    assert CALLED == []


class Zebra(Plugin):
    name = "Zebra"

    def pre_filter(self, context: PodContext) -> frozenset[str]:
        return frozenset({"n"})


class Antelope(Plugin):
    name = "Antelope"

    def pre_filter(self, context: PodContext) -> frozenset[str]:
        return frozenset({"m"})


def test_plugins_that_leave_no_node_between_them_are_named_in_order() -> None:
    engine = Engine(config=config("Zebra", "Antelope"), plugins=[Zebra, Antelope])
    for name in "mn":
        engine.set_node(node(name))
    message = "0/2 nodes are available: node(s) didn't satisfy plugin(s) [Antelope Zebra] simultaneously."
    assert engine.decide(pod("p"), preempt=False).message == message
