"""NodeUnschedulable and TaintToleration: taints of the node against tolerations of the pod."""

from typing import Any

from tests.model.framework import Plugin, Prepared, Scores, Status, default_normalize
from tests.model.labels import Json
from tests.model.snapshot import NodeInfo, Snapshot
from tests.model.versions import LATEST, Kubernetes

HARD_EFFECTS = ("NoSchedule", "NoExecute")
UNSCHEDULABLE_TAINT = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}


def tolerates(toleration: Json, taint: Json) -> bool:
    """An empty effect, and an empty key, match all; `Equal`, the default, compares values too."""
    if toleration.get("effect") and toleration["effect"] != taint["effect"]:
        return False
    if toleration.get("key") and toleration["key"] != taint["key"]:
        return False
    match toleration.get("operator") or "Equal":
        case "Exists":
            return True
        case "Equal":
            return (toleration.get("value") or "") == (taint.get("value") or "")
    return False


def untolerated_taint(taints: list[Json], pod: Json, effects: tuple[str, ...] = HARD_EFFECTS) -> Json | None:
    """The first taint with one of `effects` that no toleration of the pod matches."""
    tolerations = pod["spec"].get("tolerations") or []
    for taint in taints:
        if taint["effect"] in effects and not any(tolerates(t, taint) for t in tolerations):
            return taint
    return None


class NodeUnschedulable(Plugin):
    name = "NodeUnschedulable"
    extension_points = frozenset({"filter"})

    def filter(self, state: Any, pod: Json, info: NodeInfo) -> Status | None:
        if not (info.node.get("spec") or {}).get("unschedulable"):
            return None
        if untolerated_taint([UNSCHEDULABLE_TAINT], pod) is None:
            return None
        return self.unresolvable("node(s) were unschedulable")


class TaintToleration(Plugin):
    name = "TaintToleration"
    extension_points = frozenset({"filter", "preScore", "score"})

    def __init__(self, kubernetes: Kubernetes = LATEST) -> None:
        self.names_the_taint = kubernetes == "1.34"

    def filter(self, state: Any, pod: Json, info: NodeInfo) -> Status | None:
        taint = untolerated_taint(info.taints, pod)
        if taint is None:
            return None
        if self.names_the_taint:
            return self.unresolvable(
                f"node(s) had untolerated taint {{{taint['key']}: {taint.get('value') or ''}}}"
            )
        return self.unresolvable("node(s) had untolerated taint(s)")

    def pre_score(self, pod: Json, feasible: list[NodeInfo], snapshot: Snapshot) -> Prepared:
        """The tolerations that can matter to a preference: those of that effect or of any."""
        tolerations = pod["spec"].get("tolerations") or []
        return Prepared([t for t in tolerations if t.get("effect") in (None, "", "PreferNoSchedule")])

    def score(self, state: list[Json], pod: Json, info: NodeInfo) -> int:
        """The number of PreferNoSchedule taints that the pod does not tolerate."""
        preferred = [taint for taint in info.taints if taint["effect"] == "PreferNoSchedule"]
        return sum(1 for taint in preferred if not any(tolerates(t, taint) for t in state))

    def normalize(self, state: Any, scores: Scores) -> Scores:
        return default_normalize(scores, reverse=True)
