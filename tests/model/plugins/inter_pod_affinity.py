"""InterPodAffinity: pods that want, or refuse, to share a topology domain with other pods."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tests.model.framework import MAX_NODE_SCORE, SKIP, Plugin, Prepared, Scores, Status
from tests.model.labels import Json, Labels, Selector, is_empty, label_selector
from tests.model.plugins.node_affinity import PREFERRED, REQUIRED
from tests.model.snapshot import NodeInfo, Objects, Snapshot, labels_of, namespace_of

TopologyPair = tuple[str, str]


@dataclass(frozen=True)
class Term:
    """A pod (anti-)affinity term, its namespaces resolved as far as the term's owner allows."""

    key: str
    selector: Selector
    namespaces: frozenset[str]
    namespace_selector: Selector
    weight: int = 0

    def matches(self, pod: Json, namespace_labels: Labels) -> bool:
        in_namespace = namespace_of(pod) in self.namespaces or self.namespace_selector(namespace_labels)
        return in_namespace and self.selector(labels_of(pod))

    def pair(self, info: NodeInfo) -> TopologyPair | None:
        """The node's domain, if it has one under this term's key."""
        value = info.labels.get(self.key)
        return None if value is None else (self.key, value)


def terms(pod: Json, kind: str, when: str) -> list[Term]:
    """The pod's terms of one kind (`podAffinity`, `podAntiAffinity`), required or preferred."""
    listed = ((pod["spec"].get("affinity") or {}).get(kind) or {}).get(when) or []
    if when == REQUIRED:
        return [_term(pod, term) for term in listed]
    return [_term(pod, term["podAffinityTerm"], term["weight"]) for term in listed]


def _term(pod: Json, term: Json, weight: int = 0) -> Term:
    """No namespaces and no selector for them means the pod's own namespace."""
    names = term.get("namespaces") or []
    if not names and term.get("namespaceSelector") is None:
        names = [namespace_of(pod)]
    return Term(
        key=term["topologyKey"],
        selector=label_selector(term.get("labelSelector")),
        namespaces=frozenset(names),
        namespace_selector=label_selector(term.get("namespaceSelector")),
        weight=weight,
    )


def incoming_terms(pod: Json, kind: str, when: str, objects: Objects) -> list[Term]:
    """Terms of the pod to place: a namespace selector that is not empty selects known namespaces only."""
    listed = ((pod["spec"].get("affinity") or {}).get(kind) or {}).get(when) or []
    bodies = listed if when == REQUIRED else [term["podAffinityTerm"] for term in listed]
    return [
        term if is_empty(body.get("namespaceSelector")) else _resolved(term, objects)
        for term, body in zip(terms(pod, kind, when), bodies, strict=True)
    ]


def _resolved(term: Term, objects: Objects) -> Term:
    selected = {name for name, ns in objects.namespaces.items() if term.namespace_selector(labels_of(ns))}
    return Term(term.key, term.selector, term.namespaces | selected, lambda labels: False, term.weight)


def matches_all(wanted: list[Term], pod: Json) -> bool:
    """Whether the pod matches every term; no terms match nothing. Namespace selectors are resolved by now."""
    return bool(wanted) and all(term.matches(pod, {}) for term in wanted)


@dataclass
class FilterState:
    """Matching pods by topology pair; a pair that no pod stands for is not there."""

    affinity_terms: list[Term]
    anti_affinity_terms: list[Term]
    namespace_labels: Labels
    affinity: Counter[TopologyPair]
    anti_affinity: Counter[TopologyPair]
    existing_anti_affinity: Counter[TopologyPair]

    def account(self, pod: Json, other: Json, info: NodeInfo, change: int) -> None:
        """`other` runs on the node (1) or no longer does (-1)."""
        refused = [
            t for t in terms(other, "podAntiAffinity", REQUIRED) if t.matches(pod, self.namespace_labels)
        ]
        _tally(self.existing_anti_affinity, refused, info, change)
        if matches_all(self.affinity_terms, other):
            _tally(self.affinity, self.affinity_terms, info, change)
        matched = [term for term in self.anti_affinity_terms if term.matches(other, {})]
        _tally(self.anti_affinity, matched, info, change)


def _tally(counts: Counter[TopologyPair], counted: Iterable[Term], info: NodeInfo, change: int) -> None:
    for term in counted:
        pair = term.pair(info)
        if pair is None:
            continue
        counts[pair] += change
        if counts[pair] == 0:
            del counts[pair]


