"""From a decision to a bound pod: what runs when, and what is given back when it does not work out."""

from datetime import timedelta
from typing import Any

import pytest
from tests import builders

from kschedcore.api.durations import format_duration, parse_duration
from kschedcore.clock import FixedClock
from kschedcore.engine.engine import Engine
from kschedcore.engine.plugin import SKIP, Plugin, Status, Wait
from kschedcore.errors import KschedcoreError
from kschedcore.scheduler.cycle import Cycle, Phase, Pipeline

HEAD = {"apiVersion": "kubescheduler.config.k8s.io/v1", "kind": "KubeSchedulerConfiguration"}
POINTS = frozenset({"reserve", "permit", "preBind", "bind", "postBind"})
NO = Status("Unschedulable", "Second", ("not now",))


def recorders(log: list[str], answers: Any) -> Any:
    """Two plugins that record calls and return configured statuses: (plugin, point) -> answer."""

    def made(plugin: str) -> Any:
        def at(point: str, default: Any = None) -> Any:
            def run(_plugin: Any, _assumed: Any) -> Any:
                log.append(f"{plugin}.{point}")
                return answers.get((plugin, point), default)

            return run

        points = {point: at(point) for point in ("reserve", "unreserve", "permit", "pre_bind", "post_bind")}
        fields = {"name": plugin, "points": POINTS, "bind": at("bind", SKIP), **points}
        return type(plugin, (Plugin,), fields)

    return [made("First"), made("Second")]


def node(cpu: str = "2") -> Any:
    return builders.node("n", cpu, memory="8Gi", pods=9)


def pod(name: str = "p", priority: int = 0, uid: str = "") -> Any:
    return builders.pod(name, meta={"uid": uid}, priority=priority)


def reasons(cycle: Cycle) -> tuple[str, ...]:
    assert cycle.status is not None
    return cycle.status.reasons


class Scene:
    def __init__(self, **answers: Any) -> None:
        """``Second_permit=Wait(5)`` is what plugin Second answers at permit."""
        self.log: list[str] = []
        self.answers = {tuple(key.split("_", 1)): answer for key, answer in answers.items()}
        everywhere = {
            "disabled": [{"name": "DefaultBinder"}],
            "enabled": [{"name": "First"}, {"name": "Second"}, {"name": "DefaultBinder"}],
        }
        self.engine = Engine(
            config={**HEAD, "profiles": [{"plugins": {"multiPoint": everywhere}}]},
            plugins=recorders(self.log, self.answers),
        )
        self.engine.set_node(node())
        self.clock = FixedClock()
        self.bound: list[str] = []
        self.pipeline = Pipeline(self.engine, self.clock, lambda pod, _: self.bound.append(pod.metadata.name))

    def requested(self) -> Any:
        return self.engine.nodes()["requested/cpu"].to_pylist()[0]

    def later(self, seconds: float) -> Any:
        self.clock.time += timedelta(seconds=seconds)
        return self.pipeline.advance()


def test_everything_runs_in_its_order() -> None:
    scene = Scene()
    (cycle,) = scene.pipeline.schedule([pod()])
    assert (cycle.phase, scene.bound) == (Phase.BINDING, [])
    assert scene.pipeline.deadline == scene.clock.now()
    assert scene.pipeline.advance() == [cycle]
    assert (cycle.phase, cycle.status, scene.bound) == (Phase.BOUND, None, ["p"])
    assert scene.log == [
        f"{plugin}.{point}"
        for point in ("reserve", "permit", "pre_bind", "bind", "post_bind")
        for plugin in ("First", "Second")
    ]
    assert scene.requested() == 1000
    assert scene.pipeline.deadline is None


