"""The reasons why a pod has no node: sets of constraints that nodes fail, and the cheapest changes that make it fit.

kube-scheduler's message counts the first plugin that rejects each node, so a constraint hides those that come after
it. Here the engine filters the pod with each of its constraints alone, which gives for every node the whole set
that it fails; the changes that are named were tried on the engine.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from kschedcore.cli.amounts import amount
from kschedcore.cli.constraints import ANTI_AFFINITY, CONSTRAINTS, SPREAD, Constraint, constraints_of, without
from kschedcore.rules.amounts import pod_requests

if TYPE_CHECKING:
    import numpy.typing as npt

    from kschedcore.api.objects import Node, Pod
    from kschedcore.engine.diagnosis import Rejection
    from kschedcore.engine.engine import Engine
    from kschedcore.engine.explanation import Verdicts

__all__ = ["Change", "Inquiries", "WhyNot", "why_not"]

SHOWN: Final = 3
"""Number of changes that are tried and named."""

ZONE: Final = "topology.kubernetes.io/zone"
_MANY_ZONES: Final = 12
_MOST: Final = 16
_MOST_NODES: Final = 10_000
_MOST_REPLICAS: Final = 1_000
"""Bounds of the inquiries in one run, as pods and as pods × nodes."""

_SHORT: Final = "Insufficient "
_CORDON: Final = "cordon"
_UNSCHEDULABLE: Final = "node(s) were unschedulable"
_EXISTING: Final = "node(s) didn't satisfy existing pods anti-affinity rules"
_KEEPS_DOMAINS: Final = frozenset({"taints", "node affinity"})
"""Constraints that choose the domains of a spread constraint, which is never tried without them."""


@dataclass(frozen=True, slots=True)
class Change:
    """A change that makes the pod fit.

    Attributes:
        text: The change in words, with its numbers.
        nodes: How many nodes the pod then fits on.
    """

    text: str
    nodes: int


@dataclass(slots=True)
class WhyNot:
    """The reasons why a pod fits no node.

    Attributes:
        nodes: How many nodes there are.
        groups: The sets of constraints that nodes fail -> the nodes, the smallest sets first.
        reasons: Constraint -> the engine's reason, in kube-scheduler's words.
        needs: Resource -> (what the pod requests, the most that is free on a node), for resources that are short.
        changes: The changes that would make the pod fit, the cheapest first.
        spread: The spread constraints of the pod, in words.
    """

    nodes: int
    groups: dict[frozenset[str], list[str]] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    needs: dict[str, tuple[int, int]] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    spread: str = ""

    @property
    def blocker(self) -> tuple[frozenset[str], int] | None:
        """The smallest set of constraints without which the pod fits on the most nodes, and that number of nodes.

        Constraints that depend on placed pods come before selectors and taints, which do not.
        """
        if not self.groups:
            return None
        fixed = {each.name for each in CONSTRAINTS if each.fixed} | {_CORDON}
        droppable = {names: nodes for names, nodes in self.groups.items() if _droppable(names)} or self.groups
        return min(
            ((names, len(nodes)) for names, nodes in droppable.items()),
            key=lambda item: (len(item[0]), bool(item[0] & fixed), -item[1], _ranks(item[0])),
        )

    @property
    def limit(self) -> str:
        """The blocker in kube-scheduler's words, with the number of nodes that fail only it."""
        if (found := self.blocker) is None:
            return ""
        names, count = found
        reasons = [self.reasons.get(name, name) for name in sorted(names, key=_rank)]
        return f"{' and '.join(dict.fromkeys(reasons))} ({_nodes(count)})"

    def lines(self) -> list[str]:
        """Return the sets of constraints with their nodes, then the changes, each as a line."""
        blocked = [
            f"{_nodes(len(nodes))} {'fails' if len(nodes) == 1 else 'fail'} {self._named(names)}"
            for names, nodes in self.groups.items()
        ]
        more = [f"{_sets(len(blocked) - 4)} more"] if len(blocked) > 4 else []
        needed = [
            f"needs {amount(name, needed)} {name}, best node has {amount(name, free)} free"
            for name, (needed, free) in self.needs.items()
        ]
        changes = [each.text for each in self.changes]
        return [line for line in ("; ".join([*blocked[:4], *more]), "; ".join(needed), *changes) if line]

    def _named(self, names: Collection[str]) -> str:
        alone = " alone" if len(names) == 1 else ""
        return " + ".join(self._name(name) for name in sorted(names, key=_rank)) + alone

    def _name(self, name: str) -> str:
        return self.spread if name == SPREAD.name and self.spread else name

    def as_document(self) -> dict[str, object]:
        """Return it for programs."""
        return {
            "groups": [
                {"constraints": sorted(names, key=_rank), "nodes": len(nodes), "examples": nodes[:3]}
                for names, nodes in self.groups.items()
            ],
            "needs": {
                name: {"requested": needed, "mostFree": free} for name, (needed, free) in self.needs.items()
            },
            "changes": [{"change": each.text, "nodes": each.nodes} for each in self.changes],
        }


