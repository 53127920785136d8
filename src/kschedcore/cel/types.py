"""The types of expressions (cel-go's ``common/types``).

A :class:`Type` is also a value at run time: ``type(1) == int``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

__all__ = [
    "ANY",
    "BOOL",
    "BYTES",
    "DOUBLE",
    "DURATION",
    "DYN",
    "ERROR",
    "INT",
    "NULL",
    "STRING",
    "TIMESTAMP",
    "TYPE",
    "UINT",
    "Kind",
    "Type",
    "list_of",
    "map_of",
    "object_type",
    "opaque_type",
    "optional_of",
    "parameter",
    "signature",
    "type_of_type",
]


class Kind(Enum):
    """The kind of a type; only container types have parameters."""

    ANY = auto()
    BOOL = auto()
    BYTES = auto()
    DOUBLE = auto()
    DURATION = auto()
    DYN = auto()
    ERROR = auto()
    INT = auto()
    LIST = auto()
    MAP = auto()
    NULL = auto()
    OPAQUE = auto()
    PARAMETER = auto()
    STRING = auto()
    STRUCT = auto()
    TIMESTAMP = auto()
    TYPE = auto()
    UINT = auto()


@dataclass(frozen=True, slots=True, eq=False)
class Type:
    """A type, compared as a value by its name alone (``list(int)`` and ``list(string)`` are both ``list``).

    Attributes:
        kind: Its kind.
        name: The name of ``type()``: ``int``, ``list``, ``kubernetes.Quantity``.
        parameters: The element of a list, the key and value of a map, the value of an optional.
    """

    kind: Kind
    name: str
    parameters: tuple[Type, ...] = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Type) and self.name == other.name

    def __hash__(self) -> int:
        return hash(self.name)

    def __str__(self) -> str:
        if self.kind is Kind.PARAMETER:
            return f"<{self.name}>"
        if not self.parameters:
            return self.name
        return f"{self.name}({', '.join(map(str, self.parameters))})"

    @property
    def is_dyn(self) -> bool:
        """Whether it is only checked at run time."""
        return self.kind is Kind.DYN or self.kind is Kind.ANY

    @property
    def is_optional(self) -> bool:
        """Whether it is an optional type."""
        return self.kind is Kind.OPAQUE and self.name == "optional_type"

    def shown(self) -> str:
        """Return the type as compile errors show it."""
        special = _SHOWN.get(self.kind)
        if special is not None:
            return special
        if not self.parameters:
            return self.name
        return f"{self.name}({', '.join(each.shown() for each in self.parameters)})"

    def is_exactly(self, other: Type) -> bool:
        """Whether both are the same type down to the parameters."""
        return self is other or (
            self.kind is other.kind
            and self.name == other.name
            and len(self.parameters) == len(other.parameters)
            and all(map(Type.is_exactly, self.parameters, other.parameters))
        )

    def is_equivalent(self, other: Type) -> bool:
        """Whether both are the same type but for the names of type parameters."""
        return self is other or (
            self.kind is other.kind
            and (self.kind is Kind.PARAMETER or self.name == other.name)
            and len(self.parameters) == len(other.parameters)
            and all(map(Type.is_equivalent, self.parameters, other.parameters))
        )


_SHOWN: Final = {
    Kind.ANY: "any",
    Kind.DURATION: "duration",
    Kind.ERROR: "!error!",
    Kind.NULL: "null",
    Kind.TIMESTAMP: "timestamp",
}

ANY: Final = Type(Kind.ANY, "google.protobuf.Any")
BOOL: Final = Type(Kind.BOOL, "bool")
BYTES: Final = Type(Kind.BYTES, "bytes")
DOUBLE: Final = Type(Kind.DOUBLE, "double")
DURATION: Final = Type(Kind.DURATION, "google.protobuf.Duration")
DYN: Final = Type(Kind.DYN, "dyn")
ERROR: Final = Type(Kind.ERROR, "*error*")
INT: Final = Type(Kind.INT, "int")
NULL: Final = Type(Kind.NULL, "null_type")
STRING: Final = Type(Kind.STRING, "string")
TIMESTAMP: Final = Type(Kind.TIMESTAMP, "google.protobuf.Timestamp")
TYPE: Final = Type(Kind.TYPE, "type")
UINT: Final = Type(Kind.UINT, "uint")


def list_of(element: Type) -> Type:
    """Return the type of a list."""
    return Type(Kind.LIST, "list", (element,))


def map_of(key: Type, value: Type) -> Type:
    """Return the type of a map."""
    return Type(Kind.MAP, "map", (key, value))


def object_type(name: str) -> Type:
    """Return the type of objects with declared fields, ``kubernetes.Quantity``."""
    return Type(Kind.STRUCT, name)


def opaque_type(name: str, *parameters: Type) -> Type:
    """Return a type that is only used by functions, ``net.IP``."""
    return Type(Kind.OPAQUE, name, parameters)


def optional_of(content: Type) -> Type:
    """Return the type of a value that may be absent."""
    return opaque_type("optional_type", content)


def parameter(name: str) -> Type:
    """Return a type parameter of a function's declaration."""
    return Type(Kind.PARAMETER, name)


def type_of_type(content: Type) -> Type:
    """Return the type of the name of a type."""
    return Type(Kind.TYPE, "type", (content,))


def signature(arguments: Iterable[Type]) -> str:
    """Return types of arguments as ``found no matching overload`` shows them."""
    return f"({', '.join(each.shown() for each in arguments)})"
