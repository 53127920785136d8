"""TaintToleration: taints and tolerations."""

from __future__ import annotations

from kschedcore._native.plugins.taint_toleration import TaintTolerationFilter, TaintTolerationScore
from kschedcore.engine.columns.taints import tolerations
from kschedcore.engine.plugin import Plugin, PodContext


class TaintToleration(Plugin):
    """Rejects nodes with untolerated taints; prefers nodes with fewer untolerated soft ones."""

    name = "TaintToleration"
    points = frozenset({"filter", "preScore", "score"})

    def filter(self, context: PodContext) -> TaintTolerationFilter:
        """Compile the hard rule."""
        return TaintTolerationFilter(context.core.nodes, context.core.reasons, tolerations(context.pod.spec))

    def score(self, context: PodContext) -> TaintTolerationScore:
        """Compile the preference."""
        return TaintTolerationScore(context.core.nodes, context.core.reasons, tolerations(context.pod.spec))
