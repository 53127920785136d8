"""Paths of fields, sets of them, and the ``fieldsV1`` form in which ``managedFields`` stores a set.

A path is a tuple of elements in ``fieldsV1`` notation: ``f:NAME`` a field, ``k:{"name":"a"}`` the list item with these
keys, ``v:"x"`` the set member, ``i:0`` the index. A set is a frozenset of paths. The path of a parent does not include
those of its children.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from kschedcore.api.schema import Field

__all__ = ["FieldSet", "Path", "display", "element_of", "from_fields_v1", "subtree", "to_fields_v1"]

Path = tuple[str, ...]
FieldSet = frozenset[Path]
_SELF = "."
_KINDS = frozenset("fkvi")


def _json(value: Any) -> str:
    return msgspec.json.encode(value, order="sorted").decode()


def element_of(field: Field, item: Any, missing: str | None = None) -> str:
    """Return the path element of an item of a list of type ``map`` or ``set``.

    Args:
        field: The list.
        item: The item.
        missing: The value of an absent key without a default; None to refuse it. A stored item may lack one: the name
            of an image pull secret is optional, and empty by the published schema.

    Raises:
        ValueError: A keyed item lacks a key that has no default, and ``missing`` is None.
    """
    if field.list_type == "set":
        return "v:" + _json(item)
    fields = field.object.fields
    keys = {}
    for key in field.map_keys:
        value = item.get(key)
        if value is None and key in fields:
            value = fields[key].default
        if value is None:
            value = missing
        if value is None:
            raise ValueError(
                f'associative list with keys has an element that omits key field "{key}" '
                "(and doesn't have default value)"
            )
        keys[key] = value
    return "k:" + _json(keys)


def to_fields_v1(fields: Iterable[Path]) -> dict[str, Any]:
    """Return the nested form of a set: a leaf is ``{}``, a member with children contains ``"."``."""
    root: dict[str, Any] = {}
    # Sorted, so that a member comes before its children.
    for path in sorted(fields):
        node, on_the_way = root, True
        for element in path:
            child = node.get(element)
            if child is None:
                if not (node or on_the_way):
                    node[_SELF] = {}
                child = node[element] = {}
                on_the_way = True
            else:
                on_the_way = False
            node = child
    return root


def from_fields_v1(tree: Mapping[str, Any]) -> FieldSet:
    """Return the set of a nested form.

    Raises:
        ValueError: It is invalid.
    """
    return frozenset(_members(tree, ()))


def _members(tree: Mapping[str, Any], prefix: Path) -> Iterator[Path]:
    for element, child in tree.items():
        if element == _SELF:
            continue
        _check_element(element, child)
        path = (*prefix, element)
        if not child or _SELF in child:
            yield path
        yield from _members(child, path)


def _check_element(element: str, child: Any) -> None:
    kind, colon, text = element.partition(":")
    if not colon or kind not in _KINDS or not isinstance(child, dict):
        raise ValueError(f"{element!r} is no field, key, value or index with what is below it")
    if kind in ("k", "v"):
        read = json.loads(text)
        if kind == "k" and not (isinstance(read, dict) and read):
            raise ValueError(f"{element!r} has no keys")
    elif kind == "i":
        int(text)


def subtree(fields: Iterable[Path]) -> dict[str, Any]:
    """Return the set as a trie, for walks along an object; members are marked with ``"."``."""
    root: dict[str, Any] = {}
    for path in fields:
        node = root
        for element in path:
            node = node.setdefault(element, {})
        node[_SELF] = {}
    return root


def display(path: Path) -> str:
    """Return a path for messages: ``.spec.template.spec.containers[name="a"].image``."""
    return "".join(_displayed(element) for element in path)


def _displayed(element: str) -> str:
    kind, _, text = element.partition(":")
    if kind == "f":
        return f".{text}"
    if kind == "k":
        keys = json.loads(text)
        return "[" + ",".join(f"{key}={_json(value)}" for key, value in sorted(keys.items())) + "]"
    return f"[={text}]" if kind == "v" else f"[{text}]"
