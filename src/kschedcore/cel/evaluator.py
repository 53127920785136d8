"""Compiles a type-checked expression to a Python function of its variables.

Every node becomes a closure over the closures of its parts; nothing is looked up by name or kind while it runs.
Variables live in a list, the frame, whose first two slots count the cost and limit it. There are two ways to
build: metered, where every node charges what cel-go's cost tracker charges for it, and plain, which is faster.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from kschedcore.cel import metering, operators
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
)
from kschedcore.cel.comparison import NO_OVERLOAD, contains, equal
from kschedcore.cel.dispatch import dispatched_call
from kschedcore.cel.errors import CompileError, CostLimitError, EvaluationError
from kschedcore.cel.macros import ACCUMULATOR
from kschedcore.cel.metering import Meter
from kschedcore.cel.regex import compiled
from kschedcore.cel.selection import check_key, is_present, select, select_optional
from kschedcore.cel.values import (
    MISSING,
    NONE,
    Optional,
    UInt,
    Value,
    implementation_name,
    text_of,
    type_name,
)

__all__ = ["COST", "Closure", "Lazy", "Plan", "planned"]

Frame: TypeAlias = list[Any]
Closure: TypeAlias = Callable[[Frame], Value]

COST: Final = 0
LIMIT: Final = 1
_FIRST_VARIABLE: Final = 2
_CONVERSIONS: Final = frozenset(
    {"bool", "bytes", "double", "dyn", "duration", "int", "string", "timestamp", "type", "uint"}
)
_MAKERS: Final = frozenset({"quantity", "semver", "ip", "cidr", "url"})
_REGEX_FUNCTIONS: Final = frozenset({"matches", "find", "findAll"})
_SET_MEMBERS: Final = frozenset({bool, int, UInt, float, str})
_SELECTIONS: Final = frozenset({operators.INDEX, operators.OPTIONAL_INDEX, operators.OPTIONAL_SELECT})


class Lazy:
    """A variable whose value is computed when an expression first reads it."""

    __slots__ = ("compute",)

    def __init__(self, compute: Callable[[], Value]) -> None:
        self.compute = compute


class _Pending:
    """An accumulator whose first value is not computed yet."""

    __slots__ = ("initial",)

    def __init__(self, initial: Closure) -> None:
        self.initial = initial


_UNREAD: Final = frozenset({type(MISSING), Lazy, _Pending, EvaluationError})


class Plan:
    """A runnable expression.

    Attributes:
        run: The function of the frame.
        size: The length of the frame.
        variables: The slots of the variables, by their names.
    """

    __slots__ = ("run", "size", "variables")

    def __init__(self, run: Closure, size: int, variables: Mapping[str, int]) -> None:
        self.run = run
        self.size = size
        self.variables = variables

    def frame(self, bindings: Mapping[str, Value], limit: int) -> Frame:
        """Return a frame with values of variables; those without one fail when they are read."""
        frame: Frame = [None] * self.size
        frame[COST] = 0
        frame[LIMIT] = limit
        for name, slot in self.variables.items():
            frame[slot] = bindings.get(name, MISSING)
        return frame


def planned(root: Node, *, metered: bool) -> Plan:
    """Return an expression made runnable.

    Raises:
        CompileError: A constant part of it fails.
    """
    planner = _Planner(metered)
    run = planner.plan(root)
    return Plan(run, planner.size, planner.variables)


def _charge(frame: Frame, cost: int) -> None:
    total = frame[COST] + cost
    frame[COST] = total
    if total > frame[LIMIT]:
        raise CostLimitError


class _Constant:
    """The value of a node that is known before the expression runs."""

    __slots__ = ("value",)

    def __init__(self, value: Value) -> None:
        self.value = value


class _Planner:
    def __init__(self, metered: bool) -> None:
        self.size = _FIRST_VARIABLE
        self.variables: dict[str, int] = {}
        self._metered = metered
        self._scopes: list[dict[str, int]] = []
        self._constants: dict[int, _Constant | None] = {}

    def plan(self, node: Node) -> Closure:
        """Return the closure of a node."""
        constant = self._constant(node)
        if constant is not None:
            value = constant.value
            return lambda _frame: value
        match node:
            case Ident() | Select():
                return self._attribute(node, base=1)
            case Call():
                return self._call(node)
            case ListExpr():
                return self._list(node)
            case MapExpr():
                return self._map(node)
            case Comprehension():
                return self._fold(node)
            case StructExpr():
                return self._struct(node)
        raise AssertionError("literals are constants")

    # Constants

    def _constant(self, node: Node) -> _Constant | None:
        key = id(node)
        if key not in self._constants:
            self._constants[key] = self._folded(node)
        return self._constants[key]

    def _folded(self, node: Node) -> _Constant | None:
        """Return the value of nodes that cel-go folds when it plans: literals, conversions of constants."""
        match node:
            case Literal():
                return _Constant(node.value)
            case Ident():
                return None if node.constant is None else _Constant(node.constant)
            case Select() if node.resolved is not None:
                return self._constant(node.resolved)
            case ListExpr() if not node.optional:
                elements = [self._constant(each) for each in node.elements]
                known = [each.value for each in elements if each is not None]
                return _Constant(known) if len(known) == len(elements) else None
            case MapExpr() if not any(entry.optional for entry in node.entries):
                pairs = [(self._constant(each.key), self._constant(each.value)) for each in node.entries]
                if all(key is not None and value is not None and _is_key(key.value) for key, value in pairs):
                    return _Constant({key.value: value.value for key, value in pairs if key and value})
            case Call() if node.target is None and node.function in _CONVERSIONS and len(node.args) == 1:
                argument = self._constant(node.args[0])
                if argument is not None and node.overloads:
                    convert = dispatched_call(node.function, node.overloads)
                    return _Constant(_planned(convert, argument.value))
            case Call() if node.function == operators.IN and _single(node) == "in_list":
                container = self._constant(node.args[1])
                if container is not None and not container.value:
                    return _Constant(False)
        return None

    # Variables, selections and indices

    def _attribute(self, node: Node, *, base: int) -> Closure:
        """Return the closure of a variable with selections; ``base`` is charged for the variable."""
        match node:
            case Ident():
                return self._variable(node, base)
            case Select() if node.resolved is not None:
                return self._variable(node.resolved, base)
            case Select():
                operand = self._operand(node.operand, base)
                if node.test:
                    return self._presence(operand, node.field)
                return self._selected(operand, node.field)
            case Call() if node.function == operators.INDEX:
                operand = self._operand(node.args[0], base)
                return self._indexed(operand, node.args[1], select)
            case Call() if node.function in _SELECTIONS:
                operand = self._operand(node.args[0], base)
                return self._indexed(operand, node.args[1], select_optional)
            case Call() if node.function == operators.CONDITIONAL:
                return self._conditional(node)
        return self.plan(node)

    def _operand(self, node: Node, base: int) -> Closure:
        is_attribute = self._constant(node) is None and (
            isinstance(node, Ident | Select)
            or (isinstance(node, Call) and node.function in {*_SELECTIONS, operators.CONDITIONAL})
        )
        if is_attribute:
            return self._attribute(node, base=base)
        operand = self.plan(node)
        if not self._metered or not base:
            return operand

        def charged(frame: Frame) -> Value:
            value = operand(frame)
            _charge(frame, 1)
            return value

        return charged

    def _slot(self, name: str) -> int:
        for scope in reversed(self._scopes):
            if name in scope:
                return scope[name]
        if name not in self.variables:
            self.variables[name] = self._allocate()
        return self.variables[name]

    def _allocate(self) -> int:
        self.size += 1
        return self.size - 1

    def _variable(self, node: Ident, base: int) -> Closure:
        slot = self._slot(node.name)
        name = node.name
        if self._metered and base:

            def charged(frame: Frame) -> Value:
                value = frame[slot]
                if type(value) in _UNREAD:
                    value = _read(frame, slot, name)
                _charge(frame, 1)
                return value

            return charged

        def plain(frame: Frame) -> Value:
            value = frame[slot]
            return _read(frame, slot, name) if type(value) in _UNREAD else value

        return plain

    def _selected(self, operand: Closure, field: str) -> Closure:
        if self._metered:

            def charged(frame: Frame) -> Value:
                container = operand(frame)
                try:
                    found = select(container, field)
                except EvaluationError:
                    _charge(frame, 1)
                    raise
                if found is not NONE or type(container) is not Optional:
                    _charge(frame, 1)
                return found

            return charged

        def plain(frame: Frame) -> Value:
            container = operand(frame)
            if type(container) is dict:
                found = container.get(field, MISSING)
                if found is not MISSING:
                    return found
            return select(container, field)

        return plain

    def _presence(self, operand: Closure, field: str) -> Closure:
        if not self._metered:
            return lambda frame: is_present(operand(frame), field)

        def charged(frame: Frame) -> bool:
            container = operand(frame)
            present = is_present(container, field)
            # Kubernetes refunds the cost of the test, even if an absent optional costs nothing.
            if not present and type(container) is Optional:
                _charge(frame, -1)
            return present

        return charged

    def _indexed(self, operand: Closure, key_node: Node, choose: Callable[[Value, Value], Value]) -> Closure:
        constant = self._constant(key_node)
        metered = self._metered
        is_plain = choose is select
        key = self._key(key_node) if constant is None else None
        fixed = None if constant is None else constant.value
        if key is None:
            _planned(check_key, fixed)

        def indexed(frame: Frame) -> Value:
            container = operand(frame)
            try:
                found = choose(container, fixed if key is None else key(frame))
            except EvaluationError:
                if metered:
                    _charge(frame, 1)
                raise
            if metered and (found is not NONE or (is_plain and type(container) is not Optional)):
                _charge(frame, 1)
            return found

        return indexed

    def _key(self, node: Node) -> Closure:
        if isinstance(node, Ident | Select):
            return self._attribute(node, base=0)
        if isinstance(node, Call) and node.function in {*_SELECTIONS, operators.CONDITIONAL}:
            return self._attribute(node, base=0)
        return self.plan(node)

    # Operators with rules of their own

    def _call(self, node: Call) -> Closure:
        match node.function:
            case operators.AND:
                return self._logical(node, decisive=False)
            case operators.OR:
                return self._logical(node, decisive=True)
            case operators.CONDITIONAL:
                return self._conditional(node)
            case operators.NOT_STRICTLY_FALSE:
                return self._not_strictly_false(node)
            case operators.EQUALS:
                return self._equality(node)
            case operators.INDEX | operators.OPTIONAL_INDEX | operators.OPTIONAL_SELECT:
                return self._attribute(node, base=1)
            case operators.IN:
                member = self._membership(node)
                if member is not None:
                    return member
            case "or" | "orValue" if node.target is not None and len(node.args) == 1:
                return self._alternative(node)
            case operators.ADD if _grows(node):
                return self._appended(node)
        return self._function(node)

    def _logical(self, node: Call, *, decisive: bool) -> Closure:
        left, right = (self.plan(each) for each in node.args)

        def logical(frame: Frame) -> bool:
            error: EvaluationError | None = None
            try:
                value = left(frame)
                if value is decisive:
                    return bool(decisive)
                if type(value) is not bool:
                    error = EvaluationError(NO_OVERLOAD)
            except EvaluationError as raised:
                error = raised
            try:
                value = right(frame)
            except EvaluationError as raised:
                raise error or raised from None
            if value is decisive:
                return bool(decisive)
            if error is not None:
                raise error
            if type(value) is not bool:
                raise EvaluationError(NO_OVERLOAD)
            return not decisive

        return logical

    def _conditional(self, node: Call) -> Closure:
        condition = self.plan(node.args[0])
        then, otherwise = (self._branch(each) for each in node.args[1:])

        def conditional(frame: Frame) -> Value:
            value = condition(frame)
            if value is True:
                return then(frame)
            if value is False:
                return otherwise(frame)
            raise EvaluationError(NO_OVERLOAD)

        return conditional

    def _branch(self, node: Node) -> Closure:
        return self.plan(node) if self._constant(node) is not None else self._attribute(node, base=0)

    def _not_strictly_false(self, node: Call) -> Closure:
        inner = self.plan(node.args[0])
        metered = self._metered

        def not_strictly_false(frame: Frame) -> bool:
            try:
                value = inner(frame)
            except EvaluationError:
                value = True
            if metered:
                _charge(frame, 1)
            return value is not False

        return not_strictly_false

    def _equality(self, node: Call) -> Closure:
        left, right = (self.plan(each) for each in node.args)
        if self._metered:

            def charged(frame: Frame) -> bool:
                first, second = left(frame), right(frame)
                _charge(frame, metering.equality(first, second))
                return equal(first, second)

            return charged

        def plain(frame: Frame) -> bool:
            first, second = left(frame), right(frame)
            if type(first) is str and type(second) is str:
                return bool(first == second)
            return equal(first, second)

        return plain

    def _membership(self, node: Call) -> Closure | None:
        """Return the closure of ``a in [constants]``, which looks up a set and costs nothing."""
        constant = self._constant(node.args[1])
        if constant is None or _single(node) != "in_list":
            return None
        members = constant.value
        if not all(type(each) in _SET_MEMBERS for each in members):
            return None
        wanted = self.plan(node.args[0])
        texts = frozenset(each for each in members if type(each) is str)
        only_texts = len(texts) == len(set(members))

        def member(frame: Frame) -> bool:
            value = wanted(frame)
            if type(value) is str:
                return value in texts
            return not only_texts and contains(members, value)

        return member

    def _alternative(self, node: Call) -> Closure:
        assert node.target is not None, "or and orValue are methods"
        target, other = self.plan(node.target), self.plan(node.args[0])
        unwraps = node.function == "orValue"

        def alternative(frame: Frame) -> Value:
            value = target(frame)
            if not isinstance(value, Optional):
                return value
            if value.has_value:
                return value.content if unwraps else value
            return other(frame)

        return alternative

    def _appended(self, node: Call) -> Closure:
        """Return the closure of a macro's ``accumulator + [element]``, which needs no copy of the list."""
        accumulator, element = self.plan(node.args[0]), self.plan(_elements(node)[0])
        metered = self._metered

        def appended(frame: Frame) -> list[Value]:
            values: list[Value] = accumulator(frame)
            value = element(frame)
            if metered:
                _charge(frame, metering.LIST + 1)
            values.append(value)
            return values

        return appended

    # Functions

    def _function(self, node: Call) -> Closure:
        nodes = node.args if node.target is None else [node.target, *node.args]
        arguments = [self.plan(each) for each in nodes]
        self._check_pattern(node, nodes)
        call = dispatched_call(node.function, node.overloads)
        if self._metered:
            meter = metering.meter_of(node.function, node.overloads)
            return _metered_call(call, arguments, meter)
        known = self._known(node, nodes, call)
        if known is not None:
            value = known.value
            return lambda _frame: value
        if len(arguments) == 1:
            only = arguments[0]
            return lambda frame: call(only(frame))
        if len(arguments) == 2:
            first, second = arguments
            return lambda frame: call(first(frame), second(frame))
        return lambda frame: call(*[each(frame) for each in arguments])

    def _known(self, node: Call, nodes: Sequence[Node], call: Callable[..., Value]) -> _Constant | None:
        """Return the value of a call that makes a value of Kubernetes' own types of constants.

        Where costs are counted the call is made every time, as in Kubernetes; where it fails, too.
        """
        arguments = [self._constant(each) for each in nodes]
        given = [each.value for each in arguments if each is not None]
        if node.function not in _MAKERS or len(given) < len(arguments):
            return None
        try:
            return _Constant(call(*given))
        except EvaluationError:
            return None

    def _check_pattern(self, node: Call, nodes: Sequence[Node]) -> None:
        """Refuse a constant pattern that is no regular expression, as cel-go does when it plans."""
        if node.function not in _REGEX_FUNCTIONS or len(nodes) < 2:
            return
        pattern = self._constant(nodes[1])
        if pattern is not None and isinstance(pattern.value, str):
            _planned(compiled, pattern.value)

    # Literals that are not constant

    def _list(self, node: ListExpr) -> Closure:
        elements = [self.plan(each) for each in node.elements]
        optional = node.optional
        metered = self._metered
        if not optional and not metered:
            return lambda frame: [each(frame) for each in elements]

        def made(frame: Frame) -> list[Value]:
            values: list[Value] = []
            for index, element in enumerate(elements):
                value = element(frame)
                if index in optional:
                    if not isinstance(value, Optional):
                        shown = text_of(value)
                        message = f"cannot initialize optional list element from non-optional value {shown}"
                        raise EvaluationError(message)
                    if not value.has_value:
                        continue
                    value = value.content
                values.append(value)
            if metered:
                _charge(frame, metering.LIST)
            return values

        return made

    def _map(self, node: MapExpr) -> Closure:
        entries = [(self.plan(each.key), self.plan(each.value), each.optional) for each in node.entries]
        metered = self._metered

        def made(frame: Frame) -> dict[Value, Value]:
            values: dict[Value, Value] = {}
            for key_of, value_of, optional in entries:
                key = key_of(frame)
                if not _is_key(key):
                    raise EvaluationError(f"unsupported key type: {type_name(key)}")
                value = value_of(frame)
                if optional:
                    value = _entry_content(key, value)
                    if value is MISSING:
                        values.pop(key, None)
                        continue
                values[key] = value
            if metered:
                _charge(frame, metering.MAP)
            return values

        return made

    def _struct(self, node: StructExpr) -> Closure:
        fields = [(each.name, self.plan(each.value), each.optional) for each in node.fields]
        metered = self._metered

        def made(frame: Frame) -> dict[str, Value]:
            values: dict[str, Value] = {}
            for name, value_of, optional in fields:
                value = value_of(frame)
                if optional:
                    value = _entry_content(name, value)
                if value is not MISSING:
                    values[name] = value
            if metered:
                _charge(frame, metering.STRUCT)
            return values

        return made

    # Folds

    def _fold(self, node: Comprehension) -> Closure:
        over = None if node.is_binding else self.plan(node.range)
        # Accumulators of macros are changed in place, so every evaluation starts with its own list.
        starts_list = isinstance(node.initial, ListExpr) and node.accumulator == ACCUMULATOR
        initial: Closure = (lambda _frame: []) if starts_list else self.plan(node.initial)
        accumulator = self._allocate()
        self._scopes.append({node.accumulator: accumulator})
        first = self._allocate()
        second = self._allocate() if node.second else first
        names = {node.variable: first, **({node.second: second} if node.second else {})}
        self._scopes.append(names)
        always = isinstance(node.condition, Literal) and node.condition.value is True
        condition = None if always else self.plan(node.condition)
        step = self.plan(node.step)
        self._scopes.pop()
        result = self.plan(node.result)
        self._scopes.pop()
        pending = _Pending(initial)
        if over is None:

            def bound(frame: Frame) -> Value:
                frame[accumulator] = pending
                return result(frame)

            return bound
        fill = _two_variables(first, second) if node.second else _one_variable(first)
        iterated = over

        def fold(frame: Frame) -> Value:
            values = iterated(frame)
            frame[accumulator] = pending
            for each in fill(frame, values):
                del each
                if condition is not None and condition(frame) is False:
                    break
                try:
                    frame[accumulator] = step(frame)
                except EvaluationError as error:
                    # An error is a value, which later steps may absorb.
                    frame[accumulator] = error
            return result(frame)

        return fold


