"""Taints and tolerations as tuples."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kschedcore.api.objects import Node, PodSpec

TaintTuple = tuple[str, str, str]
"""(key, value, effect)."""

TolerationTuple = tuple[str, str, str, str]
"""(key, operator, value, effect)."""


def taints(node: Node) -> tuple[TaintTuple, ...]:
    """Return a node's taints, in the order of the spec."""
    return tuple((t.key, t.value or "", t.effect) for t in node.spec.taints or ())


def tolerations(spec: PodSpec) -> tuple[TolerationTuple, ...]:
    """Return a pod's tolerations, in the order of the spec."""
    return tuple(
        (t.key or "", t.operator or "", t.value or "", t.effect or "") for t in spec.tolerations or ()
    )
