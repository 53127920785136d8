"""PodTopologySpread: keep matching pods even across topology domains, or prefer nodes that do."""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import floor, log

from tests.model.framework import MAX_NODE_SCORE, SKIP, Plugin, Prepared, Scores, Status
from tests.model.labels import Json, Selector, every, is_empty, label_selector, requirements
from tests.model.plugins.node_affinity import matches_required
from tests.model.plugins.taint_toleration import untolerated_taint
from tests.model.snapshot import Key, NodeInfo, Objects, Snapshot, is_terminating, labels_of, namespace_of

HOSTNAME = "kubernetes.io/hostname"
ZONE = "topology.kubernetes.io/zone"
SYSTEM_DEFAULTS = [
    {"topologyKey": HOSTNAME, "maxSkew": 3, "whenUnsatisfiable": "ScheduleAnyway"},
    {"topologyKey": ZONE, "maxSkew": 5, "whenUnsatisfiable": "ScheduleAnyway"},
]
MISMATCH = "node(s) didn't match pod topology spread constraints"


@dataclass(frozen=True)
class Constraint:
    """A spread constraint with its defaults filled in."""

    max_skew: int
    key: str
    selector: Selector
    selector_is_empty: bool
    min_domains: int = 1
    honor_affinity: bool = True
    honor_taints: bool = False

    def counts_node(self, pod: Json, info: NodeInfo) -> bool:
        """`nodeAffinityPolicy` and `nodeTaintsPolicy`: whether pods on this node count."""
        if self.honor_affinity and not matches_required(pod, info):
            return False
        return not self.honor_taints or untolerated_taint(info.taints, pod) is None

    def count(self, pods: tuple[Json, ...], namespace: str) -> int:
        """Matching pods of the namespace that are not on their way out; an empty selector counts none."""
        if self.selector_is_empty:
            return 0
        return sum(
            1
            for pod in pods
            if namespace_of(pod) == namespace and not is_terminating(pod) and self.selector(labels_of(pod))
        )


@dataclass
class SpreadState:
    """Per constraint, matching pods by domain."""

    constraints: list[Constraint]
    counts: list[dict[str, int]]

    def has_all_keys(self, info: NodeInfo) -> bool:
        return all(constraint.key in info.labels for constraint in self.constraints)


@dataclass
class SpreadScoreState(SpreadState):
    """With what scoring needs besides."""

    weights: list[float] = field(default_factory=list)
    ignored: set[str] = field(default_factory=set)


def own_constraints(pod: Json, when: str) -> list[Constraint]:
    """The pod's own constraints of one kind; `matchLabelKeys` adds the pod's own values to the selector."""
    return [
        _constraint(c, *_with_match_label_keys(c, pod))
        for c in pod["spec"].get("topologySpreadConstraints") or []
        if c["whenUnsatisfiable"] == when
    ]


def _with_match_label_keys(constraint: Json, pod: Json) -> tuple[Selector, bool]:
    selector = constraint.get("labelSelector")
    own = {k: labels_of(pod)[k] for k in constraint.get("matchLabelKeys") or [] if k in labels_of(pod)}
    if not own:
        return label_selector(selector), is_empty(selector)
    return every([*requirements({"matchLabels": own}), *requirements(selector or {})]), False


def _constraint(constraint: Json, selector: Selector, selector_is_empty: bool) -> Constraint:
    return Constraint(
        max_skew=constraint["maxSkew"],
        key=constraint["topologyKey"],
        selector=selector,
        selector_is_empty=selector_is_empty,
        min_domains=constraint.get("minDomains") or 1,
        honor_affinity=(constraint.get("nodeAffinityPolicy") or "Honor") == "Honor",
        honor_taints=(constraint.get("nodeTaintsPolicy") or "Ignore") == "Honor",
    )


def owners_selector(pod: Json, objects: Objects) -> Selector | None:
    """The combined selector of the pod's services and controlling owner; None when they have none."""
    found: list[Selector] = []
    for (namespace, _), service in objects.services.items():
        selector = (service.get("spec") or {}).get("selector")
        wanted = requirements({"matchLabels": selector}) if selector else []
        if wanted and namespace == namespace_of(pod) and every(wanted)(labels_of(pod)):
            found += wanted
    found += _controller_requirements(pod, objects)
    return every(found) if found else None


def _controller_requirements(pod: Json, objects: Objects) -> list[Selector]:
    owner = next((o for o in pod["metadata"].get("ownerReferences") or [] if o.get("controller")), None)
    if owner is None:
        return []
    stores: dict[tuple[str, str], tuple[dict[Key, Json], Callable[[Json], Json]]] = {
        ("v1", "ReplicationController"): (objects.replication_controllers, lambda s: {"matchLabels": s}),
        ("apps/v1", "ReplicaSet"): (objects.replica_sets, lambda s: s),
        ("apps/v1", "StatefulSet"): (objects.stateful_sets, lambda s: s),
    }
    store, as_selector = stores.get((owner.get("apiVersion", ""), owner.get("kind", "")), ({}, dict))
    controller = store.get((namespace_of(pod), owner["name"]))
    selector = ((controller or {}).get("spec") or {}).get("selector")
    return requirements(as_selector(selector)) if selector else []


