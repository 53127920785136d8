"""The engine: a cluster's nodes and bound pods in the native core, and decisions about further pods."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from kschedcore._native.core import Core
from kschedcore.api.objects import Namespace, Node, Pod, decode
from kschedcore.columns.nodes import node_batch, node_row
from kschedcore.errors import NotFoundError, UsageError
from kschedcore.scheduling.binding import BoundPods, key_of
from kschedcore.scheduling.classes import ClassCache
from kschedcore.scheduling.decision import Decision, Decisions
from kschedcore.scheduling.diagnosis import Diagnosis
from kschedcore.scheduling.explanation import Explanation
from kschedcore.scheduling.framework import Framework
from kschedcore.scheduling.listers import Listers
from kschedcore.scheduling.plugin import Status
from kschedcore.scheduling.profile import DEFAULT_SCHEDULER_NAME, default_profile
from kschedcore.scheduling.queue import in_queue_order
from kschedcore.scheduling.registry import IN_TREE

if TYPE_CHECKING:
    import pyarrow as pa

    from kschedcore._native.podclass import PodClass
    from kschedcore.api.manifests import Manifests

TieBreak = Literal["first", "random"]

_FINISHED = frozenset({"Succeeded", "Failed"})


class Engine:
    """Decides where pods go, as kube-scheduler v1.34 does.

    An engine is not safe to use from several threads at once.

    Args:
        cluster: Nodes, bound pods and whatever else of a cluster was loaded, or None to begin with nothing.
            Pending pods in it are left alone.
        tie_break: Among nodes that share the best score take the ``first`` by name, or draw at ``random``.
        seed: Seeds the draws; the same seed gives the same decisions.

    Raises:
        ManifestError: An object of the cluster is invalid.
    """

    def __init__(
        self, cluster: Manifests | None = None, *, tie_break: TieBreak = "first", seed: int = 0
    ) -> None:
        if tie_break not in ("first", "random"):
            raise UsageError(f"tie_break is {tie_break!r}; expected 'first' or 'random'")
        self._core = Core(tie_break == "random", seed)
        self._listers = Listers()
        self._bound = BoundPods(self._core)
        self._classes = ClassCache(self._core, self._listers)
        self._frameworks = {DEFAULT_SCHEDULER_NAME: Framework(default_profile(), IN_TREE)}
        if cluster is not None:
            self._load(cluster)

    def _load(self, cluster: Manifests) -> None:
        for namespace in cluster.namespaces:
            self.set_namespace(namespace)
        for node in cluster.nodes:
            self.set_node(node)
        for kind, item in cluster.listed:
            self._listers.set(kind, item)
        for pod in cluster.bound:
            self.add_pod(pod)

    # -- the cluster ------------------------------------------------------------------------------

    def set_node(self, node: Node | Mapping[str, Any]) -> None:
        """Add a node, or replace what is known of the one with its name. Pods on it stay accounted."""
        view = node if isinstance(node, Node) else decode(Node, node)
        known = self._core.nodes.slot_of(view.metadata.name) >= 0
        self._core.set_node(*node_row(view))
        if not known:
            self._bound.node_added(view.metadata.name)

    def remove_node(self, name: str) -> None:
        """Take a node out. Pods bound to it are remembered until they are removed, or the node comes back.

        Raises:
            NotFoundError: There is no such node.
        """
        if self._core.nodes.slot_of(name) < 0:
            raise NotFoundError(f"node {name!r} not found")
        self._bound.node_leaving(name)
        self._core.nodes.remove(name)

    def add_pod(self, pod: Pod | Mapping[str, Any], node: str | None = None) -> None:
        """Account a bound pod on ``node`` (its own ``spec.nodeName`` when None), or account it anew.

        A pod that has finished takes nothing of its node and is not accounted.

        Raises:
            UsageError: The pod is bound to no node.
        """
        view = pod if isinstance(pod, Pod) else decode(Pod, pod)
        target = node or view.spec.node_name
        if not target:
            raise UsageError(f"pod {'/'.join(key_of(view))} has no spec.nodeName and no node was given")
        if view.status.phase in _FINISHED:
            self._bound.remove(key_of(view))
            return
        self._bound.add(view, self._classes.info(view), target)

    def remove_pod(self, name: str, namespace: str = "default") -> None:
        """Take a bound pod off its node.

        Raises:
            NotFoundError: No such pod is bound.
        """
        if self._bound.remove((namespace, name)) is None:
            raise NotFoundError(f"pod {namespace}/{name} is not bound to a node")

    def set_namespace(self, namespace: Namespace | Mapping[str, Any]) -> None:
        """Add a namespace, or give it other labels."""
        view = namespace if isinstance(namespace, Namespace) else decode(Namespace, namespace)
        self._core.topology.set_namespace(view.metadata.name, view.metadata.labels or {})

    # -- decisions --------------------------------------------------------------------------------

    def schedule(self, pods: Iterable[Pod | Mapping[str, Any]]) -> Decisions:
        """Place pods one after another, in queue order: by priority, then as given.

        Every placed pod is accounted before the next is looked at.
        """
        views = [pod if isinstance(pod, Pod) else decode(Pod, pod) for pod in pods]
        ordered = in_queue_order(views)
        compiled = [self._compile(pod) for pod in ordered]
        batch = [c for c in compiled if not isinstance(c, Status)]
        slots, totals, ties, feasible, numbers, failures = self._core.place(batch)
        decisions: list[Decision] = []
        place = 0
        for pod, outcome in zip(ordered, compiled, strict=True):
            if isinstance(outcome, Status):
                decisions.append(Decision(pod, None, diagnosis=self._ended(outcome)))
                continue
            slot = int(slots[place])
            if slot < 0:
                diagnosis = Diagnosis(self._core, self._core.nodes.count, failures[place])
                decisions.append(Decision(pod, None, diagnosis=diagnosis))
            else:
                node = self._core.nodes.name_of(slot)
                self._bound.remove(key_of(pod))
                self._bound.note(pod, outcome.info, node, int(numbers[place]))
                decisions.append(
                    Decision(pod, node, int(feasible[place]), int(totals[place]), int(ties[place]))
                )
            place += 1
        return Decisions(decisions)

    def decide(self, pod: Pod | Mapping[str, Any]) -> Decision:
        """Say where a pod would go, without placing it."""
        view = pod if isinstance(pod, Pod) else decode(Pod, pod)
        compiled = self._compile(view)
        if isinstance(compiled, Status):
            return Decision(view, None, diagnosis=self._ended(compiled))
        return self._decide(view, compiled)

    def _decide(self, pod: Pod, compiled: PodClass) -> Decision:
        slots, totals, ties, feasible, _, failures = self._core.place([compiled], False)
        if int(slots[0]) < 0:
            return Decision(pod, None, diagnosis=Diagnosis(self._core, self._core.nodes.count, failures[0]))
        node = self._core.nodes.name_of(int(slots[0]))
        return Decision(pod, node, int(feasible[0]), int(totals[0]), int(ties[0]))

    def explain(self, pod: Pod | Mapping[str, Any]) -> Explanation:
        """Every node and every plugin for a pod that is not placed."""
        view = pod if isinstance(pod, Pod) else decode(Pod, pod)
        compiled = self._compile(view)
        if isinstance(compiled, Status):
            decision = Decision(view, None, diagnosis=self._ended(compiled))
            return Explanation(decision, self._core.nodes.names(), compiled)
        return Explanation.of(self._core, compiled, self._decide(view, compiled))

    def _compile(self, pod: Pod) -> PodClass | Status:
        framework = self._frameworks.get(pod.spec.scheduler_name or DEFAULT_SCHEDULER_NAME)
        if framework is None:
            names = ", ".join(sorted(self._frameworks))
            reason = f'pod asks for scheduler "{pod.spec.scheduler_name}"; this engine is {names}'
            return Status("UnschedulableAndUnresolvable", "", (reason,))
        return framework.pre_enqueue(pod) or self._classes.compiled(pod, framework)

    def _ended(self, status: Status) -> Diagnosis:
        return Diagnosis(self._core, self._core.nodes.count, pre_filter=status)

    # -- what is there ----------------------------------------------------------------------------

    def nodes(self) -> pa.RecordBatch:
        """A snapshot of the node table, see :func:`kschedcore.columns.nodes.node_batch`."""
        return node_batch(self._core.nodes)

    def __repr__(self) -> str:
        return f"<Engine: {self._core.nodes.count} nodes, {len(self._bound)} bound pods>"
