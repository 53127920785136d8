"""The type checker: gives every node its type and every call its overloads (cel-go's ``checker``)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from kschedcore.cel import operators, types
from kschedcore.cel.ast import (
    Call,
    Comprehension,
    Ident,
    ListExpr,
    Literal,
    MapExpr,
    Node,
    Select,
    StructExpr,
    qualified_name,
)
from kschedcore.cel.declarations import Declared, Function, Overload
from kschedcore.cel.errors import Issue
from kschedcore.cel.types import Kind, Type
from kschedcore.cel.unification import Bindings, assign, assign_all, most_general, substituted
from kschedcore.cel.values import type_of

__all__ = ["SELECT_OPTIONAL", "Scope", "check"]

SELECT_OPTIONAL: Final = Overload(
    "select_optional_field",
    (types.DYN, types.STRING),
    types.optional_of(types.DYN),
    lambda *_: None,
)


class Scope:
    """The names that an expression may use.

    Attributes:
        variables: The variables' types.
        type_names: Types that may be named.
        functions: The functions.
        objects: The fields of object types, by the types' names.
    """

    __slots__ = ("functions", "objects", "type_names", "variables")

    def __init__(
        self,
        variables: Mapping[str, Type],
        type_names: Mapping[str, Type],
        functions: Mapping[str, Function],
        objects: Mapping[str, Mapping[str, Declared]],
    ) -> None:
        self.variables = variables
        self.type_names = type_names
        self.functions = functions
        self.objects = objects


def check(root: Node, scope: Scope) -> list[Issue]:
    """Set the types and overloads of an expression's nodes; return its errors."""
    checker = _Checker(scope)
    checker.check(root)
    checker.finish()
    return checker.issues


def _unwrapped(given: Type) -> tuple[Type, bool]:
    return (given.parameters[0], True) if given.is_optional else (given, False)