@pytest.mark.parametrize("point", ["reserve", "permit"])
def test_a_refusal_gives_everything_back_at_once(point: str) -> None:
    scene = Scene(**{f"Second_{point}": NO})
    (cycle,) = scene.pipeline.schedule([pod()])
    assert (cycle.phase, cycle.status) == (Phase.FAILED, NO)
    assert scene.log[-2:] == ["Second.unreserve", "First.unreserve"]
    assert scene.requested() == 0
    assert scene.pipeline.advance() == []


@pytest.mark.parametrize("point", ["pre_bind", "bind"])
def test_a_failure_on_the_way_gives_everything_back(point: str) -> None:
    scene = Scene(**{f"First_{point}": NO})
    scene.pipeline.schedule([pod()])
    (cycle,) = scene.pipeline.advance()
    assert (cycle.phase, cycle.status, scene.bound) == (Phase.FAILED, NO, [])
    assert scene.log[-3:] == [f"First.{point}", "Second.unreserve", "First.unreserve"]
    assert scene.requested() == 0


def test_a_cluster_that_refuses_the_binding() -> None:
    scene = Scene()

    def refuse(_pod: Any, _node: Any) -> None:
        raise KschedcoreError("conflict")

    pipeline = Pipeline(scene.engine, scene.clock, refuse)
    pipeline.schedule([pod()])
    (cycle,) = pipeline.advance()
    assert (cycle.phase, reasons(cycle)) == (Phase.FAILED, ('running Bind plugin "DefaultBinder": conflict',))
    assert scene.requested() == 0


def test_the_first_bind_plugin_that_answers_binds() -> None:
    scene = Scene(First_bind=None)
    scene.pipeline.schedule([pod()])
    (cycle,) = scene.pipeline.advance()
    assert cycle.phase is Phase.BOUND
    assert "Second.bind" not in scene.log
    assert scene.bound == []  # DefaultBinder was not called


class TestPermit:
    def test_a_waiting_pod_keeps_its_resources_and_delays_no_other(self) -> None:
        scene = Scene(First_permit=Wait(10))
        first, second, third = scene.pipeline.schedule([pod("a"), pod("b"), pod("c")])
        assert [first.phase, second.phase, third.phase] == [Phase.WAITING, Phase.WAITING, Phase.UNSCHEDULABLE]
        assert list(scene.pipeline.waiting) == [("default", "a"), ("default", "b")]
        scene.pipeline.waiting["default", "b"].allow("First")
        assert [cycle.pod.metadata.name for cycle in scene.pipeline.advance()] == ["b"]
        assert scene.bound == ["b"]
        assert list(scene.pipeline.waiting) == [("default", "a")]

    def test_every_plugin_that_holds_it_has_to_allow_it(self) -> None:
        scene = Scene(First_permit=Wait(10), Second_permit=Wait(20))
        scene.pipeline.schedule([pod()])
        waiting = scene.pipeline.waiting["default", "p"]
        waiting.allow("First")
        assert waiting.pending == ("Second",)
        assert scene.pipeline.advance() == []
        waiting.allow("Second")
        assert scene.pipeline.advance()[0].phase is Phase.BOUND

    def test_a_rejection_gives_everything_back(self) -> None:
        scene = Scene(First_permit=Wait(10))
        scene.pipeline.schedule([pod()])
        scene.pipeline.waiting["default", "p"].reject("First", "quorum lost")
        (cycle,) = scene.pipeline.advance()
        assert cycle.status == Status("Unschedulable", "First", ("quorum lost",))
        assert (cycle.phase, scene.requested(), scene.bound) == (Phase.FAILED, 0, [])
        assert "First.pre_bind" not in scene.log

    def test_the_first_timeout_rejects(self) -> None:
        scene = Scene(First_permit=Wait(90), Second_permit=Wait(5))
        scene.pipeline.schedule([pod()])
        assert scene.pipeline.deadline == scene.clock.now() + timedelta(seconds=5)
        assert scene.later(4.9) == []
        (cycle,) = scene.later(0.1)
        assert reasons(cycle) == ("rejected due to timeout after waiting 5s at plugin Second",)
        assert scene.requested() == 0

    def test_no_pod_waits_longer_than_a_quarter_of_an_hour(self) -> None:
        scene = Scene(First_permit=Wait(10**6))
        scene.pipeline.schedule([pod()])
        (cycle,) = scene.later(900)
        assert reasons(cycle) == ("rejected due to timeout after waiting 15m0s at plugin First",)

    def test_released_resources_are_free_for_the_next_pod(self) -> None:
        scene = Scene(First_permit=Wait(5))
        scene.pipeline.schedule([pod("a"), pod("b")])
        assert scene.pipeline.schedule([pod("c")])[0].phase is Phase.UNSCHEDULABLE
        scene.later(5)
        assert scene.pipeline.schedule([pod("c")])[0].phase is Phase.WAITING


