"""NodeAffinity: `nodeSelector`, `affinity.nodeAffinity`, and the profile's `addedAffinity`."""

from typing import Any

from tests.model.framework import SKIP, Plugin, Prepared, Scores, Status, default_normalize
from tests.model.labels import Json, node_selector_matches, node_selector_term_matches
from tests.model.snapshot import NodeInfo, Snapshot

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


def node_affinity_of(pod: Json) -> Json:
    return (pod["spec"].get("affinity") or {}).get("nodeAffinity") or {}


def matches_required(pod: Json, info: NodeInfo) -> bool:
    """`nodeSelector` and the required terms of the pod itself; other plugins use it too."""
    if any(info.labels.get(key) != value for key, value in (pod["spec"].get("nodeSelector") or {}).items()):
        return False
    required = node_affinity_of(pod).get(REQUIRED)
    return required is None or node_selector_matches(required, info.labels, info.name)


def named_nodes(terms: list[Json]) -> frozenset[str] | None:
    """The only nodes that the terms' `metadata.name` fields leave possible; None when a term names none."""
    possible: frozenset[str] = frozenset()
    for term in terms:
        lists = [
            frozenset(f["values"])
            for f in term.get("matchFields") or []
            if f["key"] == "metadata.name" and f["operator"] == "In"
        ]
        if not lists:
            return None
        possible |= frozenset.intersection(*lists)
    return possible


class NodeAffinity(Plugin):
    name = "NodeAffinity"
    extension_points = frozenset({"preFilter", "filter", "preScore", "score"})

    def __init__(self, args: Json) -> None:
        added = args.get("addedAffinity") or {}
        self.added_required: Json | None = added.get(REQUIRED)
        self.added_preferred: list[Json] = added.get(PREFERRED) or []

    def pre_filter(self, pod: Json, snapshot: Snapshot) -> Prepared:
        required = node_affinity_of(pod).get(REQUIRED)
        if required is None and self.added_required is None and not pod["spec"].get("nodeSelector"):
            return SKIP
        terms = (required or {}).get("nodeSelectorTerms") or []
        names = named_nodes(terms) if terms else None
        if names is not None and not names:
            return Prepared(rejected=self.unresolvable("pod affinity terms conflict"))
        return Prepared(nodes=names)

    def filter(self, state: Any, pod: Json, info: NodeInfo) -> Status | None:
        if self.added_required and not node_selector_matches(self.added_required, info.labels, info.name):
            return self.unresolvable("node(s) didn't match scheduler-enforced node affinity")
        if not matches_required(pod, info):
            return self.unresolvable("node(s) didn't match Pod's node affinity/selector")
        return None

    def pre_score(self, pod: Json, feasible: list[NodeInfo], snapshot: Snapshot) -> Prepared:
        preferred = node_affinity_of(pod).get(PREFERRED) or []
        if not preferred and not self.added_preferred:
            return SKIP
        return Prepared([*self.added_preferred, *preferred])

    def score(self, state: list[Json], pod: Json, info: NodeInfo) -> int:
        return sum(
            term["weight"]
            for term in state
            if node_selector_term_matches(term["preference"], info.labels, info.name)
        )

    def normalize(self, state: Any, scores: Scores) -> Scores:
        return default_normalize(scores)
