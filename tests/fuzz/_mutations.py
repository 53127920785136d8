"""Mutate JSON-shaped documents: values of other types, extreme numbers, deep nesting, characters that are none."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from typing import Any

VALUES: list[Any] = [
    None, True, 0, -1, 1.5, 5e7, 1e999, float("nan"), 2**31, 2**63, 2**64, -(2**70), 10**400,
    "", "x", "\ud800", "\0", "9" * 5000, "999999999999h", "-5s", "1e400", "5%", "2026-02-30T00:00:00Z", "../../x?y=#",
    [], {}, [[]], [None], {"a": {"b": [1]}}, {"version": 5},
]  # fmt: skip

Path = tuple[str | int, ...]


def places(value: Any, path: Path = ()) -> Iterator[Path]:
    """Yield the paths of everything inside a value."""
    entries: Any = ()
    if isinstance(value, dict):
        entries = value.items()
    elif isinstance(value, list):
        entries = enumerate(value)
    for key, item in entries:
        yield (*path, key)
        yield from places(item, (*path, key))


def mutated(document: Any, source: random.Random) -> Any:
    """Return a copy with one or two changes."""
    changed = copy.deepcopy(document)
    for _ in range(source.choice([1, 1, 2])):
        paths = list(places(changed))
        if not paths:
            break
        *above, last = source.choice(paths)
        inside = changed
        for key in above:
            inside = inside[key]
        kind = source.random()
        if kind < 0.1 and isinstance(inside, dict):
            inside[source.choice(["zz", "\ud800", "", "apiVersion"])] = copy.deepcopy(source.choice(VALUES))
        elif kind < 0.15:
            inside[last] = nested(source.choice([50, 500, 5000]), source)
            break  # further changes would have to walk through it
        elif kind < 0.25:
            del inside[last]
        else:
            inside[last] = copy.deepcopy(source.choice(VALUES))
    return changed


def nested(depth: int, source: random.Random) -> Any:
    """Return maps or lists inside each other."""
    as_map = source.random() < 0.5
    value: Any = 1
    for _ in range(depth):
        value = {"a": value} if as_map else [value]
    return value


def as_text(value: Any) -> str:
    """Return a value as JSON text, however deep it is."""
    pieces: list[str] = []
    stack: list[Any] = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, _Text):
            pieces.append(item.text)
        elif isinstance(item, dict):
            parts: list[Any] = [_Text("{")]
            for number, (key, each) in enumerate(item.items()):
                parts += [_Text(f"{', ' if number else ''}{_scalar(key)}: "), each]
            stack += reversed([*parts, _Text("}")])
        elif isinstance(item, list):
            parts = [_Text("[")]
            for number, each in enumerate(item):
                parts += [_Text(", " if number else ""), each]
            stack += reversed([*parts, _Text("]")])
        else:
            pieces.append(_scalar(item))
    return "".join(pieces)


class _Text:
    def __init__(self, text: str) -> None:
        self.text = text


def _scalar(value: Any) -> str:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else json.dumps(value)