def why_not(engine: Engine, pod: Pod, nodes: Iterable[Node]) -> WhyNot:
    """Return why a pod fits no node of an engine; the engine does not change.

    Args:
        engine: The engine.
        pod: A pending pod.
        nodes: The engine's nodes, of which copies may be added to try out where one is lacking.
    """
    known = list(nodes)
    return _Inquiry(engine, pod, [node.metadata.name for node in known]).answer(known)


class Inquiries:
    """Answers of :func:`why_not` for the cluster as it is now: a bounded number, as each looks at every node.

    There are none from an engine that has extenders, which would be called for pods that do not exist.

    Args:
        engine: The engine.
        nodes: The cluster's nodes.
    """

    def __init__(self, engine: Engine, nodes: Iterable[Node]) -> None:
        self._engine = engine
        self._nodes = list(nodes)
        self._names = [node.metadata.name for node in self._nodes]
        bound = min(_MOST, max(1, _MOST_NODES // max(1, len(self._nodes))))
        self._left = self._next_left = 0 if engine.extenders else bound
        self._known: dict[tuple[str, bytes, bytes], WhyNot] = {}

    def answer(self, pod: Pod) -> WhyNot | None:
        """Return the answer for a pod, the same for pods that are alike; None once the bound is reached."""
        key = (
            pod.metadata.namespace or "default",
            msgspec.msgpack.encode(pod.metadata.labels),
            msgspec.msgpack.encode(pod.spec),
        )
        if key not in self._known and self._left:
            self._left -= 1
            self._known[key] = _Inquiry(self._engine, pod, self._names).answer(self._nodes)
        return self._known.get(key)

    def after(self, pod: Pod, replicas: int) -> WhyNot | None:
        """Return the sets of constraints for one more replica of a pod, once so many more are placed.

        None when the bounds are reached, and for pods with claims of their own, which another replica would not have.
        """
        if (
            not self._left
            or replicas > _MOST_REPLICAS
            or any(each.ephemeral for each in pod.spec.volumes or ())
            or any(each.resource_claim_template_name for each in pod.spec.resource_claims or ())
        ):
            return None
        self._next_left -= 1
        with self._engine.what_if() as engine:
            engine.schedule([_named(pod, f"more-{i}") for i in range(replicas)], preempt=False)
            return _Inquiry(engine, _named(pod, "next"), self._names).groups()


def _named(pod: Pod, suffix: str) -> Pod:
    metadata = msgspec.structs.replace(pod.metadata, name=f"{pod.metadata.name}-{suffix}", uid="")
    return msgspec.structs.replace(pod, metadata=metadata)


class _Inquiry:
    """The examination of one pod, and its results."""

    def __init__(self, engine: Engine, pod: Pod, names: list[str]) -> None:
        self._engine = engine
        self._pod = pod
        self._names = names
        self._has = constraints_of(pod)
        self._group: npt.NDArray[np.intp] = np.zeros(0, np.intp)
        self._sets: list[frozenset[str]] = [frozenset()]
        self._found = WhyNot(0)
        self._requests = {name: n for name, n in pod_requests(pod.spec).items() if n}
        self._free: dict[str, dict[str, int]] = {}

    def answer(self, nodes: list[Node]) -> WhyNot:
        """Return the sets of constraints, the numbers and the changes."""
        found = self.groups()
        self._free = {name: self._engine.free(name) for name in self._requests}
        self._count_needs()
        self._try_changes()
        self._try_nodes(nodes)
        return found

    def groups(self) -> WhyNot:
        """Return the sets of constraints that nodes fail."""
        found = self._found
        found.nodes = len(self._names)
        residual = {each.name for each in self._has}
        order = self._look(residual).nodes
        for each in self._has:
            self._look(residual - {each.name} - (_KEEPS_DOMAINS if each is SPREAD else set()), each)
        # Replicas have anti-affinity as well, and it goes from them when it goes.
        self._sets = [each - {_EXISTING} if ANTI_AFFINITY in each else each for each in self._sets]
        places = {name: place for place, name in enumerate(order)}
        self._names = [name for name in self._names if name in places]
        self._group = self._group[[places[name] for name in self._names]]
        for node, group in zip(self._names, self._group.tolist(), strict=True):
            found.groups.setdefault(self._sets[group], []).append(node)
        found.groups.pop(frozenset(), None)
        found.groups = dict(
            sorted(found.groups.items(), key=lambda item: (len(item[0]), -len(item[1]), _ranks(item[0])))
        )
        found.spread = _spread_in_words(self._pod)
        return found

    def _look(self, dropped: Collection[str], only: Constraint | None = None) -> Verdicts:
        """Record which nodes reject the pod without some constraints."""
        verdicts = self._engine.verdicts(without(self._pod, dropped))
        if not len(self._group):
            self._group = np.zeros(len(verdicts.nodes), np.intp)
        if verdicts.pre_filter is not None:
            self._record(np.zeros(len(verdicts.nodes), np.intp), [verdicts.pre_filter.reasons], only)
        elif verdicts.rejections:
            self._record(verdicts.codes, [_reasons_of(each, only) for each in verdicts.rejections], only)
        return verdicts

    def _record(
        self, codes: npt.NDArray[np.intp], reasons: list[tuple[str, ...]], only: Constraint | None
    ) -> None:
        """Split the groups of nodes by their verdicts, an index in ``reasons`` or -1 for none."""
        count = len(reasons) + 1
        pairs, first, place_of = np.unique(
            self._group * count + codes + 1, return_index=True, return_inverse=True
        )
        sets: dict[frozenset[str], int] = {}
        groups = np.zeros(len(pairs), np.intp)
        for place in np.argsort(first).tolist():
            group, code = divmod(int(pairs[place]), count)
            failed = self._sets[group]
            if code:
                failed = self._with(failed, reasons[code - 1], only)
            groups[place] = sets.setdefault(failed, len(sets))
        self._sets = list(sets)
        self._group = groups[place_of]

    def _with(
        self, failed: frozenset[str], reasons: tuple[str, ...], only: Constraint | None
    ) -> frozenset[str]:
        """Return a set of constraints with what is behind some reasons, which one constraint alone may give."""
        if only is None:
            return failed.union(reasons)
        if only.name == "requests":
            short = {each.removeprefix(_SHORT): each for each in reasons if each.startswith(_SHORT)}
            self._found.reasons.update(short)
            return failed.union(short)
        if new := [each for each in reasons if each not in failed]:
            name = _CORDON if new[0] == _UNSCHEDULABLE else only.name
            self._found.reasons.setdefault(name, new[0])
            return failed | {name}
        return failed

    def _failing_only(self, constraints: Collection[str]) -> list[str]:
        """Return the nodes that fail no other constraints than some."""
        within = np.array([each <= set(constraints) for each in self._sets], np.bool_)
        return [self._names[place] for place in np.flatnonzero(within[self._group]).tolist()]

    def _count_needs(self) -> None:
        """Compare the requests with the best of the nodes that fail nothing else, or of all when there is none."""
        short = {name for failed in self._found.groups for name in failed if name in self._requests}
        for name in [each for each in self._requests if each in short]:
            free = self._free[name]
            fitting = [free[node] for node in self._failing_only(short)]
            best = max(fitting or free.values(), default=0)
            if best < self._requests[name]:
                self._found.needs[name] = self._requests[name], max(best, 0)

    def _try_changes(self) -> None:
        candidates = [failed for failed in self._found.groups if _droppable(failed)]
        minimal = [each for each in candidates if not any(other < each for other in candidates)]
        for failed in minimal[:SHOWN]:
            short = failed & self._requests.keys()
            others = failed - short
            if self._belongs_to_node and "node affinity" in others:
                continue
            nodes = self._failing_only(failed)
            texts = [self._drop_text(name) for name in sorted(others, key=_rank)]
            if short:
                text, nodes = self._less(short, nodes)
                texts.insert(0, text)
            elif ANTI_AFFINITY not in others and self._feasible(others) == 0:
                continue
            self._found.changes.append(
                Change(f"fits on {_nodes(len(nodes))} {' and '.join(texts)}", len(nodes))
            )

    @property
    def _belongs_to_node(self) -> bool:
        owners = self._pod.metadata.owner_references or ()
        return any(each.controller and each.kind == "DaemonSet" for each in owners)

    def _feasible(self, dropped: Collection[str]) -> int:
        dropped = {"taints" if each == _CORDON else each for each in dropped}
        return self._engine.decide(without(self._pod, dropped), preempt=False).feasible

    def _less(self, short: Collection[str], nodes: Sequence[str]) -> tuple[str, list[str]]:
        """Return the smallest cut of requests that lets the pod onto one of the nodes, and the nodes it then fits."""
        lacks = {
            node: {name: max(0, self._requests[name] - self._free[name][node]) for name in short}
            for node in nodes
        }
        least = min(lacks.values(), key=lambda lack: sum(lack[name] / self._requests[name] for name in lack))
        enough = [node for node, lack in lacks.items() if all(lack[name] <= least[name] for name in short)]
        parts = [f"{amount(name, least[name])} {name}" for name in self._requests if least.get(name)]
        whole = all(least[name] == self._requests[name] for name in short)
        return f"with {' and '.join(parts)} {'more free' if whole else 'less'}", enough

    def _drop_text(self, name: str) -> str:
        if name == SPREAD.name:
            return f"without {self._found.spread or name}"
        if name == _CORDON:
            return "once uncordoned"
        if name == "taints":
            return "with tolerations of taints"
        return f"without its {name}" if name != "host ports" else "without its host ports"

    def _try_nodes(self, nodes: list[Node]) -> None:
        """Try one more node in each zone, where the constraints are about more than requests."""
        about_zones = any(failed & {SPREAD.name, "node affinity"} for failed in self._found.groups)
        if not nodes or not about_zones or self._belongs_to_node:
            return
        by_zone: dict[str, Node] = {}
        for node in nodes:
            by_zone.setdefault((node.metadata.labels or {}).get(ZONE, ""), node)
        wanted = [*by_zone, *(zone for zone in _required_zones(self._pod) if zone not in by_zone)]
        for zone in [each for each in wanted if each][:_MANY_ZONES]:
            example = by_zone.get(zone, nodes[0])
            with self._engine.what_if() as engine:
                engine.set_node(_copy(example, zone))
                fits = engine.decide(self._pod, preempt=False).node is not None
            if fits:
                another = "another node" if zone in by_zone else "a node"
                self._found.changes.append(
                    Change(f"fits if {zone} had {another} like {example.metadata.name}", 1)
                )


def _reasons_of(rejection: Rejection, only: Constraint | None) -> tuple[str, ...]:
    """Return the reasons of a verdict that are about a constraint; none for those of other plugins."""
    if only is SPREAD and rejection.plugin != "PodTopologySpread":
        return ()
    if only is None or rejection.reasons:
        return rejection.reasons
    # A node that PreFilter left out: the affinity names others.
    return ("node(s) didn't match Pod's node affinity/selector",)


def _copy(node: Node, zone: str) -> Node:
    name = f"{node.metadata.name}-copy"
    labels = {**(node.metadata.labels or {}), ZONE: zone, "kubernetes.io/hostname": name}
    return msgspec.structs.replace(
        node, metadata=msgspec.structs.replace(node.metadata, name=name, labels=labels)
    )


def _required_zones(pod: Pod) -> list[str]:
    selector = pod.spec.node_selector or {}
    zones = [selector[ZONE]] if ZONE in selector else []
    affinity = pod.spec.affinity.node_affinity if pod.spec.affinity is not None else None
    required = affinity.required_during_scheduling_ignored_during_execution if affinity is not None else None
    for term in (required.node_selector_terms or ()) if required is not None else ():
        for each in term.match_expressions or ():
            if each.key == ZONE and each.operator == "In":
                zones += each.values or ()
    return zones


def _spread_in_words(pod: Pod) -> str:
    hard = [
        f"maxSkew {each.max_skew} over {each.topology_key}"
        for each in pod.spec.topology_spread_constraints or ()
        if each.when_unsatisfiable == "DoNotSchedule"
    ]
    return f"topology spread ({', '.join(hard)})" if hard else ""


def _droppable(names: Iterable[str]) -> bool:
    """Whether a pod can do without all of the constraints; others are the engine's own reasons, in words."""
    known = {each.name for each in CONSTRAINTS} | {_CORDON}
    return all(name in known or _is_resource(name) for name in names)


def _is_resource(name: str) -> bool:
    return " " not in name


def _rank(name: str) -> tuple[int, str]:
    order = [*(each.name for each in CONSTRAINTS), _CORDON]
    return (
        0 if _is_resource(name) and name not in order else 1 + order.index(name) if name in order else 99
    ), name


def _ranks(names: Iterable[str]) -> list[tuple[int, str]]:
    return sorted(map(_rank, names))


def _nodes(count: int) -> str:
    return "1 node" if count == 1 else f"{count} nodes"


def _sets(count: int) -> str:
    return "1 set of constraints" if count == 1 else f"{count} sets of constraints"
