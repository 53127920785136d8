"""Decoding of JSON-shaped data to typed views, with field paths in errors.

msgspec decodes valid data. Data that it refuses is walked field by field: null counts as absent, as in Kubernetes, and
the first error is reported with its full path.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final, TypeVar

import msgspec
from msgspec import inspect

from kschedcore.api.machinery.confidential import is_confidential
from kschedcore.api.objects.meta import View
from kschedcore.errors import ManifestError

__all__ = ["decode", "shown"]

V = TypeVar("V", bound=View)

_SHOWN_CHARACTERS = 60
_ABSENT: Final = object()


def decode(view: type[V], data: Mapping[str, Any] | bytes) -> V:
    """Decode an object as a typed view.

    Args:
        view: The type of the view.
        data: JSON-shaped data, or JSON text. Null means absent; in a map, the empty value.

    Raises:
        ManifestError: It is not JSON, or a field has the wrong type; with its path
            (``spec.containers[0].image``), what was found and what was expected.
    """
    try:
        if isinstance(data, bytes):
            return msgspec.json.decode(data, type=view)
        return msgspec.convert(data, view)
    except (msgspec.DecodeError, UnicodeDecodeError):
        whole = _parse(data) if isinstance(data, bytes) else data
        return msgspec.convert(_read(_type_of(view), whole, ""), view)


def _parse(text: bytes) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ManifestError(f"is not JSON: {error}") from None


@cache
def _type_of(view: type[View]) -> inspect.Type:
    return inspect.type_info(view)


def _read(kind: inspect.Type, value: Any, path: str) -> Any:
    """Return a value without its nulls; raise ManifestError when it is not of a type."""
    match kind:
        case inspect.UnionType():
            return None if value is None and kind.includes_none else _read_one_of(kind, value, path)
        case inspect.StructType():
            return _read_struct(kind, _of_type(Mapping, value, kind, path), path)
        case inspect.DictType():
            items = _of_type(Mapping, value, kind, path)
            return {
                _read_scalar(kind.key_type, key, path): _read_item(kind.value_type, each, f"{path}[{key}]")
                for key, each in items.items()
            }
        case inspect.VarTupleType():
            found = _of_type((list, tuple), value, kind, path)
            return [_read(kind.item_type, each, f"{path}[{index}]") for index, each in enumerate(found)]
        case _:
            return _read_scalar(kind, value, path)


def _read_struct(kind: inspect.StructType, value: Mapping[str, Any], path: str) -> dict[str, Any]:
    read = {}
    for field in kind.fields:
        name = field.encode_name
        where = f"{path}.{name}" if path else name
        found = value.get(name, _ABSENT)
        if field.required and found in (_ABSENT, None):
            raise ManifestError(f"is missing; expected {_name(field.type)}", path=where)
        if found is not _ABSENT and found is not None:
            read[name] = _read(field.type, found, where)
    return read


def _read_item(kind: inspect.Type, value: Any, path: str) -> Any:
    """Return the value of a map; null is the zero value of its type, as in Go."""
    if value is None:
        return "0" if isinstance(kind, inspect.UnionType) else ""
    return _read(kind, value, path)


def _read_one_of(union: inspect.UnionType, value: Any, path: str) -> Any:
    kinds = [kind for kind in union.types if not isinstance(kind, inspect.NoneType)]
    if len(kinds) == 1:
        return _read(kinds[0], value, path)
    for kind in kinds:
        if _is_scalar(kind, value):
            return value
    raise _mismatch(value, kinds, path)


def _read_scalar(kind: inspect.Type, value: Any, path: str) -> Any:
    if not _is_scalar(kind, value):
        raise _mismatch(value, [kind], path)
    # kubectl writes an integral float as an integer, which is how the API server reads 5e7.
    return int(value) if isinstance(kind, inspect.IntType) else value


def _is_scalar(kind: inspect.Type, value: Any) -> bool:
    match kind:
        case inspect.StrType():
            return isinstance(value, str)
        case inspect.BoolType():
            return isinstance(value, bool)
        case inspect.FloatType():
            return isinstance(value, float)
        case inspect.IntType(ge=least, le=most):
            if isinstance(value, bool) or not isinstance(value, int | float):
                return False
            if isinstance(value, float) and not value.is_integer():
                return False
            return (least is None or value >= least) and (most is None or value <= most)
        case _:
            return False


def _of_type(expected: Any, value: Any, kind: inspect.Type, path: str) -> Any:
    if not isinstance(value, expected):
        raise _mismatch(value, [kind], path)
    return value


def _mismatch(value: Any, kinds: Sequence[inspect.Type], path: str) -> ManifestError:
    return ManifestError(f"found {shown_at('', path, value)}, expected {_names(kinds)}", path=path or None)


def _names(kinds: Sequence[inspect.Type]) -> str:
    any_number = any(isinstance(kind, inspect.FloatType) for kind in kinds)
    return " or ".join(
        _name(kind)
        for kind in kinds
        if not isinstance(kind, inspect.NoneType) and not (any_number and isinstance(kind, inspect.IntType))
    )


def _name(kind: inspect.Type) -> str:
    match kind:
        case inspect.UnionType():
            return _names(kind.types)
        case inspect.StructType() | inspect.DictType():
            return "an object"
        case inspect.VarTupleType():
            return "a list"
        case inspect.StrType():
            return "a string"
        case inspect.BoolType():
            return "true or false"
        case inspect.IntType(le=most):
            return "an integer" if most is None else f"an integer of {most.bit_length() + 1} bits"
        case _:
            return "a number"


def shown_at(kind: str, path: str, value: Any) -> str:
    """Return a field's value for a message, as :func:`shown` does, with confidential values masked.

    Args:
        kind: The kind of object; empty if unknown.
        path: The path of the field in the object.
        value: The value.
    """
    if not isinstance(value, str) or not is_confidential(kind, path or ""):
        return shown(value)
    return "a string"


def shown(value: Any) -> str:
    """Return a value for a message, truncated if it is long."""
    match value:
        case None:
            return "null"
        case Mapping():
            return "an object"
        case list() | tuple():
            return "a list"
        case bool():
            return str(value).lower()
        case str():
            text = json.dumps(value, ensure_ascii=False)
            cut = text if len(text) <= _SHOWN_CHARACTERS else f'{text[:_SHOWN_CHARACTERS]}…"'
            return f"the string {cut}"
        case int() if abs(value) >= 10**_SHOWN_CHARACTERS:
            return f"a number of more than {_SHOWN_CHARACTERS} digits"
        case int() | float():
            text = str(value)
            return f"the number {text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + '…'}"
        case _:
            return f"a {type(value).__name__}"
