"""Taints and tolerations."""

from __future__ import annotations

from collections.abc import Iterable

from kschedcore.api.labels import is_label_value
from kschedcore.api.objects import Taint, Toleration
from kschedcore.api.taints import EFFECTS
from kschedcore.rules.checks.fields import choice, each, fault, qualified_name

__all__ = ["taints", "toleration"]


def taints(path: str, found: Iterable[Taint] | None) -> None:
    """Check the taints of a node: a key and an effect go together once."""
    each(path, _taint, found)
    seen: set[tuple[str, str]] = set()
    for index, taint in enumerate(found or ()):
        if (taint.key, taint.effect) in seen:
            raise fault(f"{path}[{index}]", f"{taint.key}:{taint.effect}", "a taint that stands only once")
        seen.add((taint.key, taint.effect))


def _taint(taint: Taint) -> None:
    qualified_name("key", taint.key, "a taint key")
    problems = is_label_value(taint.value or "")
    if problems:
        raise fault("value", taint.value, f"a label value: {'; '.join(problems)}")
    if taint.effect not in EFFECTS:
        raise fault("effect", taint.effect, f"one of {', '.join(EFFECTS)}")


def toleration(found: Toleration) -> None:
    """Check a v1.Toleration."""
    choice("operator", found.operator, ("Equal", "Exists"))
    choice("effect", found.effect, EFFECTS)
    if found.key:
        qualified_name("key", found.key, "a taint key")
    elif found.operator != "Exists":
        raise fault(
            "operator", found.operator or "", "Exists where the key is empty, which tolerates every taint"
        )
    if found.operator == "Exists" and found.value:
        raise fault("value", found.value, "no value with operator Exists")
    if found.toleration_seconds is not None and found.effect != "NoExecute":
        raise fault("effect", found.effect or "", "NoExecute where tolerationSeconds is set")