class TestDisappearing:
    def test_a_pod_deleted_while_it_waits(self) -> None:
        scene = Scene(First_permit=Wait(5))
        (cycle,) = scene.pipeline.schedule([pod()])
        scene.pipeline.cancel(("default", "p"))
        assert (cycle.phase, reasons(cycle)) == (Phase.FAILED, ("removed",))
        assert (scene.requested(), len(scene.pipeline.waiting), scene.later(10)) == (0, 0, [])

    def test_a_pod_recreated_while_its_predecessor_is_on_its_way(self) -> None:
        scene = Scene(First_permit=Wait(5))
        (old,) = scene.pipeline.schedule([pod(uid="1")])
        (new,) = scene.pipeline.schedule([pod(uid="2")])
        assert (old.phase, new.phase, scene.requested()) == (Phase.FAILED, Phase.WAITING, 1000)
        scene.pipeline.waiting["default", "p"].allow("First")
        assert scene.pipeline.advance() == [new]
        assert (new.phase, scene.bound, scene.requested()) == (Phase.BOUND, ["p"], 1000)

    def test_a_pod_taken_off_its_node_is_not_bound(self) -> None:
        scene = Scene()
        scene.pipeline.schedule([pod()])
        scene.engine.remove_pod("p")
        (cycle,) = scene.pipeline.advance()
        assert (cycle.phase, scene.bound) == (Phase.FAILED, [])
        assert reasons(cycle) == ("pod default/p is gone",)

    def test_a_successor_keeps_its_resources_when_the_predecessor_fails(self) -> None:
        scene = Scene(First_pre_bind=NO)
        scene.pipeline.schedule([pod(uid="1")])
        scene.engine.add_pod(pod(uid="2"), "n")
        (cycle,) = scene.pipeline.advance()
        assert (cycle.phase, scene.requested()) == (Phase.FAILED, 1000)


def test_pods_are_tried_as_queue_sort_has_it() -> None:
    class Youngest(Plugin):
        name = "Youngest"
        points = frozenset({"queueSort"})

        def sort_key(self, pod: Any) -> Any:
            return pod.metadata.name

    sets = {"queueSort": {"disabled": [{"name": "*"}], "enabled": [{"name": "Youngest"}]}}
    engine = Engine(config={**HEAD, "profiles": [{"plugins": sets}]}, plugins=[Youngest])
    engine.set_node(node("1"))
    placed = engine.schedule([pod("b", priority=9), pod("a")])
    assert [(decision.pod.metadata.name, decision.node) for decision in placed] == [("a", "n"), ("b", None)]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0s", 0),
        ("5s", 5),
        ("1m30s", 90),
        ("15m0s", 900),
        ("1h0m0.5s", 3600.5),
        ("250ms", 0.25),
        ("7µs", 7e-6),
    ],
)
def test_durations_read_and_print_as_go_has_them(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)
    assert format_duration(seconds) == text


@pytest.mark.parametrize("text", ["", "5", "s", "5x", "1m-5s", "five"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match=f'duration "{text}"'):
        parse_duration(text)
