"""Taints, tolerations (``k8s.io/component-helpers`` ``scheduling/corev1``), and ``kubectl taint``."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final, NamedTuple

from kschedcore.api.labels import is_label_value, is_qualified_name
from kschedcore.api.objects import Taint, Toleration

__all__ = [
    "EFFECTS", "HARD_EFFECTS", "Taint", "TaintSpec", "Toleration", "find_untolerated", "parse_taint",
    "parse_taints", "tolerates",
]  # fmt: skip

EFFECTS: Final = ("NoSchedule", "PreferNoSchedule", "NoExecute")
"""All taint effects."""

HARD_EFFECTS: Final = frozenset({"NoSchedule", "NoExecute"})
"""The effects that reject pods (plugin TaintToleration); PreferNoSchedule only affects scores."""


class TaintSpec(NamedTuple):
    """One argument of ``kubectl taint``.

    Attributes:
        taint: The taint; one to remove has no value, and an empty effect means every effect.
        remove: Whether to remove it.
    """

    taint: Taint
    remove: bool


def tolerates(toleration: Toleration, taint: Taint) -> bool:
    """Return whether a toleration tolerates a taint (v1.Toleration ``ToleratesTaint``).

    An empty effect or key matches all of them; the operator is ``Equal`` unless it is ``Exists``.
    """
    if toleration.effect and toleration.effect != taint.effect:
        return False
    if toleration.key and toleration.key != taint.key:
        return False
    if toleration.operator == "Exists":
        return True
    return toleration.operator in (None, "", "Equal") and (toleration.value or "") == (taint.value or "")


def find_untolerated(
    taints: Iterable[Taint], tolerations: Collection[Toleration], effects: Collection[str] = HARD_EFFECTS
) -> Taint | None:
    """Return the first untolerated taint with one of the effects, or None."""
    for taint in taints:
        if taint.effect in effects and not any(tolerates(t, taint) for t in tolerations):
            return taint
    return None


def parse_taint(text: str) -> TaintSpec:
    """Parse an argument of ``kubectl taint nodes NAME …``.

    Args:
        text: ``key=value:effect`` or ``key:effect`` adds a taint; ``key:effect-`` or ``key-`` removes.

    Raises:
        ValueError: It is invalid; the message is kubectl's.
    """
    spec = text.removesuffix("-")
    remove = spec != text
    front, colon, effect = spec.partition(":")
    if ":" in effect:
        raise ValueError(f"invalid taint spec: {text}")
    if colon and effect not in EFFECTS:
        raise ValueError(f"invalid taint effect: {effect}, unsupported taint effect")
    key, _, value = front.partition("=") if colon else (front, "", "")
    if "=" in value:
        raise ValueError(f"invalid taint spec: {text}")
    problems = is_label_value(value) or is_qualified_name(key)
    if problems:
        raise ValueError(f"invalid taint spec: {text}, {'; '.join(problems)}")
    if not effect and not remove:
        raise ValueError(f"invalid taint spec: {text}")
    return TaintSpec(Taint(key=key, effect=effect, value=None if remove else value or None), remove)


def parse_taints(texts: Iterable[str]) -> tuple[list[Taint], list[Taint]]:
    """Parse all arguments of ``kubectl taint nodes NAME …``.

    Returns:
        The taints to add and the taints to remove, in order.

    Raises:
        ValueError: One is invalid, or two add the same key and effect.
    """
    add: list[Taint] = []
    remove: list[Taint] = []
    seen: set[tuple[str, str]] = set()
    for text in texts:
        taint, removed = parse_taint(text)
        if removed:
            remove.append(taint)
            continue
        if (taint.key, taint.effect) in seen:
            raise ValueError(f"duplicated taints with the same key and effect: {text}")
        seen.add((taint.key, taint.effect))
        add.append(taint)
    return add, remove
