"""Random histories: a cluster, and what happens to it step by step."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from hypothesis import strategies as st
from tests.strategies.clusters import budgets, clusters, namespace, node_names
from tests.strategies.nodes import nodes
from tests.strategies.pods import FEATURES, bound_pods, pods, themes
from tests.strategies.vocabulary import NAMESPACE_LABELS, NAMESPACES, POD_LABELS, Json

Step = dict[str, Any]
Key = tuple[str, str]


@dataclass(frozen=True)
class Event:
    """One thing that happens: `kind` says what, `subject` is the object or the labels it happens with.

    | kind | subject |
    |---|---|
    | `node` | a Node to add, or to put in the place of the one of that name |
    | `removeNode` | `{"name"}`; nothing happens when there is no such node |
    | `pod` | a bound Pod to add; nothing happens when its name is taken or its node is gone |
    | `removePod` | `{"index"}` into the pods that are there, modulo their number |
    | `relabelPod` | `{"index", "labels"}` |
    | `terminatePod` | `{"index"}`: deletion was asked for, and the pod is still there |
    | `namespace` | a Namespace, relabelled |
    | `budget` | a PodDisruptionBudget |
    | `schedule` | a pending Pod: decided, and the decision taken in; nothing when its name is taken |
    | `retry` | `{"index"}` into the pods that wait for their nominated node: decided again |
    """

    kind: str
    subject: Json


@dataclass(frozen=True)
class History:
    """A cluster and the events that follow."""

    cluster: Json
    events: list[Event]


class Scheduler(Protocol):
    """What a history drives; `tests.model.ReferenceScheduler` is one."""

    def add_node(self, node: Json) -> None: ...
    def remove_node(self, name: str) -> None: ...
    def add_pod(self, pod: Json) -> None: ...
    def remove_pod(self, namespace: str, name: str) -> None: ...
    def set_namespace(self, namespace: Json) -> None: ...
    def set_object(self, kind: str, obj: Json) -> None: ...
    def decide(self, pod: Json, *, preempt: bool = True) -> Step: ...
    def commit(self, pod: Json, step: Step) -> None: ...


@dataclass(frozen=True)
class Decision:
    """What each scheduler says of one pod, in the order they were given."""

    pod: Json
    steps: list[Step]


class Replay:
    """Drives schedulers through one history side by side; they all take in what the first one decides."""

    def __init__(self, history: History, *schedulers: Scheduler) -> None:
        self.history = history
        self.schedulers = schedulers
        self.node_names = {node["metadata"]["name"] for node in history.cluster["nodes"]}
        self.pods: dict[Key, Json] = {_key(pod): pod for pod in history.cluster["pods"]}

    def decisions(self) -> Iterator[Decision]:
        """Apply the events in order; each decision is handed out before it is taken in."""
        handlers: dict[str, Callable[[Json], Iterator[Decision] | None]] = {
            "node": self._node,
            "removeNode": self._remove_node,
            "pod": self._pod,
            "removePod": self._remove_pod,
            "relabelPod": self._relabel_pod,
            "terminatePod": self._terminate_pod,
            "namespace": lambda subject: self._tell(lambda s: s.set_namespace(subject)),
            "budget": lambda subject: self._tell(lambda s: s.set_object("podDisruptionBudgets", subject)),
            "schedule": self._schedule,
            "retry": self._retry,
        }
        for event in self.history.events:
            yield from handlers[event.kind](event.subject) or ()

    def _tell(self, change: Callable[[Scheduler], None]) -> None:
        for scheduler in self.schedulers:
            change(scheduler)

    def _node(self, node: Json) -> None:
        self.node_names.add(node["metadata"]["name"])
        self._tell(lambda s: s.add_node(node))

    def _remove_node(self, subject: Json) -> None:
        name = subject["name"]
        if name in self.node_names:
            self.node_names.remove(name)
            self._tell(lambda s: s.remove_node(name))

    def _pod(self, pod: Json) -> None:
        if _key(pod) not in self.pods and pod["spec"]["nodeName"] in self.node_names:
            self._put(pod)

    def _put(self, pod: Json) -> None:
        self.pods[_key(pod)] = pod
        self._tell(lambda s: s.add_pod(pod))

    def _at(self, subject: Json, among: list[Json]) -> Json | None:
        return among[subject["index"] % len(among)] if among else None

    def _remove_pod(self, subject: Json) -> None:
        pod = self._at(subject, list(self.pods.values()))
        if pod:
            del self.pods[_key(pod)]
            self._tell(lambda s: s.remove_pod(*_key(pod)))

    def _relabel_pod(self, subject: Json) -> None:
        pod = self._at(subject, list(self.pods.values()))
        if pod:
            self._put({**pod, "metadata": {**pod["metadata"], "labels": subject["labels"]}})

    def _terminate_pod(self, subject: Json) -> None:
        pod = self._at(subject, list(self.pods.values()))
        if pod:
            self._put({**pod, "metadata": {**pod["metadata"], "deletionTimestamp": "2026-01-01T01:00:00Z"}})

    def _schedule(self, pod: Json) -> Iterator[Decision]:
        if _key(pod) not in self.pods:
            yield from self._decide(pod)

    def _retry(self, subject: Json) -> Iterator[Decision]:
        pod = self._at(subject, [p for p in self.pods.values() if not p["spec"].get("nodeName")])
        if pod:
            yield from self._decide(pod)

    def _decide(self, pod: Json) -> Iterator[Decision]:
        steps = [scheduler.decide(pod) for scheduler in self.schedulers]
        yield Decision(pod, steps)
        self._tell(lambda s: s.commit(pod, steps[0]))
        self._take_in(pod, steps[0])

    def _take_in(self, pod: Json, step: Step) -> None:
        """What `commit` does, on the list of pods that events refer to."""
        self.pods.pop(_key(pod), None)
        if "chosen" in step:
            self.pods[_key(pod)] = {**pod, "spec": {**pod["spec"], "nodeName": step["chosen"]}}
        elif "nominated" in step:
            for victim in step["victims"]:
                space, name = victim.split("/")
                del self.pods[space, name]
            for key, other in list(self.pods.items()):
                nominated = (other.get("status") or {}).get("nominatedNodeName")
                waits = not other["spec"].get("nodeName") and nominated == step["nominated"]
                if waits and other["spec"].get("priority", 0) < pod["spec"].get("priority", 0):
                    del self.pods[key]
            self.pods[_key(pod)] = {**pod, "status": {"nominatedNodeName": step["nominated"]}}


@st.composite
def histories(
    draw: st.DrawFn,
    max_nodes: int = 4,
    max_pods: int = 4,
    max_events: int = 8,
    features: tuple[str, ...] = tuple(FEATURES),
) -> History:
    """A cluster of at most `max_nodes` nodes and `max_pods` pods, and then up to `max_events` events.

    All pods are of one theme out of `features` and name the same few nodes, which come and go; half of the
    events schedule a pod.
    """
    theme = draw(themes(features))
    cluster = draw(clusters(max_nodes, max_pods, theme))
    names = node_names(max_nodes)
    events = [draw(_events(number, names, theme)) for number in range(draw(st.integers(1, max_events)))]
    return History(cluster, events)


@st.composite
def _events(draw: st.DrawFn, number: int, names: list[str], features: tuple[str, ...]) -> Event:
    """Names of pods are used twice now and then, so that a pod comes back under its old name."""
    if draw(st.booleans()):
        return Event("schedule", draw(pods(f"p{number % 6}", names, features)))
    index = {"index": draw(st.integers(0, 20))}
    kind = draw(
        st.sampled_from(
            [
                "retry",
                "retry",
                "retry",
                "node",
                "removeNode",
                "pod",
                "removePod",
                "relabelPod",
                "terminatePod",
                "namespace",
                "budget",
            ]
        )
    )
    match kind:
        case "node":
            name = draw(st.sampled_from(names))
            return Event(kind, draw(nodes(name, tainted="tolerations" in features)))
        case "removeNode":
            return Event(kind, {"name": draw(st.sampled_from(names))})
        case "pod":
            return Event(kind, draw(bound_pods(f"h{number}", names, features)))
        case "relabelPod":
            return Event(
                kind, {**index, "labels": {k: draw(st.sampled_from(v)) for k, v in POD_LABELS.items()}}
            )
        case "namespace":
            own = draw(st.sampled_from(NAMESPACE_LABELS))
            return Event(kind, namespace(draw(st.sampled_from(NAMESPACES)), own))
        case "budget":
            return Event(kind, draw(budgets(f"budget-{draw(st.integers(0, 1))}")))
    return Event(kind, index)


def _key(pod: Json) -> Key:
    return pod["metadata"].get("namespace", "default"), pod["metadata"]["name"]