class _Checker:
    def __init__(self, scope: Scope) -> None:
        self.issues: list[Issue] = []
        self._scope = scope
        self._locals: list[dict[str, Type]] = []
        self._bindings: Bindings = {}
        self._free = 0
        self._seen: list[Node] = []

    def finish(self) -> None:
        """Replace type parameters in the nodes' types; those that are still free become ``dyn``."""
        for node in self._seen:
            if node.type is not None:
                node.type = substituted(self._bindings, node.type, free_to_dyn=True)

    def check(self, node: Node) -> Type:
        """Check a node; return its type, which may have free parameters until the end."""
        match node:
            case Literal():
                found = type_of(node.value)
            case Ident():
                found = self._ident(node)
            case Select():
                found = self._select(node)
            case Call():
                found = self._call(node)
            case ListExpr():
                found = self._list(node)
            case MapExpr():
                found = self._map(node)
            case StructExpr():
                found = self._struct(node)
            case Comprehension():
                found = self._comprehension(node)
        node.type = found
        self._seen.append(node)
        return found

    # Helpers

    def _problem(self, offset: int, message: str) -> Type:
        self.issues.append(Issue(offset, message))
        return types.ERROR

    def _mismatch(self, offset: int, expected: Type, found: Type) -> Type:
        return self._problem(offset, f"expected type '{expected.shown()}' but found '{found.shown()}'")

    def _undeclared(self, offset: int, name: str) -> Type:
        return self._problem(offset, f"undeclared reference to '{name}' (in container '')")

    def _fits(self, first: Type, second: Type) -> bool:
        found = assign(self._bindings, first, second)
        if found is None:
            return False
        self._bindings = found
        return True

    def _substituted(self, given: Type) -> Type:
        return substituted(self._bindings, given)

    def _fresh(self) -> Type:
        self._free += 1
        return types.parameter(f"_var{self._free - 1}")

    # Names and fields

    def _find(self, name: str) -> tuple[Type, Type | None] | None:
        """Return the type of a variable; of a type's name the type of types and the type itself."""
        plain = name.removeprefix(".")
        for scope in reversed(self._locals):
            if plain in scope:
                return scope[plain], None
        variable = self._scope.variables.get(plain)
        if variable is not None:
            return variable, None
        if plain in self._scope.objects:
            named = types.object_type(plain)
            return types.type_of_type(named), named
        named_type = self._scope.type_names.get(plain)
        return None if named_type is None else (types.type_of_type(named_type), named_type)

    def _ident(self, node: Ident) -> Type:
        found = self._find(node.name)
        if found is None:
            return self._undeclared(node.offset, node.name)
        node.name = node.name.removeprefix(".")
        node.constant = found[1]
        return found[0]

    def _select(self, node: Select) -> Type:
        name = None if node.test else qualified_name(node)
        if name is not None and self._find(name) is not None:
            node.resolved = Ident(node.offset, name)
            return self.check(node.resolved)
        result = self._field(node, node.operand, node.field, optional=False)
        return types.BOOL if node.test else self._substituted(result)

    def _field(self, node: Node, operand: Node, name: str, *, optional: bool) -> Type:
        target, is_optional = _unwrapped(self._substituted(self.check(operand)))
        match target.kind:
            case Kind.MAP:
                result = target.parameters[1]
            case Kind.STRUCT:
                result = self._field_type(node.offset, target.name, name)
            case Kind.PARAMETER:
                self._fits(types.DYN, target)
                result = types.DYN
            case _:
                if not target.is_dyn and target.kind is not Kind.ERROR:
                    message = f"type '{target.shown()}' does not support field selection"
                    self._problem(node.offset, message)
                result = types.DYN
        return types.optional_of(result) if is_optional or optional else result

    def _field_type(self, offset: int, type_name: str, name: str) -> Type:
        fields = self._scope.objects.get(type_name)
        found = None if fields is None else fields.get(name)
        if found is not None:
            return found.type
        if fields is None and type_name not in self._scope.type_names:
            return self._problem(offset, f"unexpected failed resolution of '{type_name}'")
        return self._problem(offset, f"undefined field '{name}'")

    # Calls

    def _call(self, node: Call) -> Type:
        if node.function == operators.OPTIONAL_SELECT:
            return self._optional_select(node)
        for argument in node.args:
            self.check(argument)
        if node.target is None:
            name = node.function.removeprefix(".")
            found = self._scope.functions.get(name)
            if found is None:
                return self._undeclared(node.offset, node.function)
            node.function = name
            return self._resolved(node, found)
        prefix = qualified_name(node.target)
        if prefix is not None:
            qualified = f"{prefix}.{node.function}".removeprefix(".")
            found = self._scope.functions.get(qualified)
            if found is not None:
                node.function, node.target = qualified, None
                return self._resolved(node, found)
        self.check(node.target)
        found = self._scope.functions.get(node.function)
        if found is None:
            return self._undeclared(node.offset, node.function)
        return self._resolved(node, found)

    def _optional_select(self, node: Call) -> Type:
        operand, name = node.args
        assert isinstance(name, Literal), "the parser makes no other"
        assert isinstance(name.value, str), "the parser makes no other"
        result = self._field(node, operand, name.value, optional=True)
        self.check(name)
        node.overloads = (SELECT_OPTIONAL,)
        return self._substituted(result)

    def _resolved(self, node: Call, candidates: Function) -> Type:
        arguments = node.args if node.target is None else [node.target, *node.args]
        given = tuple(each.type or types.ERROR for each in arguments)
        if node.function in {operators.AND, operators.OR}:
            return self._logical(node, candidates, given)
        result: Type | None = None
        chosen: list[Overload] = []
        for overload in candidates:
            if overload.is_method is not (node.target is not None):
                continue
            expected, returned = self._instantiated(overload)
            found = assign_all(self._bindings, given, expected)
            if found is None:
                continue
            self._bindings = found
            chosen.append(overload)
            returned = self._substituted(returned)
            if result is None:
                result = returned
            elif not result.is_dyn and not returned.is_exactly(result):
                result = types.DYN
        if result is None:
            shown = [substituted(self._bindings, each, free_to_dyn=True) for each in given]
            text = types.signature(shown)
            if node.target is not None:
                text = f"{shown[0].shown()}.{types.signature(shown[1:])}"
            message = f"found no matching overload for '{node.function}' applied to '{text}'"
            return self._problem(node.offset, message)
        node.overloads = tuple(chosen)
        return result

    def _logical(self, node: Call, candidates: Function, given: tuple[Type, ...]) -> Type:
        result = types.BOOL
        for argument, found in zip(node.args, given, strict=True):
            if not self._fits(found, types.BOOL):
                result = self._mismatch(argument.offset, types.BOOL, found)
        node.overloads = candidates[:1]
        return result

    def _instantiated(self, overload: Overload) -> tuple[tuple[Type, ...], Type]:
        """Return the types of arguments and result with fresh type parameters."""
        if not overload.is_generic:
            return overload.arguments, overload.result
        fresh: Bindings = {}

        def collect(given: Type) -> None:
            if given.kind is Kind.PARAMETER and given.name not in fresh:
                fresh[given.name] = self._fresh()
            for each in given.parameters:
                collect(each)

        for each in (*overload.arguments, overload.result):
            collect(each)
        arguments = tuple(substituted(fresh, each) for each in overload.arguments)
        return arguments, substituted(fresh, overload.result)

    # Literals

    def _joined(self, previous: Type | None, current: Type) -> Type:
        if previous is None:
            return current
        if self._fits(previous, current):
            return most_general(previous, current)
        # Whether literals may hold values of different types is left to a validator.
        return types.DYN

    def _element(self, node: Node, *, optional: bool) -> Type:
        found = self.check(node)
        if not optional:
            return found
        content, is_optional = _unwrapped(found)
        if not is_optional and not content.is_dyn:
            self._mismatch(node.offset, types.optional_of(content), content)
        return content

    def _list(self, node: ListExpr) -> Type:
        joined: Type | None = None
        for index, element in enumerate(node.elements):
            found = self._element(element, optional=index in node.optional)
            joined = self._joined(joined, found)
        return types.list_of(self._fresh() if joined is None else joined)

    def _map(self, node: MapExpr) -> Type:
        key: Type | None = None
        value: Type | None = None
        for entry in node.entries:
            key = self._joined(key, self.check(entry.key))
            found = self._element(entry.value, optional=entry.optional)
            value = self._joined(value, found)
        if key is None or value is None:
            key, value = self._fresh(), self._fresh()
        return types.map_of(key, value)

    def _struct(self, node: StructExpr) -> Type:
        found = self._find(node.name)
        if found is None:
            return self._undeclared(node.offset, node.name)
        named = found[1]
        result = types.ERROR
        if named is None:
            self._problem(node.offset, f"'{found[0].name}' is not a type")
        elif named.kind is not Kind.STRUCT:
            self._problem(node.offset, f"'{named.name}' is not a message type")
        else:
            result = named
        node.name = node.name.removeprefix(".") if named is None else named.name
        for entry in node.fields:
            given = self._element(entry.value, optional=entry.optional)
            expected = self._field_type(entry.offset, node.name, entry.name)
            if not self._fits(expected, given):
                message = f"expected type of field '{entry.name}' is '{expected.shown()}'"
                self._problem(entry.offset, f"{message} but provided type is '{given.shown()}'")
        return result

    # Folds

    def _comprehension(self, node: Comprehension) -> Type:
        self.check(node.range)
        accumulated = self.check(node.initial)
        over = self._substituted(node.range.type or types.ERROR)
        self._locals.append({node.accumulator: accumulated})
        first, second = self._iterated(node, over)
        self._locals.append({node.variable: first, **({node.second: second} if node.second else {})})
        self._assert(node.condition, types.BOOL)
        self._assert(node.step, accumulated)
        self._locals.pop()
        result = self.check(node.result)
        self._locals.pop()
        return self._substituted(result)

    def _assert(self, node: Node, expected: Type) -> None:
        found = self.check(node)
        if not self._fits(expected, found):
            self._mismatch(node.offset, expected, found)

    def _iterated(self, node: Comprehension, over: Type) -> tuple[Type, Type]:
        """Return the types of the variables; of a single one it is the first."""
        if over.kind is Kind.LIST:
            element = over.parameters[0]
            return (types.INT, element) if node.second else (element, element)
        if over.kind is Kind.MAP:
            return over.parameters[0], over.parameters[1]
        if over.kind in {Kind.DYN, Kind.ERROR, Kind.PARAMETER}:
            self._fits(types.DYN, over)
            return types.DYN, types.DYN
        message = f"expression of type '{over.shown()}' cannot be range of a comprehension"
        self._problem(node.range.offset, f"{message} (must be list, map, or dynamic)")
        return types.ERROR, types.ERROR
