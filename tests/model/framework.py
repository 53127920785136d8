"""The scheduling framework: statuses, and what a plugin may say at each extension point."""

from dataclasses import dataclass
from typing import Any

from tests.model.labels import Json
from tests.model.snapshot import NodeInfo, Snapshot

MAX_NODE_SCORE = 100

UNSCHEDULABLE = "Unschedulable"
UNRESOLVABLE = "UnschedulableAndUnresolvable"
ERROR = "Error"
PRE_FILTER_RESULT = "PreFilterResult"

Scores = dict[str, int]


@dataclass(frozen=True)
class Status:
    """The rejection of a pod, or of a node for a pod."""

    code: str
    plugin: str
    reasons: tuple[str, ...]

    def to_step(self) -> Json:
        return {"code": self.code, "plugin": self.plugin, "reasons": sorted(self.reasons)}


@dataclass(frozen=True)
class Prepared:
    """The result of PreFilter or PreScore: to skip the plugin for this pod, or the state its next calls need.

    `nodes` limits the candidates to these names; `rejected` ends the cycle before any node is looked at.
    """

    state: Any = None
    skip: bool = False
    nodes: frozenset[str] | None = None
    rejected: Status | None = None


SKIP = Prepared(skip=True)


class Plugin:
    """A rule. A subclass overrides only the calls of its `extension_points`."""

    name = ""
    extension_points: frozenset[str] = frozenset()

    def pre_enqueue(self, pod: Json) -> Status | None:
        return None

    def pre_filter(self, pod: Json, snapshot: Snapshot) -> Prepared:
        return Prepared()

    def filter(self, state: Any, pod: Json, info: NodeInfo) -> Status | None:
        return None

    def add_pod(self, state: Any, pod: Json, added: Json, info: NodeInfo) -> None:
        """Account in `state` that `added` runs on the node too."""

    def remove_pod(self, state: Any, pod: Json, removed: Json, info: NodeInfo) -> None:
        """Account in `state` that `removed` no longer runs on the node."""

    def pre_score(self, pod: Json, feasible: list[NodeInfo], snapshot: Snapshot) -> Prepared:
        return Prepared()

    def score(self, state: Any, pod: Json, info: NodeInfo) -> int:
        return 0

    def post_filter(self, state: Any, pod: Json) -> str:
        """The plugin's PostFilter, when no node is feasible; `state` is None when PreFilter left none."""
        raise NotImplementedError

    def reserve(self, state: Any, pod: Json, node_name: str) -> Any:
        """Take what the pod needs besides the node itself."""

    def normalize(self, state: Any, scores: Scores) -> Scores:
        return scores

    def unschedulable(self, *reasons: str) -> Status:
        """A rejection that removing pods could lift."""
        return Status(UNSCHEDULABLE, self.name, reasons)

    def error(self, message: str) -> Status:
        """Something is wrong that no other node helps with: the cycle ends."""
        return Status(ERROR, self.name, (f'running "{self.name}" filter plugin: {message}',))

    def unresolvable(self, *reasons: str) -> Status:
        """A rejection that removing pods cannot lift."""
        return Status(UNRESOLVABLE, self.name, reasons)


def truncated_quotient(numerator: int, denominator: int) -> int:
    """Go's integer division: towards zero, where Python's goes down."""
    quotient = abs(numerator) // abs(denominator)
    return quotient if (numerator < 0) == (denominator < 0) else -quotient


def default_normalize(scores: Scores, *, reverse: bool = False) -> Scores:
    """Scale so that the highest score becomes 100, reversed 0. All zero stays zero, reversed 100."""
    highest = max(scores.values(), default=0)
    if highest == 0:
        return dict.fromkeys(scores, MAX_NODE_SCORE) if reverse else scores
    scaled = {node: MAX_NODE_SCORE * score // highest for node, score in scores.items()}
    return {node: MAX_NODE_SCORE - s for node, s in scaled.items()} if reverse else scaled
