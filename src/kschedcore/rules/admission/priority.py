"""A pod's priority and preemption policy from its PriorityClass (plugin Priority)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

from kschedcore.api.machinery.frozen import FrozenDict
from kschedcore.api.machinery.remembered import remembered, shared

__all__ = ["SYSTEM_PRIORITIES", "PodPriority", "default_class", "priority_of", "with_priority"]

SYSTEM_PRIORITIES: Final = {"system-node-critical": 2_000_001_000, "system-cluster-critical": 2_000_000_000}
"""The classes that every cluster has: an API server creates them when it starts."""

_PREEMPT: Final = "PreemptLowerPriority"


class PodPriority(NamedTuple):
    """The fields that a class sets; the name is empty if there is no class."""

    name: str
    value: int
    policy: str


def priority_of(
    name: str | None,
    find: Callable[[str], Mapping[str, Any] | None],
    default: Callable[[], Mapping[str, Any] | None],
) -> PodPriority | None:
    """Return the fields for a pod's ``priorityClassName``; None for a class that does not exist.

    Args:
        name: The pod's ``priorityClassName``, if any.
        find: Returns the PriorityClass of a name.
        default: Returns the cluster's default class, see :func:`default_class`.
    """
    if not name:
        found = default()
        return PodPriority("", 0, _PREEMPT) if found is None else _meaning(found)
    found = find(name)
    if found is None:
        value = SYSTEM_PRIORITIES.get(name)
        return None if value is None else PodPriority(name, value, _PREEMPT)
    return _meaning(found)


def _meaning(found: Mapping[str, Any]) -> PodPriority:
    policy = found.get("preemptionPolicy") or _PREEMPT
    return PodPriority(found["metadata"]["name"], found.get("value") or 0, policy)


def default_class(classes: Iterable[Mapping[str, Any]]) -> FrozenDict | None:
    """Return the global default of some PriorityClasses; the one with the lowest value when there are several."""
    return _default_of(tuple(map(shared, classes)))


@remembered
def _default_of(classes: tuple[FrozenDict, ...]) -> FrozenDict | None:
    defaults = (each for each in classes if each.get("globalDefault"))
    return min(defaults, key=lambda each: each.get("value") or 0, default=None)


@remembered
def with_priority(spec: FrozenDict, name: str, value: int, policy: str) -> FrozenDict:
    """Return a pod's spec with the fields of a :class:`PodPriority`."""
    named = {**spec, "priorityClassName": name} if name else spec
    return shared({**named, "priority": value, "preemptionPolicy": policy})