def _read(frame: Frame, slot: int, name: str) -> Value:
    """Return the value of a variable whose slot has not been computed yet."""
    held = frame[slot]
    if isinstance(held, EvaluationError):
        raise held
    if held is MISSING:
        raise EvaluationError(f"no such attribute(s): {name}")
    try:
        value = held.initial(frame) if isinstance(held, _Pending) else held.compute()
    except EvaluationError as error:
        frame[slot] = error
        raise
    frame[slot] = value
    return value


def _one_variable(slot: int) -> Callable[[Frame, Value], Any]:
    def fill(frame: Frame, values: Value) -> Any:
        if not isinstance(values, list | tuple | Mapping):
            raise EvaluationError(f"got '{implementation_name(values)}', expected iterable type")
        for each in values:
            frame[slot] = each
            yield None

    return fill


def _two_variables(first: int, second: int) -> Callable[[Frame, Value], Any]:
    def fill(frame: Frame, values: Value) -> Any:
        if isinstance(values, Mapping):
            pairs: Any = values.items()
        elif isinstance(values, list | tuple):
            pairs = enumerate(values)
        else:
            raise EvaluationError(f"unsupported comprehension range type: {implementation_name(values)}")
        for key, value in pairs:
            frame[first] = key
            frame[second] = value
            yield None

    return fill


