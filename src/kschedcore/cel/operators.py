"""The names of operators in cel-go's errors."""

from __future__ import annotations

from typing import Final

__all__ = [
    "ADD",
    "AND",
    "BINARY",
    "CONDITIONAL",
    "EQUALS",
    "IN",
    "INDEX",
    "NEGATE",
    "NOT",
    "NOT_EQUALS",
    "NOT_STRICTLY_FALSE",
    "OPTIONAL_INDEX",
    "OPTIONAL_SELECT",
    "OR",
]

ADD: Final = "_+_"
AND: Final = "_&&_"
CONDITIONAL: Final = "_?_:_"
EQUALS: Final = "_==_"
IN: Final = "@in"
INDEX: Final = "_[_]"
NEGATE: Final = "-_"
NOT: Final = "!_"
NOT_EQUALS: Final = "_!=_"
NOT_STRICTLY_FALSE: Final = "@not_strictly_false"
OPTIONAL_INDEX: Final = "_[?_]"
OPTIONAL_SELECT: Final = "_?._"
OR: Final = "_||_"

BINARY: Final = {
    "==": EQUALS,
    "!=": NOT_EQUALS,
    "<": "_<_",
    "<=": "_<=_",
    ">": "_>_",
    ">=": "_>=_",
    "in": IN,
    "+": ADD,
    "-": "_-_",
    "*": "_*_",
    "/": "_/_",
    "%": "_%_",
}
