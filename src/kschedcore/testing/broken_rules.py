"""The error for a broken rule: pods, nodes, the rule, and a manifest to reproduce it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from kschedcore.api.machinery.confidential import masked
from kschedcore.engine.explanation import Explanation
from kschedcore.testing.placements import Placement, Placements

__all__ = ["BrokenRuleError", "broken"]

_MAX_SHOWN = 5
"""Number of pods, and of nodes for each, that are shown in full."""


class BrokenRuleError(AssertionError):
    """A placement rule does not hold.

    Attributes:
        pod: The first pod that breaks it, as ``namespace/name``; None when no single pod does.
        manifest: The cluster when that pod was scheduled, as a ``v1.List``; None without a pod.
        own_plugins: Whether custom plugins are used, which the command line does not have.
    """

    def __init__(
        self,
        message: str,
        *,
        pod: str | None = None,
        manifest: dict[str, Any] | None = None,
        own_plugins: bool = False,
    ) -> None:
        super().__init__(message)
        self.pod = pod
        self.manifest = manifest
        self.own_plugins = own_plugins

    def save(self, path: str | Path) -> str:
        """Write the manifest; values of Secrets and environment variables are masked.

        Returns:
            How to reproduce the decision: a command, or a line of Python if custom plugins are used.

        Raises:
            ValueError: There is no pod.
        """
        if self.manifest is None:
            raise ValueError("no single pod breaks this rule; there is no manifest to save")
        manifest = {**self.manifest, "items": [masked(each) for each in self.manifest.get("items", ())]}
        Path(path).write_text(json.dumps(manifest, indent=2) + "\n")
        if self.own_plugins:
            return f'kschedcore.testing.place("{path}", plugins=[…])'
        return f"kschedcore explain {self.pod} -f {path}"


def broken(
    rule: str, placements: Placements, offenders: Sequence[Placement], *, wanted: Sequence[str] = ()
) -> BrokenRuleError:
    """Return the error for pods that break a rule, with the engine's explanations.

    Args:
        rule: The broken rule, in one sentence.
        placements: The placements of the pods.
        offenders: One pod or more.
        wanted: The nodes where the pods should be, to explain why they are not.
    """
    lines = [rule]
    for each in offenders[:_MAX_SHOWN]:
        lines.append(f"  {each.name} {_whereabouts(each)}")
        lines += [f"    {line}" for line in _why(each, placements.explain(each), wanted)]
    if len(offenders) > _MAX_SHOWN:
        lines.append(f"  and {len(offenders) - _MAX_SHOWN} more")
    first = offenders[0]
    return BrokenRuleError(
        "\n".join(lines),
        pod=first.name,
        manifest=placements.manifest(first),
        own_plugins=placements.own_plugins,
    )


def _whereabouts(placement: Placement) -> str:
    return "has no node" if placement.node is None else f"is on {placement.node}"


def _why(placement: Placement, explained: Explanation, wanted: Sequence[str]) -> Iterator[str]:
    """Yield explanations: of a pod without a node, of the node that it has, of those it should have."""
    decision = explained.decision
    if placement.node is None:
        yield decision.message or f"it would go to {decision.node} now"
        return
    others = [node for node in wanted if node != placement.node]
    for node in [placement.node, *others][: _MAX_SHOWN + 1]:
        yield _verdict(node, explained)
    if len(others) > _MAX_SHOWN:
        yield f"and {len(others) - _MAX_SHOWN} nodes more"


def _verdict(node: str, explained: Explanation) -> str:
    if node in explained.totals:
        scores = ", ".join(
            f"{plugin} {score.weighted}" for plugin, score in sorted(explained.scores[node].items())
        )
        return f"{node} passes every filter and scores {explained.totals[node]}: {scores}"
    verdict = explained.verdicts.get(node)
    if verdict is None:
        status = explained.pre_filter
        return f"{node} was not considered: {'; '.join(status.reasons) if status else 'the pod is nominated'}"
    return f"{node} is rejected by {verdict.plugin or verdict.code}: {'; '.join(verdict.reasons)}"
