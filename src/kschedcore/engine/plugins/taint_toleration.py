"""TaintToleration: taints and tolerations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kschedcore._native.plugins.taint_toleration import TaintTolerationFilter, TaintTolerationScore
from kschedcore.api.machinery.changes import Change
from kschedcore.api.objects import Pod, Taint, decode
from kschedcore.api.taints import find_untolerated
from kschedcore.api.versions import Rule
from kschedcore.engine.columns.taints import tolerations
from kschedcore.engine.events import Events
from kschedcore.engine.plugin import Plugin, PodContext


class TaintToleration(Plugin):
    """Rejects nodes with untolerated taints; prefers nodes with fewer untolerated soft ones."""

    name = "TaintToleration"
    points = frozenset({"filter", "preScore", "score"})

    def events(self) -> Events:
        """Register nodes whose taints the pod tolerates by now."""
        return {"nodes": tolerated_now}

    def filter(self, context: PodContext) -> TaintTolerationFilter:
        """Compile the hard rule."""
        names_taint = not self.release.has(Rule.TAINT_REASON_NAMES_NO_TAINT)
        return TaintTolerationFilter(
            context.core.nodes, context.core.reasons, tolerations(context.pod.spec), names_taint
        )

    def score(self, context: PodContext) -> TaintTolerationScore:
        """Compile the preference."""
        return TaintTolerationScore(context.core.nodes, context.core.reasons, tolerations(context.pod.spec))


def tolerated_now(change: Change, pod: Pod) -> bool:
    """Return whether a pod tolerates a node's taints now and did not before the change."""
    new = change.new
    return (
        new is not None and _tolerated(new, pod) and (change.old is None or not _tolerated(change.old, pod))
    )


def _tolerated(node: Mapping[str, Any], pod: Pod) -> bool:
    taints = [decode(Taint, taint) for taint in node["spec"].get("taints", ())]
    return find_untolerated(taints, pod.spec.tolerations or ()) is None
