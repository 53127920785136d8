"""Damage for JSON-shaped values: any part replaced, removed, repeated, nested or renamed."""

from __future__ import annotations

import copy
from random import Random
from typing import Any

__all__ = ["VALUES", "damaged", "nested"]

VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2**31, -(2**31), 2**63 - 1, -(2**63), 2**64, 10**30, 0.5, 1e300, 5e7, -0.0,
    "", "x", "0", "-1", "true", "null", "1Gi", "-1Gi", "9" * 30, "1e400", "1e-400", "é", "💥", "\u0000",
    "\ud800", "\udfff",
    "a/b/c", "a" * 64, "a" * 254, "-", "/", "..", "{", "k:{}", "f:a", "2026-02-30T00:00:00Z", "9999-12-31T23:59:59Z",
    "0001-01-01T00:00:00Z", "25%", "x%", "@every 999999999h", "fd00::/64", "::1", "256.0.0.1", "Always", "TCP",
    [], [None], [[]], [{}], ["x"], ["x", "x"], {}, {"": ""}, {"x": None}, {"a/b/c": "x"}, {"$patch": "delete"},
    {"$patch": "replace"}, {"$retainKeys": ["x"]}, {"name": {}}, {"$setElementOrder/containers": [{}]},
)  # fmt: skip
_KEYS = ("", "x", "name", "metadata", "spec", "status", "kind", "apiVersion", "items", "$patch", "managedFields",
         "annotations", "finalizers", "generation", "resourceVersion", "uid", "a.b/c", "💥")  # fmt: skip


def nested(random: Random) -> Any:
    """A value nested deeply."""
    value: Any = random.choice(VALUES)
    as_list = random.random() < 0.5
    for _ in range(random.choice((5, 50, 150, 250, 990, 5000))):
        value = [value] if as_list else {random.choice(("a", "items", "spec")): value}
    return value


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every container in a value with each of its keys or indexes."""
    found: list[tuple[Any, Any]] = []
    waiting = [value]
    while waiting:
        holder = waiting.pop()
        keys = (
            list(holder)
            if isinstance(holder, dict)
            else range(len(holder))
            if isinstance(holder, list)
            else ()
        )
        for key in keys:
            found.append((holder, key))
            waiting.append(holder[key])
    return found


def _copy(value: Any) -> Any:
    """A copy; None of what is nested too deeply for one."""
    try:
        return copy.deepcopy(value)
    except RecursionError:
        return None


def damaged(value: Any, random: Random) -> Any:
    """Return a copy of ``value`` with one to three changes somewhere in it."""
    whole = [copy.deepcopy(value)]
    for _ in range(random.randint(1, 3)):
        _damage(whole, random)
    return whole[0]


def _damage(whole: list[Any], random: Random) -> None:
    places = _places(whole)
    # The first place holds everything: it is hit as often as any other.
    holder, key = random.choice(places)
    part = holder[key]
    match random.randrange(7):
        case 0:
            holder[key] = nested(random) if random.random() < 0.2 else copy.deepcopy(random.choice(VALUES))
        case 1 if isinstance(holder, dict):
            del holder[key]
        case 2 if isinstance(part, list):
            part += _copy(part[-1:]) or []
        case 3 if isinstance(part, dict):
            part[random.choice(_KEYS)] = copy.deepcopy(random.choice(VALUES))
        case 4 if isinstance(part, list):
            part.append(copy.deepcopy(random.choice(VALUES)))
        case 5 if isinstance(holder, dict):
            holder[random.choice(_KEYS)] = holder.pop(key)
        case 6:
            other, at = random.choice(places)
            try:
                holder[key] = _copy(other[at])
            except (KeyError, IndexError):
                holder[key] = None
        case _:
            holder[key] = copy.deepcopy(random.choice(VALUES))
