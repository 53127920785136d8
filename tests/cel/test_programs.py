"""Environments, result types, limits and lazy variables."""

from __future__ import annotations

import pytest
from tests.cel.environments import BINDINGS, ENVIRONMENT

from kschedcore.cel import (
    PER_CALL_LIMIT,
    CompileError,
    CostLimitError,
    Environment,
    EvaluationError,
    Lazy,
    Library,
    base_environment,
    declared_list,
    declared_map,
    declared_object,
    types,
)
from kschedcore.cel.declarations import Declared, function, method, overloads
from kschedcore.cel.functions import encoders, mathematics, standard, strings
from kschedcore.cel.parser import MAX_LENGTH


def test_a_program_must_have_the_type_that_is_demanded() -> None:
    with pytest.raises(CompileError, match=r"^must evaluate to bool, not int$"):
        ENVIRONMENT.compile("i + 1", types.BOOL)
    assert ENVIRONMENT.compile("i > 1", types.BOOL).evaluate(BINDINGS) is True


def test_issues_know_their_place() -> None:
    with pytest.raises(CompileError) as raised:
        ENVIRONMENT.compile("i +\n  foo")
    assert [issue.offset for issue in raised.value.issues] == [6]
    assert "<input>:2:3: undeclared reference to 'foo'" in str(raised.value)


def test_an_unbound_variable_fails_only_when_it_is_read() -> None:
    assert ENVIRONMENT.compile("true || b").evaluate({}) is True
    with pytest.raises(EvaluationError, match=r"^no such attribute\(s\): b$"):
        ENVIRONMENT.compile("b").evaluate({})


def test_a_lazy_variable_is_computed_once() -> None:
    calls: list[int] = []

    def compute() -> int:
        calls.append(1)
        return 21

    program = ENVIRONMENT.compile("i + i")
    assert program.evaluate({"i": Lazy(compute)}) == 42
    assert len(calls) == 1
    assert ENVIRONMENT.compile("false && i > 1").evaluate({"i": Lazy(compute)}) is False
    assert len(calls) == 1


def test_a_lazy_variable_that_fails_can_be_absorbed() -> None:
    def fail() -> int:
        raise EvaluationError("out of order")

    assert ENVIRONMENT.compile("i > 1 || true").evaluate({"i": Lazy(fail)}) is True
    with pytest.raises(EvaluationError, match=r"^out of order$"):
        ENVIRONMENT.compile("i > 1 || i > 2").evaluate({"i": Lazy(fail)})


def test_nothing_absorbs_the_cost_limit() -> None:
    program = ENVIRONMENT.compile("l.all(e, e > 0) || true")
    assert program.evaluate({"l": [1] * 10}, PER_CALL_LIMIT) is True
    with pytest.raises(CostLimitError, match=r"^operation cancelled: actual cost limit exceeded$"):
        program.evaluate({"l": [1] * 300_000}, PER_CALL_LIMIT)


def test_a_limit_of_exactly_the_cost_suffices() -> None:
    program = ENVIRONMENT.compile("l.map(e, e * 2)")
    value, cost = program.measured(BINDINGS)
    assert value == [2, 4, 6]
    assert program.evaluate(BINDINGS, cost) == value
    with pytest.raises(CostLimitError):
        program.evaluate(BINDINGS, cost - 1)


def test_evaluations_do_not_share_what_they_collect() -> None:
    program = ENVIRONMENT.compile("l.map(e, e)")
    first = program.evaluate(BINDINGS)
    second = program.evaluate(BINDINGS)
    assert first == second == [1, 2, 3]
    assert first is not second


def test_declared_sizes_bound_the_estimate() -> None:
    name = Declared(types.STRING, 10)
    item = declared_object("example.Item", {"name": name, "tags": declared_list(name, 5)})
    environment = base_environment().extended({"self": declared_map(name, item, 3)})
    program = environment.compile("self.all(k, self[k].tags.all(t, t.startsWith(k)))")
    assert program.cost_estimate.high < 1000
    bound = {"self": {"a": {"name": "a", "tags": ["ab", "ac"]}}}
    value, cost = program.measured(bound)
    assert value is True
    assert program.cost_estimate.low <= cost <= program.cost_estimate.high