class InterPodAffinity(Plugin):
    name = "InterPodAffinity"
    extension_points = frozenset({"preFilter", "filter", "preScore", "score"})

    def __init__(self, args: Json) -> None:
        self.hard_weight: int = args.get("hardPodAffinityWeight", 1)
        self.ignore_preferred_of_existing: bool = args.get("ignorePreferredTermsOfExistingPods", False)

    def pre_filter(self, pod: Json, snapshot: Snapshot) -> Prepared:
        state = FilterState(
            incoming_terms(pod, "podAffinity", REQUIRED, snapshot.objects),
            incoming_terms(pod, "podAntiAffinity", REQUIRED, snapshot.objects),
            snapshot.objects.namespace_labels(namespace_of(pod)),
            Counter(),
            Counter(),
            Counter(),
        )
        for info in snapshot.nodes:
            for other in info.pods:
                state.account(pod, other, info, 1)
        if not (state.existing_anti_affinity or state.affinity_terms or state.anti_affinity_terms):
            return SKIP
        return Prepared(state)

    def add_pod(self, state: FilterState, pod: Json, added: Json, info: NodeInfo) -> None:
        state.account(pod, added, info, 1)

    def remove_pod(self, state: FilterState, pod: Json, removed: Json, info: NodeInfo) -> None:
        state.account(pod, removed, info, -1)

    def filter(self, state: FilterState, pod: Json, info: NodeInfo) -> Status | None:
        if not self._affinity_holds(state, pod, info):
            return self.unresolvable("node(s) didn't match pod affinity rules")
        if any(state.anti_affinity[pair] > 0 for t in state.anti_affinity_terms if (pair := t.pair(info))):
            return self.unschedulable("node(s) didn't match pod anti-affinity rules")
        if any(state.existing_anti_affinity[pair] > 0 for pair in info.labels.items()):
            return self.unschedulable("node(s) didn't satisfy existing pods anti-affinity rules")
        return None

    @staticmethod
    def _affinity_holds(state: FilterState, pod: Json, info: NodeInfo) -> bool:
        """The first pod of a group that wants its own company may go to any node that has the keys."""
        pairs = [term.pair(info) for term in state.affinity_terms]
        if any(pair is None for pair in pairs):
            return False
        if all(state.affinity[pair] > 0 for pair in pairs if pair):
            return True
        return not state.affinity and matches_all(state.affinity_terms, pod)

    def pre_score(self, pod: Json, feasible: list[NodeInfo], snapshot: Snapshot) -> Prepared:
        """Weights by topology pair, from pods on all nodes; nothing gathered means nothing to score."""
        objects = snapshot.objects
        wanted = incoming_terms(pod, "podAffinity", PREFERRED, objects)
        unwanted = incoming_terms(pod, "podAntiAffinity", PREFERRED, objects)
        if self.ignore_preferred_of_existing and not (wanted or unwanted):
            return SKIP
        namespace_labels = objects.namespace_labels(namespace_of(pod))
        weights: dict[TopologyPair, int] = {}
        for info in snapshot.nodes:
            for other in info.pods:
                _weigh(weights, [t for t in wanted if t.matches(other, {})], info, 1)
                _weigh(weights, [t for t in unwanted if t.matches(other, {})], info, -1)
                self._weigh_existing(weights, pod, namespace_labels, other, info)
        return Prepared(weights) if weights else SKIP

    def _weigh_existing(
        self,
        weights: dict[TopologyPair, int],
        pod: Json,
        namespace_labels: Labels,
        other: Json,
        info: NodeInfo,
    ) -> None:
        """The preferences of a running pod about the pod to place; its required affinity counts as one, too."""

        def matching(kind: str, when: str) -> list[Term]:
            return [term for term in terms(other, kind, when) if term.matches(pod, namespace_labels)]

        if self.hard_weight > 0:
            required = matching("podAffinity", REQUIRED)
            _weigh(weights, required, info, 1, self.hard_weight)
        _weigh(weights, matching("podAffinity", PREFERRED), info, 1)
        _weigh(weights, matching("podAntiAffinity", PREFERRED), info, -1)

    def score(self, state: dict[TopologyPair, int], pod: Json, info: NodeInfo) -> int:
        return sum(state.get(pair, 0) for pair in info.labels.items())

    def normalize(self, state: Any, scores: Scores) -> Scores:
        lowest, highest = min(scores.values()), max(scores.values())
        span = highest - lowest
        if span == 0:
            return dict.fromkeys(scores, 0)
        return {node: int(MAX_NODE_SCORE * ((score - lowest) / span)) for node, score in scores.items()}


def _weigh(
    weights: dict[TopologyPair, int],
    matched: list[Term],
    info: NodeInfo,
    sign: int,
    weight: int | None = None,
) -> None:
    for term in matched:
        pair = term.pair(info)
        if pair is not None:
            weights[pair] = weights.get(pair, 0) + sign * (term.weight if weight is None else weight)