class PodTopologySpread(Plugin):
    name = "PodTopologySpread"
    extension_points = frozenset({"preFilter", "filter", "preScore", "score"})

    def __init__(self, args: Json) -> None:
        self.system_defaulted = (args.get("defaultingType") or "System") == "System"
        self.defaults: list[Json] = (
            SYSTEM_DEFAULTS if self.system_defaulted else args.get("defaultConstraints") or []
        )

    def constraints(self, pod: Json, when: str, objects: Objects) -> list[Constraint]:
        """A pod's own constraints, even of the other kind only, replace the defaults."""
        if pod["spec"].get("topologySpreadConstraints"):
            return own_constraints(pod, when)
        defaults = [c for c in self.defaults if c["whenUnsatisfiable"] == when]
        selector = owners_selector(pod, objects) if defaults else None
        return [_constraint(c, selector, selector_is_empty=False) for c in defaults] if selector else []

    def pre_filter(self, pod: Json, snapshot: Snapshot) -> Prepared:
        """Domains come from nodes that have every hard constraint's key and that the constraint counts."""
        constraints = self.constraints(pod, "DoNotSchedule", snapshot.objects)
        if not constraints:
            return SKIP
        state = SpreadState(constraints, [{} for _ in constraints])
        for info in snapshot.nodes:
            if not state.has_all_keys(info):
                continue
            for constraint, counts in zip(constraints, state.counts, strict=True):
                if constraint.counts_node(pod, info):
                    domain = info.labels[constraint.key]
                    matching = constraint.count(info.pods, namespace_of(pod))
                    counts[domain] = counts.get(domain, 0) + matching
        return Prepared(state)

    def add_pod(self, state: SpreadState, pod: Json, added: Json, info: NodeInfo) -> None:
        self._recount(state, pod, added, info, 1)

    def remove_pod(self, state: SpreadState, pod: Json, removed: Json, info: NodeInfo) -> None:
        self._recount(state, pod, removed, info, -1)

    @staticmethod
    def _recount(state: SpreadState, pod: Json, other: Json, info: NodeInfo, change: int) -> None:
        if namespace_of(other) != namespace_of(pod) or not state.has_all_keys(info):
            return
        for constraint, counts in zip(state.constraints, state.counts, strict=True):
            if constraint.selector(labels_of(other)) and constraint.counts_node(pod, info):
                domain = info.labels[constraint.key]
                counts[domain] = counts.get(domain, 0) + change

    def filter(self, state: SpreadState, pod: Json, info: NodeInfo) -> Status | None:
        for constraint, counts in zip(state.constraints, state.counts, strict=True):
            if constraint.key not in info.labels:
                return self.unresolvable(f"{MISMATCH} (missing required label)")
            fewest = min(counts.values()) if len(counts) >= constraint.min_domains and counts else 0
            itself = 1 if constraint.selector(labels_of(pod)) else 0
            here = counts.get(info.labels[constraint.key], 0)
            if here + itself - fewest > constraint.max_skew:
                return self.unschedulable(MISMATCH)
        return None

    def pre_score(self, pod: Json, feasible: list[NodeInfo], snapshot: Snapshot) -> Prepared:
        constraints = self.constraints(pod, "ScheduleAnyway", snapshot.objects)
        if not constraints:
            return SKIP
        state = SpreadScoreState(constraints, [{} for _ in constraints])
        every_key = bool(pod["spec"].get("topologySpreadConstraints")) or not self.system_defaulted
        self._open_domains(state, feasible, every_key)
        self._count_domains(state, pod, snapshot, every_key)
        return Prepared(state)

    @staticmethod
    def _open_domains(state: SpreadScoreState, feasible: list[NodeInfo], every_key: bool) -> None:
        """Only domains with a feasible node take part; more of them weigh more. Hosts count when scored."""
        for info in feasible:
            if every_key and not state.has_all_keys(info):
                state.ignored.add(info.name)
                continue
            for constraint, counts in zip(state.constraints, state.counts, strict=True):
                if constraint.key != HOSTNAME:
                    counts.setdefault(info.labels.get(constraint.key, ""), 0)
        hosts = len(feasible) - len(state.ignored)
        sizes = [
            hosts if constraint.key == HOSTNAME else len(counts)
            for constraint, counts in zip(state.constraints, state.counts, strict=True)
        ]
        state.weights = [log(size + 2) for size in sizes]

    @staticmethod
    def _count_domains(state: SpreadScoreState, pod: Json, snapshot: Snapshot, every_key: bool) -> None:
        """Pods on nodes that are not feasible count in their domain, too."""
        for info in snapshot.nodes:
            if every_key and not state.has_all_keys(info):
                continue
            for constraint, counts in zip(state.constraints, state.counts, strict=True):
                domain = info.labels.get(constraint.key, "")
                if domain in counts and constraint.counts_node(pod, info):
                    counts[domain] += constraint.count(info.pods, namespace_of(pod))

    def score(self, state: SpreadScoreState, pod: Json, info: NodeInfo) -> int:
        """Lower is better here; normalisation turns it round."""
        if info.name in state.ignored:
            return 0
        total = 0.0
        for constraint, counts, weight in zip(state.constraints, state.counts, state.weights, strict=True):
            if constraint.key not in info.labels:
                continue
            if constraint.key == HOSTNAME:
                here = constraint.count(info.pods, namespace_of(pod))
            else:
                here = counts[info.labels[constraint.key]]
            total += here * weight + (constraint.max_skew - 1)
        return floor(total + 0.5)

    def normalize(self, state: SpreadScoreState, scores: Scores) -> Scores:
        counted = {node: score for node, score in scores.items() if node not in state.ignored}
        lowest, highest = min(counted.values(), default=0), max(counted.values(), default=0)
        return {node: self._turned(counted.get(node), lowest, highest) for node in scores}

    @staticmethod
    def _turned(score: int | None, lowest: int, highest: int) -> int:
        if score is None:
            return 0
        if highest == 0:
            return MAX_NODE_SCORE
        return MAX_NODE_SCORE * (highest + lowest - score) // highest