def _entry_content(key: Value, value: Value) -> Value:
    if not isinstance(value, Optional):
        shown = f"'{text_of(key)}' from non-optional value {text_of(value)}"
        raise EvaluationError(f"cannot initialize optional entry {shown}")
    return value.content


def _elements(node: Call) -> list[Node]:
    added = node.args[1]
    return added.elements if isinstance(added, ListExpr) and not added.optional else []


def _grows(node: Call) -> bool:
    """Whether a call is a macro's ``accumulator + [element]``; no expression can name the accumulator."""
    first = node.args[0]
    return isinstance(first, Ident) and first.name == ACCUMULATOR and len(_elements(node)) == 1


def _single(node: Call) -> str:
    """Return the one overload that the type checker chose, empty when it left several."""
    return node.overloads[0].id if len(node.overloads) == 1 else ""


def _planned(compute: Callable[..., Value], *arguments: Value) -> Value:
    try:
        return compute(*arguments)
    except EvaluationError as error:
        raise CompileError(f"program instantiation failed: {error}") from None


def _is_key(value: Value) -> bool:
    return not isinstance(value, list | tuple | Mapping)


def _metered_call(call: Callable[..., Value], arguments: Sequence[Closure], meter: Meter) -> Closure:
    def charged(frame: Frame) -> Value:
        values: list[Value] = []
        failed: EvaluationError | None = None
        for each in arguments:
            try:
                values.append(each(frame))
            except EvaluationError as error:
                # With up to two arguments all are evaluated, and the call is charged.
                if len(arguments) > 2:
                    raise
                failed = failed or error
        if failed is not None:
            _charge(frame, 1)
            raise failed
        given = tuple(values)
        try:
            result = call(*given)
        except EvaluationError:
            _charge(frame, 1)
            raise
        _charge(frame, meter(given, result))
        return result

    return charged
