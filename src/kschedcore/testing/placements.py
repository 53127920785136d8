"""Placements of pods: current or computed, by topology domain, with explanations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, overload

import msgspec

from kschedcore.api.objects import Node, Pod, PodStatus
from kschedcore.api.phases import FINISHED
from kschedcore.api.selectors import Selector, parse_selector
from kschedcore.engine.binding import key_of
from kschedcore.engine.decision import Decision
from kschedcore.engine.engine import Engine
from kschedcore.engine.explanation import Explanation
from kschedcore.engine.plugin import Plugin
from kschedcore.errors import UsageError
from kschedcore.manifests.manifests import Manifests
from kschedcore.manifests.workloads import workload_of
from kschedcore.testing.sources import ClusterSource, manifests_of

__all__ = ["Placement", "Placements", "place", "selector_of"]

_replace = msgspec.structs.replace


@dataclass(frozen=True, eq=False)
class Placement:
    """One pod and its node.

    Attributes:
        pod: The pod.
        node: Its node's name, or None.
        decision: The decision; None for a pod that was already bound.
    """

    pod: Pod
    node: str | None
    decision: Decision | None = None

    @property
    def name(self) -> str:
        """The pod as ``namespace/name``."""
        return "/".join(key_of(self.pod))


@dataclass(frozen=True)
class _Run:
    """A run of the scheduler: the cluster, the pods placed in order, and the configuration."""

    manifests: Manifests
    plugins: Sequence[type[Plugin]] = ()
    seed: int | None = None
    placements: list[Placement] = field(default_factory=list)

    def engine(self, manifests: Manifests) -> Engine:
        """Return an engine for a cluster with the configuration of this run."""
        return Engine(
            manifests,
            config=manifests.config,
            plugins=self.plugins,
            tie_break="first" if self.seed is None else "random",
            seed=self.seed or 0,
        )

    def place(self, pods: Iterable[Pod]) -> None:
        """Place pods, in queue order, after those already bound."""
        self.placements.extend(Placement(pod, pod.spec.node_name) for pod in self.manifests.bound)
        decisions = self.engine(self.manifests).schedule(pods)
        self.placements.extend(Placement(each.pod, each.node, each) for each in decisions)

    def objects(self) -> list[Mapping[str, Any]]:
        """Return all objects except pods."""
        return [obj for (kind, _, _), obj in self.manifests.objects.items() if kind != "Pod"]

    def manifest(self, placement: Placement) -> dict[str, Any]:
        """Return the cluster when the pod was scheduled."""
        before = [each for each in self.placements if each.decision is None]
        if placement.decision is not None:
            before += self.placements[len(before) : self.placements.index(placement)]
        pods = [_standing(each) for each in before if each is not placement]
        decided = {each.name for each in (*before, placement)}
        pods += [_object(pod) for pod in self._nominated() if "/".join(key_of(pod)) not in decided]
        own = _waiting(placement.pod) if placement.decision is None else _object(placement.pod)
        items = [*self.objects(), *pods, own]
        return {"apiVersion": "v1", "kind": "List", "items": items}

    def _nominated(self) -> Iterator[Pod]:
        """Return the pods that were nominated before the run."""
        return (pod for pod in self.manifests.pending if pod.status.nominated_node_name)


def _object(pod: Pod) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Pod", **msgspec.to_builtins(pod)}


def _waiting(pod: Pod) -> dict[str, Any]:
    """Return the pod without a node."""
    return _object(_replace(pod, spec=_replace(pod.spec, node_name=None), status=PodStatus()))


def _standing(placement: Placement) -> dict[str, Any]:
    """Return the pod for later decisions: bound to its node, or nominated to one."""
    pod = placement.pod
    if placement.node is not None:
        return _object(_replace(pod, spec=_replace(pod.spec, node_name=placement.node)))
    decision = placement.decision
    nominated = decision.nominated_node if decision is not None else pod.status.nominated_node_name
    return _object(_replace(pod, status=PodStatus(nominated_node_name=nominated)))


def _belongs_to_node(pod: Pod) -> bool:
    """Return whether no controller recreates the pod on another node."""
    workload = workload_of(pod)
    tied = workload is not None and workload[0] in ("DaemonSet", "Node")
    return tied or pod.metadata.deletion_timestamp is not None


def place(
    *what: ClusterSource,
    only: Callable[[Pod], bool] | None = None,
    plugins: Iterable[type[Plugin]] = (),
    seed: int | None = None,
) -> Placements:
    """Place all pending pods of a cluster, one after another, as ``kschedcore schedule`` does.

    The arguments are not changed. A KubeSchedulerConfiguration among them is applied. Preemption nominates nodes
    but evicts no pods; use a :class:`kschedcore.Cluster` for that.

    Args:
        what: A cluster and the pods or workloads to place: ``place("cluster.json", "app.yaml")``, see
            :data:`kschedcore.testing.sources.ClusterSource`.
        only: The pending pods to place; all by default.
        plugins: Custom scheduling plugins that the configuration may name.
        seed: Seed of the choice among equally good nodes; by default the first by name is chosen.

    Returns:
        The pods that have a node already, then the placed ones, in queue order.

    Raises:
        KschedcoreError: An input is invalid, or kube-scheduler would refuse the configuration.
    """
    run = _Run(manifests_of(*what), tuple(plugins), seed)
    run.place(pod for pod in run.manifests.pending if only is None or only(pod))
    return Placements(run, run.placements)


def selector_of(text: str) -> Selector:
    """Parse a label selector.

    Raises:
        UsageError: It is not a label selector.
    """
    try:
        return parse_selector(text)
    except ValueError as fault:
        raise UsageError(f"selector {text!r}: {fault}") from None


class Placements(Sequence[Placement]):
    """Pods and their nodes, in the order in which they were scheduled.

    Returned by :func:`place`, or by :meth:`of` for an existing cluster. :meth:`select` and :meth:`by` return subsets,
    which are placements again.
    """

    def __init__(self, run: _Run, items: Sequence[Placement]) -> None:
        self._run = run
        self._items = tuple(items)

    @classmethod
    def of(cls, *cluster: ClusterSource) -> Placements:
        """Return the bound pods of a cluster, without placing any. Finished pods are left out.

        Args:
            cluster: The cluster, see :data:`kschedcore.testing.sources.ClusterSource`.

        Raises:
            KschedcoreError: It cannot be read.
        """
        run = _Run(manifests_of(*cluster))
        run.placements.extend(
            Placement(pod, pod.spec.node_name or None)
            for pod in run.manifests.pods
            if pod.status.phase not in FINISHED
        )
        return cls(run, run.placements)

    @overload
    def __getitem__(self, index: int) -> Placement: ...
    @overload
    def __getitem__(self, index: slice) -> Placements: ...
    def __getitem__(self, index: int | slice) -> Placement | Placements:
        return self._part(self._items[index]) if isinstance(index, slice) else self._items[index]

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Placement]:
        return iter(self._items)

    def __repr__(self) -> str:
        shown = ", ".join(f"{each.name} -> {each.node or '<none>'}" for each in self._items)
        return f"<Placements: {shown or 'none'}>"

    def _part(self, items: Iterable[Placement]) -> Placements:
        return Placements(self._run, tuple(items))

    # -- parts ------------------------------------------------------------------------------------

    @property
    def placed(self) -> Placements:
        """The pods with a node."""
        return self._part(each for each in self._items if each.node is not None)

    @property
    def unplaced(self) -> Placements:
        """The pods without a node."""
        return self._part(each for each in self._items if each.node is None)

    @property
    def names(self) -> list[str]:
        """The names of the pods, as ``namespace/name``."""
        return [each.name for each in self._items]

    @property
    def nodes(self) -> dict[str, Node]:
        """The nodes of the cluster, by name."""
        return {node.metadata.name: node for node in self._run.manifests.nodes}

    def select(self, selector: str, namespace: str | None = None) -> Placements:
        """Return the pods selected by labels, as ``kubectl get pods -l`` does.

        Args:
            selector: ``app=web,tier!=cache``.
            namespace: Only pods of this namespace.

        Raises:
            UsageError: The selector cannot be read.
        """
        matches = selector_of(selector).matches
        return self._part(
            each
            for each in self._items
            if matches(each.pod.metadata.labels or {}) and namespace in (None, key_of(each.pod)[0])
        )

    def named(self, names: Iterable[str]) -> Placements:
        """Return the pods of some names, each as ``namespace/name``."""
        wanted = set(names)
        return self._part(each for each in self._items if each.name in wanted)

    def on(self, selector: str) -> Placements:
        """Return the pods on nodes selected by labels.

        Raises:
            UsageError: The selector cannot be read.
        """
        names = self.nodes_with(selector)
        return self._part(each for each in self._items if each.node in names)

    def nodes_with(self, selector: str) -> list[str]:
        """Return the nodes whose labels match, by name.

        Raises:
            UsageError: The selector cannot be read.
        """
        matches = selector_of(selector).matches
        return [name for name, node in sorted(self.nodes.items()) if matches(node.metadata.labels or {})]

    def by(self, topology_key: str) -> dict[str, Placements]:
        """Return topology domain -> pods on its nodes, domains without pods included, in order of name.

        Args:
            topology_key: ``topology.kubernetes.io/zone``; nodes without this label are in no domain.
        """
        domain = {name: (node.metadata.labels or {}).get(topology_key) for name, node in self.nodes.items()}
        return {
            each: self._part(item for item in self._items if item.node and domain.get(item.node) == each)
            for each in sorted({value for value in domain.values() if value is not None})
        }

    # -- what if, and why -------------------------------------------------------------------------

    def without(self, selector: str) -> Placements:
        """Return the same pods after some nodes were removed: pods on them are placed again on the other nodes.

        All pods that were placed together with these are placed again too, and compete. Pods of DaemonSets, static
        pods and terminating pods are removed with their node.

        Args:
            selector: The nodes that are lost, by their labels.

        Raises:
            UsageError: The selector cannot be read, or no node has such labels.
        """
        lost = set(self.nodes_with(selector))
        if not lost:
            raise UsageError(f"selector {selector!r}: no node has such labels")
        run = self._run
        kept = [obj for obj in run.objects() if obj["kind"] != "Node" or obj["metadata"]["name"] not in lost]
        pods = []
        for each in run.placements:
            if each.node is not None and each.node not in lost:
                pods.append(_standing(each))
            elif each.node is None or not _belongs_to_node(each.pod):
                pods.append(_waiting(each.pod))
        return place([*kept, *pods], plugins=run.plugins, seed=run.seed).named(self.names)

    def explain(self, placement: Placement) -> Explanation:
        """Return the explanation of one of these pods, as of the time it was scheduled."""
        manifests = manifests_of(self.manifest(placement))
        [pod] = [pod for pod in manifests.pending if key_of(pod) == key_of(placement.pod)]
        return self._run.engine(manifests).explain(pod)

    def manifest(self, placement: Placement) -> dict[str, Any]:
        """Return a ``v1.List`` of objects with which ``kschedcore explain`` makes the same decision."""
        return self._run.manifest(placement)

    @property
    def own_plugins(self) -> bool:
        """Whether custom plugins are used, which the command line does not have."""
        return bool(self._run.plugins)
