"""Validation of applied configurations against the schema, with structured-merge-diff's messages."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kschedcore.api.machinery.confidential import MASK, masked
from kschedcore.api.schema import Field
from kschedcore.apiserver.apply.paths import Path, display, element_of

__all__ = ["problems", "summary"]

_NUMBERS = ("int32", "int64", "float64")
_STRINGS = ("string", "bytes", "time", "micro_time")


def problems(config: Mapping[str, Any], field: Field) -> list[str]:
    """Yield the problems of a configuration: undeclared fields, values of a wrong type, items without keys."""
    found = list(_problems(config, field, ()))
    return list(_problems(masked(config, mask=_masked_alike), field, ())) if found else found


def _masked_alike(value: Any) -> Any:
    """Replace a confidential value by one of its type with the same problem."""
    match value:
        case str():
            return MASK
        case list():
            return [MASK]
        case dict():
            return {MASK: MASK}
        case _:
            return value if value is None or isinstance(value, bool) else type(value)()


def summary(found: Sequence[str]) -> str:
    """Return several problems as one message."""
    return found[0] if len(found) == 1 else "\n  ".join(["errors:", *found])


def _problems(value: Any, field: Field, path: Path) -> Iterator[str]:
    if value is None:
        return
    if field.type in ("object", "map"):
        yield from _map_problems(value, field, path)
    elif field.type == "list":
        yield from _list_problems(value, field, path)
    elif field.type in _NUMBERS:
        if isinstance(value, bool) or not isinstance(value, int | float):
            yield f"{display(path)}: expected numeric (int or float), got {_go_type(value)}"
    elif field.type in _STRINGS and not isinstance(value, str):
        yield f"{display(path)}: expected string, got {_go_value(value)}"
    elif field.type == "bool" and not isinstance(value, bool):
        yield f"{display(path)}: expected boolean, got {_go_type(value)}"


def _map_problems(value: Any, field: Field, path: Path) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{display(path)}: expected map, got {_go_value(value)}"
        return
    for key, item in value.items():
        below = (*path, f"f:{key}")
        child = field.items if field.type == "map" else field.object.fields.get(key)
        if child is None:
            yield f"{display(below)}: field not declared in schema"
        else:
            yield from _problems(item, child, below)


def _list_problems(value: Any, field: Field, path: Path) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{display(path)}: expected list, got {_go_value(value)}"
        return
    assert field.items is not None
    seen: set[str] = set()
    for index, item in enumerate(value):
        element = f"i:{index}"
        if field.list_type in ("set", "map"):
            fault = _item_problem(item, keyed=field.list_type == "map")
            try:
                element = "" if fault else element_of(field, item)
            except ValueError as missing_key:
                fault = str(missing_key)
            if fault:
                yield f"{display(path)}: element {index}: {fault}"
                continue
            if element in seen:
                yield f"{display(path)}: duplicate entries for key {display((element,))}"
            seen.add(element)
        yield from _problems(item, field.items, (*path, element))


def _item_problem(item: Any, *, keyed: bool) -> str:
    """Return why an item has no path element in a merged list."""
    if keyed and not isinstance(item, dict):
        found = "null" if item is None else "non-map"
        return f"associative list with keys may not have {found} elements"
    if not keyed and (item is None or isinstance(item, dict | list)):
        found = "an explicit null" if item is None else f"a {'map' if isinstance(item, dict) else 'list'}"
        return f"associative list without keys has an element that's {found}"
    return ""


def _go_type(value: Any) -> str:
    names = {bool: "bool", int: "int64", float: "float64", str: "string", list: "[]interface {}"}
    return names.get(type(value), "map[string]interface {}")


def _go_value(value: Any) -> str:
    shown = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return f"&value.valueUnstructured{{Value:{shown}}}"
