"""Environments, which compile expressions, and the compiled programs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Final

from kschedcore.cel.ast import Node
from kschedcore.cel.checker import Scope, check
from kschedcore.cel.cost import MAX, Range, estimated
from kschedcore.cel.declarations import Declared, Function, Library, Validator
from kschedcore.cel.errors import CompileError, EvaluationError, Issue
from kschedcore.cel.evaluator import COST, Plan, planned
from kschedcore.cel.parser import Macros, parse
from kschedcore.cel.recursion import deeply
from kschedcore.cel.source import Source
from kschedcore.cel.types import Type
from kschedcore.cel.validators import mixed_literals, walk
from kschedcore.cel.values import Value

__all__ = ["Environment", "Program"]

_TOO_DEEP: Final = "max recursion depth exceeded"


class Environment:
    """The variables, functions, types and macros that expressions may use.

    An environment is immutable; :meth:`extended` returns a larger one.

    Attributes:
        variables: The variables' declarations; a plain type has no declared size.
        libraries: The libraries.
    """

    def __init__(
        self,
        variables: Mapping[str, Type | Declared],
        libraries: Iterable[Library],
        validators: Iterable[Validator] = (),
    ) -> None:
        self.variables = dict(variables)
        self.libraries = tuple(libraries)
        self._own_validators = tuple(validators)
        self._macros = Macros(macro for each in self.libraries for macro in each.macros)
        self._optional_syntax = any(each.optional_syntax for each in self.libraries)
        exempt = frozenset().union(*(each.mixed_literals for each in self.libraries))
        library_validators = tuple(check for each in self.libraries for check in each.validators)
        self._validators = (*self._own_validators, mixed_literals(exempt), *library_validators)
        self._declared = {name: each for name, each in self.variables.items() if isinstance(each, Declared)}
        self._scope = Scope(
            {
                name: each.type if isinstance(each, Declared) else each
                for name, each in self.variables.items()
            },
            {each.name: each for library in self.libraries for each in library.type_names},
            _merged(self.libraries),
            {
                name: fields
                for each in self._declared.values()
                for name, fields in each.object_types().items()
            },
        )

    def extended(
        self, variables: Mapping[str, Type | Declared], libraries: Iterable[Library] = ()
    ) -> Environment:
        """Return an environment with more variables and libraries."""
        return Environment(
            {**self.variables, **variables}, (*self.libraries, *libraries), self._own_validators
        )

    def compile(self, text: str, result_type: Type | None = None) -> Program:
        """Compile an expression.

        Args:
            text: The expression.
            result_type: The type that it must have, None for any.

        Raises:
            CompileError: It does not parse, type-check or have that type; in the words of Kubernetes' compiler,
                without the prefix that each of its users adds.
        """
        source = Source(text)
        try:
            root, issues = deeply(lambda: self._checked(source))
        except RecursionError:
            raise source.error([Issue(-1, _TOO_DEEP)]) from None
        if issues:
            raise source.error(issues)
        program = Program(text, root, self._declared)
        if result_type is not None and not program.type.is_exactly(result_type):
            raise CompileError(f"must evaluate to {result_type}, not {program.type}")
        program.prepare()
        return program

    def _checked(self, source: Source) -> tuple[Node, list[Issue]]:
        root = parse(source, self._macros, optional_syntax=self._optional_syntax)
        issues = check(root, self._scope)
        if not issues:
            nodes = walk(root)
            issues = [issue for validate in self._validators for issue in validate(nodes)]
        return root, issues


def _merged(libraries: Iterable[Library]) -> dict[str, Function]:
    """Return all functions; an overload that several libraries declare counts once."""
    found: dict[str, Function] = {}
    for library in libraries:
        for name, group in library.functions.items():
            known = {each.id for each in found.get(name, ())}
            found[name] = (*found.get(name, ()), *(each for each in group if each.id not in known))
    return found


class Program:
    """A compiled expression.

    Attributes:
        text: The expression.
        type: The type of its value.
    """

    def __init__(self, text: str, root: Node, declared: Mapping[str, Declared]) -> None:
        assert root.type is not None, "programs have type-checked expressions"
        self.text = text
        self.type = root.type
        self._root = root
        self._declared = declared

    def __repr__(self) -> str:
        return f"Program({self.text!r})"

    @cached_property
    def cost_estimate(self) -> Range:
        """The minimum and maximum cost of an evaluation, in CEL's cost units."""
        return deeply(lambda: estimated(self._root, self._declared))

    @cached_property
    def _plain(self) -> Plan:
        return planned(self._root, metered=False)

    @cached_property
    def _metered(self) -> Plan:
        return deeply(lambda: planned(self._root, metered=True))

    def prepare(self) -> None:
        """Make the program runnable.

        Raises:
            CompileError: A constant part of it fails.
        """
        try:
            _ = deeply(lambda: self._plain)
        except RecursionError:
            raise CompileError(_TOO_DEEP) from None

    def evaluate(self, bindings: Mapping[str, Value], cost_limit: int | None = None) -> Value:
        """Return the expression's value.

        The cost is only counted if the estimate may exceed the limit.

        Args:
            bindings: The values of the variables; one may be :class:`~kschedcore.cel.evaluator.Lazy`.
            cost_limit: Maximum cost, None for no limit.

        Raises:
            EvaluationError: It failed.
            CostLimitError: It exceeded the limit.
        """
        if cost_limit is not None and self.cost_estimate.high > cost_limit:
            return self.measured(bindings, cost_limit)[0]
        plan = self._plain
        try:
            return plan.run(plan.frame(bindings, MAX))
        except RecursionError:
            pass
        try:
            return deeply(lambda: plan.run(plan.frame(bindings, MAX)))
        except RecursionError:
            raise EvaluationError(_TOO_DEEP) from None

    def measured(self, bindings: Mapping[str, Value], cost_limit: int | None = None) -> tuple[Value, int]:
        """Return the expression's value and its actual cost.

        Args:
            bindings: The values of the variables.
            cost_limit: Maximum cost, None for no limit.

        Raises:
            EvaluationError: It failed.
            CostLimitError: It exceeded the limit.
        """
        plan = self._metered

        def run() -> tuple[Value, int]:
            frame = plan.frame(bindings, MAX if cost_limit is None else cost_limit)
            return plan.run(frame), frame[COST]

        try:
            return deeply(run)
        except RecursionError:
            raise EvaluationError(_TOO_DEEP) from None