def test_fields_of_objects_are_checked() -> None:
    item = declared_object("example.Item", {"name": Declared(types.STRING, 10)})
    environment = base_environment().extended({"self": item})
    assert environment.compile("self.name == 'a'").evaluate({"self": {"name": "a"}}) is True
    with pytest.raises(CompileError, match=r"1:5: undefined field 'nope'"):
        environment.compile("self.nope")
    made = environment.compile("example.Item{name: 'a'}.name")
    assert made.evaluate({}) == "a"
    with pytest.raises(
        CompileError, match=r"expected type of field 'name' is 'string' but provided type is 'int'"
    ):
        environment.compile("example.Item{name: 1}")


def test_a_library_adds_functions_and_methods() -> None:
    library = Library(
        "doubling",
        overloads(
            ("twice", [function("twice_int", (types.INT,), types.INT, lambda value: 2 * value)]),
            ("again", [method("again_string", (types.STRING,), types.STRING, lambda text: text + text)]),
        ),
    )
    environment = Environment({}, [standard.LIBRARY, library])
    assert environment.compile("twice(4)").evaluate({}) == 8
    assert environment.compile("'a'.again()").evaluate({}) == "aa"
    with pytest.raises(EvaluationError, match=r"^no such overload: twice\(string\)$"):
        environment.compile("twice(dyn('a'))").evaluate({})
    with pytest.raises(CompileError, match="undeclared reference to 'twice'"):
        base_environment().compile("twice(4)")


def test_optional_syntax_needs_its_library() -> None:
    environment = Environment({"x": types.DYN}, [standard.LIBRARY])
    for text, sign in (("x.?a", ".?"), ("x[?0]", "[?"), ("[?x]", "?"), ("{?'a': x}", "?")):
        with pytest.raises(CompileError) as raised:
            environment.compile(text)
        assert f"unsupported syntax '{sign}'" in str(raised.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("math.greatest(1, 5, 3)", 5),
        ("math.least(1, -2.5)", -2.5),
        ("math.abs(-3)", 3),
        ("math.round(-1.5)", -2.0),
        ("math.ceil(1.2)", 2.0),
        ("math.sign(-7)", -1),
        ("math.isNaN(0.0 / 0.0)", True),
        ("math.bitAnd(6, 3)", 2),
        ("math.bitNot(0u)", 2**64 - 1),
        ("math.bitShiftLeft(1, 63)", -(2**63)),
        ("math.bitShiftRight(-1, 63)", 1),
        ("math.sqrt(9)", 3.0),
        ("base64.decode('aGVsbG8')", b"hello"),
        ("base64.encode(b'hello')", "aGVsbG8="),
        ("'abc'.reverse()", "cba"),
    ],
)
def test_libraries_beyond_kubernetes(text: str, expected: object) -> None:
    more = [mathematics.LIBRARY, encoders.LIBRARY, strings.REVERSE]
    assert base_environment().extended({}, more).compile(text).evaluate({}) == expected


def test_the_nesting_is_bounded() -> None:
    for text, message in (
        ("(" * 300 + "1" + ")" * 300, "expression recursion limit exceeded: 250"),
        ("1" + "+1" * 300, "max recursion depth exceeded"),
        ("x" + ".f" * 300, "max recursion depth exceeded"),
    ):
        with pytest.raises(CompileError) as raised:
            ENVIRONMENT.compile(text)
        assert str(raised.value) == f"ERROR: <input>:-1:0: {message}"
    assert ENVIRONMENT.compile("true" + " && true" * 3000).evaluate({}) is True
    assert ENVIRONMENT.compile("1" + "+1" * 250).evaluate({}) == 251


def test_what_is_as_deep_as_allowed_works() -> None:
    deep = 249
    assert ENVIRONMENT.compile("(" * deep + "1" + ")" * deep).evaluate({}) == 1
    nested = ENVIRONMENT.compile("[1].all(e, " * deep + "true" + ")" * deep)
    assert nested.evaluate({}) is True
    assert nested.measured({})[0] is True
    assert nested.cost_estimate.high > deep


def test_the_length_is_bounded() -> None:
    with pytest.raises(CompileError, match=rf"exceeds limit: size: {MAX_LENGTH + 1}, limit {MAX_LENGTH}$"):
        ENVIRONMENT.compile("1" * (MAX_LENGTH + 1))


def test_text_is_never_run_as_python() -> None:
    for text in ("__import__('os')", "x.__class__", "''.__class__.__mro__", "(lambda: 1)()"):
        with pytest.raises((CompileError, EvaluationError)):
            ENVIRONMENT.compile(text).evaluate(BINDINGS)
