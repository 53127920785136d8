"""YAML as Kubernetes' own loader reads it.

Kubernetes turns YAML into JSON with a fork of go-yaml v2. Its scalars are those of YAML 1.1 with exceptions:
``yes``, ``on`` and ``y`` are booleans, ``0x1f``, ``0o17``, ``017`` and ``1_000`` integers, ``1e3`` a number;
dates and ``1:30`` are strings. Keys become strings, and a key that stands twice in one mapping is a fault.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

from kschedcore.errors import ManifestError

__all__ = ["line_of", "read_yaml"]

MAX_EXPANDED_NODES = 2_000_000
"""How many values a document may have once its aliases are followed."""

_TRUE = {"y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"}
_FALSE = {"n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"}
_INT = r"[-+]?(?:0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|[0-9][0-9_]*)"
_FLOAT = r"[-+]?(?:\.[0-9]+|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"


class _Loader(yaml.CSafeLoader):
    """PyYAML's parser with go-yaml's idea of plain scalars."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012


def _resolve(tag: str, pattern: str, first: str) -> None:
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(rf"(?:{pattern})\Z"), list(first))


_resolve("bool", "|".join(sorted(_TRUE | _FALSE)), "yYnNtTfFoO")
_resolve("null", "~|null|Null|NULL", "~nN")
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"\Z"), [""])
_resolve("int", _INT, "-+0123456789")
_resolve("float", _FLOAT, "-+.0123456789")
_resolve("merge", "<<", "<")


def _int(text: str) -> int | float | str:
    """Go's ParseInt with base 0; what does not fit in 64 bits is read as a float."""
    digits = text.replace("_", "")
    sign = -1 if digits.startswith("-") else 1
    body = digits.lstrip("+-")
    try:
        if len(body) > 1 and body[0] == "0" and body[1] not in "xXoObB":
            number = sign * int(body, 8)
        else:
            number = sign * int(body, 0)
    except ValueError:  # 08 and 09 are no octal numbers; go-yaml goes on to read them as floats
        return float(digits)
    return number if -(2**63) <= number < 2**64 else float(number)


def _construct_bool(loader: _Loader, node: yaml.ScalarNode) -> bool:
    return str(loader.construct_scalar(node)) in _TRUE


def _construct_int(loader: _Loader, node: yaml.ScalarNode) -> int | float | str:
    return _int(str(loader.construct_scalar(node)))


def _construct_float(loader: _Loader, node: yaml.ScalarNode) -> int | float | str:
    text = str(loader.construct_scalar(node)).replace("_", "")
    if text.lstrip("+-")[:2].lower() in (".i", ".n"):
        raise ManifestError(f"{text} is no number that JSON can express", line=node.start_mark.line + 1)
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ManifestError(f"{text} is too large for a 64-bit number", line=node.start_mark.line + 1)
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def _key(value: Any, node: yaml.Node) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    raise ManifestError(
        f"a mapping's key is {'null' if value is None else 'a ' + type(value).__name__}; expected a string",
        line=node.start_mark.line + 1,
    )


def _construct_mapping(loader: _Loader, node: yaml.MappingNode) -> Iterator[dict[str, Any]]:
    mapping: dict[str, Any] = {}
    yield mapping
    own = {id(key) for key, _ in node.value}
    loader.flatten_mapping(node)
    explicit: set[str] = set()
    for key_node, value_node in node.value:
        key = _key(loader.construct_object(key_node, deep=True), key_node)
        if id(key_node) in own:
            if key in explicit:
                raise ManifestError(
                    f"key {key!r} stands twice in one mapping", line=key_node.start_mark.line + 1
                )
            explicit.add(key)
        mapping[key] = loader.construct_object(value_node, deep=True)


_Loader.add_constructor("tag:yaml.org,2002:bool", _construct_bool)
_Loader.add_constructor("tag:yaml.org,2002:int", _construct_int)
_Loader.add_constructor("tag:yaml.org,2002:float", _construct_float)
_Loader.add_constructor("tag:yaml.org,2002:map", _construct_mapping)
_Loader.add_constructor("tag:yaml.org,2002:timestamp", yaml.constructor.SafeConstructor.construct_yaml_str)


def _expanded(node: yaml.Node, sizes: dict[int, int]) -> int:
    """How many values a node stands for with its aliases followed."""
    known = sizes.get(id(node))
    if known is not None:
        return known
    sizes[id(node)] = 1  # an alias to an enclosing node counts once here, and is refused below
    size = 1
    if isinstance(node, yaml.SequenceNode):
        size += sum(_expanded(child, sizes) for child in node.value)
    elif isinstance(node, yaml.MappingNode):
        size += sum(_expanded(key, sizes) + _expanded(value, sizes) for key, value in node.value)
    sizes[id(node)] = size
    return size


def _fault(error: yaml.YAMLError, text: str) -> ManifestError:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error).split("\n")[0]
    line = None if mark is None else mark.line + 1
    if line is not None:
        lines = text.split("\n")
        here = lines[line - 1] if line <= len(lines) else ""
        if "\t" in here[: len(here) - len(here.lstrip())]:
            problem = "indented with a tab; YAML allows only spaces"
    return ManifestError(f"not valid YAML: {problem}", line=line)


def read_yaml(text: str) -> Iterator[tuple[int, Any]]:
    """The documents of a YAML stream, empty ones included as None.

    Yields:
        (1-based line where the document starts, its content as JSON-shaped data).

    Raises:
        ManifestError: The text is not YAML, or not YAML that JSON can express; knows the line.
    """
    loader = _Loader(text)
    try:
        while True:
            try:
                if not loader.check_node():
                    return
                node = loader.get_node()
            except yaml.YAMLError as error:
                raise _fault(error, text) from None
            if node is None:
                return
            line = node.start_mark.line + 1
            if "*" in text and _expanded(node, {}) > MAX_EXPANDED_NODES:
                raise ManifestError(
                    f"its aliases expand to more than {MAX_EXPANDED_NODES:,} values", line=line
                )
            try:
                yield line, loader.construct_document(node)
            except yaml.YAMLError as error:
                raise _fault(error, text) from None
    except RecursionError:
        raise ManifestError("nested too deeply") from None
    finally:
        loader.dispose()


def line_of(text: str, document: int, path: list[str | int]) -> int | None:
    """The line of a field in the ``document``-th document (from 1), or of the closest parent that is there."""
    try:
        nodes = list(yaml.compose_all(text, Loader=_Loader))
    except yaml.YAMLError:
        return None
    if document > len(nodes):
        return None
    node = nodes[document - 1]
    line = None if node is None else node.start_mark.line + 1
    for step in path:
        if isinstance(node, yaml.MappingNode):
            found = next(((k, v) for k, v in node.value if k.value == step), None)
            if found is None:
                return line
            line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            line = node.start_mark.line + 1
        else:
            return line
    return line
