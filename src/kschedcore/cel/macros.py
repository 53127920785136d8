"""The macros of CEL and its libraries: calls that the parser replaces by other expressions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias

from kschedcore.cel import operators
from kschedcore.cel.ast import (
    Call,
    Comprehension,
    Ident,
    ListExpr,
    Literal,
    LiteralValue,
    MapExpr,
    Node,
    Select,
    copied,
)

__all__ = [
    "ACCUMULATOR",
    "BINDINGS",
    "OPTIONALS",
    "SORT_BY",
    "STANDARD",
    "TWO_VARIABLES",
    "Macro",
    "MacroError",
]

ACCUMULATOR: Final = "@result"
_OLD_ACCUMULATOR: Final = "__result__"
_UNUSED: Final = "#unused"
_OVERWRITES: Final = "iteration variable overwrites accumulator variable"


class MacroError(Exception):
    """A macro's arguments are invalid.

    Attributes:
        offset: The place of the argument.
    """

    def __init__(self, offset: int, message: str) -> None:
        self.offset = offset
        super().__init__(message)


Expander: TypeAlias = Callable[["_Maker", "Node | None", list[Node]], "Node | None"]


class Macro(NamedTuple):
    """A macro.

    Attributes:
        name: The function's name.
        arity: The number of arguments.
        method: Whether it is called on a receiver.
        expand: Returns the replacement; None if the call is not a macro call.
    """

    name: str
    arity: int
    method: bool
    expand: Expander

    def expanded(self, offset: int, target: Node | None, arguments: list[Node]) -> Node | None:
        """Return the replacement of a call; the new nodes are placed at ``offset``.

        Raises:
            MacroError: The arguments are invalid.
        """
        return self.expand(_Maker(offset), target, arguments)


class _Maker:
    """Creates nodes at one position."""

    __slots__ = ("offset",)

    def __init__(self, offset: int) -> None:
        self.offset = offset

    def literal(self, value: LiteralValue) -> Literal:
        return Literal(self.offset, value)

    def ident(self, name: str) -> Ident:
        return Ident(self.offset, name)

    def accumulated(self) -> Ident:
        return Ident(self.offset, ACCUMULATOR)

    def call(self, function: str, *arguments: Node, target: Node | None = None) -> Call:
        return Call(self.offset, function, target, list(arguments))

    def list(self, *elements: Node) -> ListExpr:
        return ListExpr(self.offset, list(elements))

    def fold(
        self, over: Node, names: tuple[str, str], initial: Node, condition: Node, step: Node, result: Node
    ) -> Comprehension:
        return Comprehension(
            self.offset, over, names[0], names[1], ACCUMULATOR, initial, condition, step, result
        )

    def binding(self, name: str, value: Node, result: Node) -> Comprehension:
        stop, step = self.literal(False), self.ident(name)
        return Comprehension(self.offset, self.list(), _UNUSED, "", name, value, stop, step, result)


def _has(make: _Maker, _target: Node | None, arguments: list[Node]) -> Node:
    tested = arguments[0]
    if not isinstance(tested, Select):
        raise MacroError(tested.offset, "invalid argument to has() macro")
    return Select(make.offset, tested.operand, tested.field, test=True)


def _name(argument: Node, message: str) -> str:
    if not isinstance(argument, Ident):
        raise MacroError(argument.offset, message)
    return argument.name


def _one_name(argument: Node, message: str) -> tuple[str, str]:
    name = _name(argument, message)
    if name in {ACCUMULATOR, _OLD_ACCUMULATOR}:
        raise MacroError(argument.offset, _OVERWRITES)
    return name, ""


def _two_names(first: Node, second: Node) -> tuple[str, str]:
    names = tuple(_name(each, "argument must be a simple name") for each in (first, second))
    if names[0] == names[1]:
        raise MacroError(second.offset, f"duplicate variable name: {names[0]}")
    for each, name in zip((first, second), names, strict=True):
        if name in {ACCUMULATOR, _OLD_ACCUMULATOR}:
            raise MacroError(each.offset, _OVERWRITES)
    return names[0], names[1]


def _names(arguments: list[Node], variables: int) -> tuple[str, str]:
    if variables == 1:
        return _one_name(arguments[0], "argument must be a simple name")
    return _two_names(arguments[0], arguments[1])


def _over(target: Node | None) -> Node:
    assert target is not None, "a macro that is a method has a target"
    return target


def _all(variables: int) -> Expander:
    def expand(make: _Maker, target: Node | None, arguments: list[Node]) -> Node:
        names = _names(arguments, variables)
        go_on = make.call(operators.NOT_STRICTLY_FALSE, make.accumulated())
        step = make.call(operators.AND, make.accumulated(), arguments[-1])
        return make.fold(_over(target), names, make.literal(True), go_on, step, make.accumulated())

    return expand


def _exists(variables: int) -> Expander:
    def expand(make: _Maker, target: Node | None, arguments: list[Node]) -> Node:
        names = _names(arguments, variables)
        not_yet = make.call(operators.NOT, make.accumulated())
        go_on = make.call(operators.NOT_STRICTLY_FALSE, not_yet)
        step = make.call(operators.OR, make.accumulated(), arguments[-1])
        return make.fold(_over(target), names, make.literal(False), go_on, step, make.accumulated())

    return expand


def _exists_one(variables: int) -> Expander:
    def expand(make: _Maker, target: Node | None, arguments: list[Node]) -> Node:
        names = _names(arguments, variables)
        more = make.call(operators.ADD, make.accumulated(), make.literal(1))
        step = make.call(operators.CONDITIONAL, arguments[-1], more, make.accumulated())
        result = make.call(operators.EQUALS, make.accumulated(), make.literal(1))
        return make.fold(_over(target), names, make.literal(0), make.literal(True), step, result)

    return expand


def _filtered(make: _Maker, condition: Node | None, step: Node) -> Node:
    if condition is None:
        return step
    return make.call(operators.CONDITIONAL, condition, step, make.accumulated())


def _map(make: _Maker, target: Node | None, arguments: list[Node]) -> Node:
    names = _one_name(arguments[0], "argument is not an identifier")
    condition = arguments[1] if len(arguments) == 3 else None
    more = make.call(operators.ADD, make.accumulated(), make.list(arguments[-1]))
    step = _filtered(make, condition, more)
    return make.fold(_over(target), names, make.list(), make.literal(True), step, make.accumulated())


def _filter(make: _Maker, target: Node | None, arguments: list[Node]) -> Node:
    names = _one_name(arguments[0], "argument is not an identifier")
    more = make.call(operators.ADD, make.accumulated(), make.list(arguments[0]))
    step = _filtered(make, arguments[1], more)
    return make.fold(_over(target), names, make.list(), make.literal(True), step, make.accumulated())


def _transform_list(make: _Maker, target: Node | None, arguments: list[Node]) -> Node:
    names = _two_names(arguments[0], arguments[1])
    condition = arguments[2] if len(arguments) == 4 else None
    more = make.call(operators.ADD, make.accumulated(), make.list(arguments[-1]))
    step = _filtered(make, condition, more)
    return make.fold(_over(target), names, make.list(), make.literal(True), step, make.accumulated())


def _transform_map(make: _Maker, target: Node | None, arguments: list[Node]) -> Node:
    names = _two_names(arguments[0], arguments[1])
    condition = arguments[2] if len(arguments) == 4 else None
    more = make.call("cel.@mapInsert", make.accumulated(), make.ident(names[0]), arguments[-1])
    return _map_fold(make, target, names, _filtered(make, condition, more))


def _transform_map_entry(make: _Maker, target: Node | None, arguments: list[Node]) -> Node:
    names = _two_names(arguments[0], arguments[1])
    condition = arguments[2] if len(arguments) == 4 else None
    more = make.call("cel.@mapInsert", make.accumulated(), arguments[-1])
    return _map_fold(make, target, names, _filtered(make, condition, more))


def _map_fold(make: _Maker, target: Node | None, names: tuple[str, str], step: Node) -> Node:
    empty = MapExpr(make.offset, [])
    return make.fold(_over(target), names, empty, make.literal(True), step, make.accumulated())


def _bind(make: _Maker, target: Node | None, arguments: list[Node]) -> Node | None:
    if not isinstance(target, Ident) or target.name != "cel":
        return None
    name = _name(arguments[0], "cel.bind() variable names must be simple identifiers")
    return make.binding(name, arguments[1], arguments[2])


def _optional_map(make: _Maker, target: Node | None, arguments: list[Node]) -> Node:
    name = _name(arguments[0], "optMap() variable name must be a simple identifier")
    mapped = make.binding(name, _content(make, target), arguments[1])
    return _if_present(make, target, make.call("optional.of", mapped))


def _optional_flat_map(make: _Maker, target: Node | None, arguments: list[Node]) -> Node:
    name = _name(arguments[0], "optFlatMap() variable name must be a simple identifier")
    return _if_present(make, target, make.binding(name, _content(make, target), arguments[1]))


def _content(make: _Maker, target: Node | None) -> Node:
    return make.call("value", target=copied(_over(target)))


def _if_present(make: _Maker, target: Node | None, then: Node) -> Node:
    present = make.call("hasValue", target=_over(target))
    return make.call(operators.CONDITIONAL, present, then, make.call("optional.none"))


_SORTED: Final = "@__sortBy_input__"


def _sort_by(make: _Maker, target: Node | None, arguments: list[Node]) -> Node:
    over = _over(target)
    if not isinstance(over, ListExpr | Select | Ident | Comprehension | Call):
        message = "sortBy can only be applied to a list, identifier, comprehension, call or select expression"
        raise MacroError(over.offset, message)
    keys = _map(make, make.ident(_SORTED), arguments)
    result = make.call("@sortByAssociatedKeys", keys, target=make.ident(_SORTED))
    return make.binding(_SORTED, over, result)


STANDARD: Final = (
    Macro("has", 1, False, _has),
    Macro("all", 2, True, _all(1)),
    Macro("exists", 2, True, _exists(1)),
    Macro("exists_one", 2, True, _exists_one(1)),
    Macro("existsOne", 2, True, _exists_one(1)),
    Macro("map", 2, True, _map),
    Macro("map", 3, True, _map),
    Macro("filter", 2, True, _filter),
)
TWO_VARIABLES: Final = (
    Macro("all", 3, True, _all(2)),
    Macro("exists", 3, True, _exists(2)),
    Macro("exists_one", 3, True, _exists_one(2)),
    Macro("existsOne", 3, True, _exists_one(2)),
    *(Macro("transformList", arity, True, _transform_list) for arity in (3, 4)),
    *(Macro("transformMap", arity, True, _transform_map) for arity in (3, 4)),
    *(Macro("transformMapEntry", arity, True, _transform_map_entry) for arity in (3, 4)),
)
BINDINGS: Final = (Macro("bind", 3, True, _bind),)
OPTIONALS: Final = (
    Macro("optMap", 2, True, _optional_map),
    Macro("optFlatMap", 2, True, _optional_flat_map),
)
SORT_BY: Final = (Macro("sortBy", 2, True, _sort_by),)
