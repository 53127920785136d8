"""The selector languages, against sets written out and the API server's words."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kschedcore.api import objects
from kschedcore.api.selectors import (
    EVERYTHING,
    NOTHING,
    Operator,
    Requirement,
    Selector,
    label_selector,
    node_selector,
    parse_field_selector,
    parse_selector,
)

NAME_RULE = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
    "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
VALUE_RULE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must "
    "start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for "
    "validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)

keys = st.sampled_from(["a", "b", "in", "notin", "example.com/a"])
values = st.sampled_from(["", "x", "y", "in", "5", "-1", "007", "1.5"])
plain = values.filter(lambda value: not value.startswith("-"))
labels = st.dictionaries(keys, values, max_size=4)


@st.composite
def requirements(draw: st.DrawFn) -> Requirement:
    operator: Operator = draw(st.sampled_from(get_args(Operator)))
    if operator in ("In", "NotIn"):
        several = tuple(sorted(draw(st.sets(plain, min_size=1, max_size=3))))
        return Requirement(draw(keys), operator, several)
    if operator in ("Exists", "DoesNotExist"):
        return Requirement(draw(keys), operator)
    one = st.sampled_from(["0", "5", "12"]) if operator in ("Gt", "Lt") else plain
    return Requirement(draw(keys), operator, (draw(one),))


selectors = st.lists(requirements(), max_size=4).map(
    lambda found: Selector(tuple(sorted(found, key=lambda requirement: requirement.key)))
)


def holds(requirement: Requirement, found: dict[str, str]) -> bool:
    """The rule in its plainest form: which values of the label satisfy the requirement."""
    label = found.get(requirement.key)
    if requirement.operator in ("Exists", "DoesNotExist"):
        return (label is not None) is (requirement.operator == "Exists")
    if requirement.operator in ("In", "=", "=="):
        return label in requirement.values
    if requirement.operator in ("NotIn", "!="):
        return label not in requirement.values
    wanted = int(requirement.values[0])
    number = {"5": 5, "-1": -1, "007": 7}.get(label or "")
    if number is None:
        return False
    return number > wanted if requirement.operator == "Gt" else number < wanted


@given(selectors, labels)
def test_a_selector_is_the_conjunction_of_its_requirements(selector: Selector, found: dict[str, str]) -> None:
    assert selector.matches(found) == all(holds(each, found) for each in selector.requirements)


@given(selectors)
def test_what_is_printed_is_read_back(selector: Selector) -> None:
    assert parse_selector(str(selector)) == selector
    assert selector.is_empty() == (str(selector) == "")


@given(requirements())
def test_what_the_parser_can_give_has_no_problems(requirement: Requirement) -> None:
    assert list(requirement.problems()) == []


@given(st.text("ab ,()!=<>in\t", max_size=14))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        selector = parse_selector(text)
    except ValueError:
        return
    assert parse_selector(str(selector)) == selector


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("  ", []),
        ("a", [("a", "Exists", ())]),
        ("! a", [("a", "DoesNotExist", ())]),
        ("a=b", [("a", "=", ("b",))]),
        ("a == b", [("a", "==", ("b",))]),
        ("a!=b", [("a", "!=", ("b",))]),
        ("a=", [("a", "=", ("",))]),
        ("a=,b", [("a", "=", ("",)), ("b", "Exists", ())]),
        ("a=in", [("a", "=", ("in",))]),
        ("in in (in, notin)", [("in", "In", ("in", "notin"))]),
        ("x in (foo,,baz),y,z notin ()", [("x", "In", ("", "baz", "foo")), ("y", "Exists", ()), ("z", "NotIn", ("",))]),
        ("a in (,)", [("a", "In", ("",))]),
        ("a in (b,)", [("a", "In", ("", "b"))]),
        ("a>5,a<\t10", [("a", "Gt", ("5",)), ("a", "Lt", ("10",))]),
        ("b,example.com/a=x", [("b", "Exists", ()), ("example.com/a", "=", ("x",))]),
    ],
)  # fmt: skip
def test_kubectl_selectors(text: str, expected: list[tuple[str, str, tuple[str, ...]]]) -> None:
    found = parse_selector(text).requirements
    assert [(each.key, each.operator, each.values) for each in found] == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (",a", "found ',', expected: !, identifier, or 'end of string'"),
        ("=x", "found '=', expected: !, identifier, or 'end of string'"),
        ("a,", "found '', expected: identifier after ','"),
        ("a=b,,c", "found ',', expected: identifier after ','"),
        ("a=b=c", "found '=', expected: ',' or 'end of string'"),
        ("!a=b", "found '=', expected: ',' or 'end of string'"),
        ("a=b c", "found 'c', expected: ',' or 'end of string'"),
        ("!", "unable to parse requirement: found '', expected: identifier"),
        ("!!a", "unable to parse requirement: found '!', expected: identifier"),
        ("a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"),
        ("a !b", "unable to parse requirement: found '!', expected: in, notin, =, ==, !=, gt, lt"),
        ("a in b", "unable to parse requirement: found 'b' expected: '('"),
        ("a in", "unable to parse requirement: found '' expected: '('"),
        ("a in (", "unable to parse requirement: found '', expected: ',', ')' or identifier"),
        ("a in (b", "unable to parse requirement: found '', expected: ',' or ')'"),
        ("a in (b c)", "unable to parse requirement: found 'c', expected: ',' or ')'"),
        ("a in (b,=)", "unable to parse requirement: found '=', expected: ',', or identifier"),
        ("a=(", "unable to parse requirement: found '(', expected: identifier"),
        ("-a", f'unable to parse requirement: <nil>: Invalid value: "-a": {NAME_RULE}'),
        ("a=@", f'unable to parse requirement: values[0][a]: Invalid value: "@": {VALUE_RULE}'),
        (
            "a in (@,x,y-)",
            f'unable to parse requirement: [values[0][a]: Invalid value: "@": {VALUE_RULE}, '
            f'values[2][a]: Invalid value: "y-": {VALUE_RULE}]',
        ),
        (
            "a>x",
            'unable to parse requirement: values[0]: Invalid value: "x": for \'Gt\', \'Lt\' operators, the value '
            "must be an integer",
        ),
    ],
)  # fmt: skip
def test_kubectl_selectors_that_are_none(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        parse_selector(text)
    assert str(caught.value) == message


# -- integers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("label", "greater"),
    [
        ("6", True),
        ("+6", True),
        ("0000000000000000000000000000006", True),
        (str(2**63 - 1), True),
        (str(2**63), False),
        ("9" * 5000, False),
        ("5", False),
        ("-6", False),
        ("6.0", False),
        ("1_000", False),
        (" 6", False),
        ("٦", False),
        ("0x6", False),
        ("", False),
    ],
)
def test_comparison_needs_integers_of_64_bits(label: str, greater: bool) -> None:
    assert Requirement("n", "Gt", ("5",)).matches({"n": label}) is greater


def test_comparison_with_anything_but_one_integer_never_holds() -> None:
    for bad in ((), ("x",), ("1", "2"), (str(2**63),)):
        assert not Requirement("n", "Gt", bad).matches({"n": "3"})
        assert not Requirement("n", "Lt", bad).matches({"n": "3"})


# -- LabelSelector ----------------------------------------------------------------------------------


def read(selector: dict[str, Any] | None) -> objects.LabelSelector | None:
    return None if selector is None else objects.decode(objects.LabelSelector, selector)


def test_an_absent_label_selector_selects_nothing_and_an_empty_one_everything() -> None:
    assert label_selector(None) is NOTHING
    assert label_selector(read({})) == EVERYTHING
    assert not NOTHING.matches({})
    assert EVERYTHING.matches({})
    assert EVERYTHING.is_empty()
    assert not NOTHING.is_empty()
    assert str(NOTHING) == "<none>"


def test_a_label_selector_joins_labels_and_expressions() -> None:
    selector = label_selector(
        read(
            {
                "matchLabels": {"b": "x", "a": "y"},
                "matchExpressions": [{"key": "c", "operator": "NotIn", "values": ["z"]}],
            }
        )
    )
    assert str(selector) == "a=y,b=x,c notin (z)"
    assert selector.matches({"a": "y", "b": "x"})
    assert not selector.matches({"a": "y", "b": "x", "c": "z"})


@pytest.mark.parametrize(
    ("selector", "message"),
    [
        (
            {"matchExpressions": [{"key": "a", "operator": "Gt", "values": ["1"]}]},
            '"Gt" is not a valid label selector operator',
        ),
        ({"matchExpressions": [{"key": "a", "operator": "="}]}, '"=" is not a valid label selector operator'),
        (
            {"matchExpressions": [{"key": "a", "operator": "In"}]},
            "values: Invalid value: []string{}: for 'in', 'notin' operators, values set can't be empty",
        ),
        (
            {"matchExpressions": [{"key": "a", "operator": "Exists", "values": ["b"]}]},
            'values: Invalid value: []string{"b"}: values set must be empty for exists and does not exist',
        ),
        ({"matchLabels": {"-a": "b"}}, f'key: Invalid value: "-a": {NAME_RULE}'),
        ({"matchLabels": {"a": "b c"}}, f'values[0][a]: Invalid value: "b c": {VALUE_RULE}'),
    ],
)
def test_label_selectors_that_are_none(selector: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        label_selector(read(selector))
    assert str(caught.value) == message


# -- node selectors ---------------------------------------------------------------------------------


def terms(*found: dict[str, Any]) -> objects.NodeSelector:
    return objects.decode(objects.NodeSelector, {"nodeSelectorTerms": list(found)})


def expression(key: str, operator: str, *found: str) -> dict[str, Any]:
    return {"key": key, "operator": operator, "values": list(found)}


def named(operator: str, *found: str) -> dict[str, Any]:
    return {"matchFields": [expression("metadata.name", operator, *found)]}


def test_one_term_of_a_node_selector_must_match_whole() -> None:
    selector = node_selector(
        terms(
            {"matchExpressions": [expression("zone", "In", "a", "b"), expression("gpus", "Gt", "2")]},
            {"matchExpressions": [expression("zone", "In", "c")]},
        )
    )
    assert selector.matches({"zone": "a", "gpus": "3"})
    assert not selector.matches({"zone": "a", "gpus": "2"})
    assert selector.matches({"zone": "c"})
    assert not selector.matches({})


def test_an_empty_term_and_no_term_match_nothing() -> None:
    assert not node_selector(terms()).matches({"a": "b"}, "n")
    assert not node_selector(terms({})).matches({"a": "b"}, "n")
    assert node_selector(terms({}, {"matchExpressions": [expression("a", "Exists")]})).matches({"a": "b"})


@pytest.mark.parametrize(
    ("term", "name", "matches"),
    [
        (named("In", "n"), "n", True),
        (named("In", "n"), "m", False),
        (named("NotIn", "n"), "n", False),
        (named("NotIn", "n"), "m", True),
        (named("In", "n"), "", True),
        ({"matchFields": [expression("spec.x", "In", "n")]}, "n", False),
        ({**named("In", "n"), "matchExpressions": [expression("a", "DoesNotExist")]}, "n", True),
        ({**named("In", "n"), "matchExpressions": [expression("a", "Exists")]}, "n", False),
    ],
)
def test_match_fields(term: dict[str, Any], name: str, matches: bool) -> None:
    assert node_selector(terms(term)).matches({}, name) is matches


def test_all_problems_of_a_node_selector_are_reported() -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        node_selector(
            terms(
                {"matchExpressions": [expression("a", "="), expression("a", "Lt", "x")]},
                {"matchFields": [expression("metadata.name", "In", "a", "b"), expression("x", "Exists")]},
            )
        )
    assert str(caught.value) == (
        "[nodeSelectorTerms[0].matchExpressions[0].operator: Unsupported value: \"=\": supported values: "
        '"In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt", '
        "nodeSelectorTerms[0].matchExpressions[1].values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, "
        "the value must be an integer, "
        'nodeSelectorTerms[1].matchFields[0].values: Invalid value: []string{"a", "b"}: must have one element, '
        'nodeSelectorTerms[1].matchFields[1].operator: Unsupported value: "Exists": supported values: '
        '"In", "NotIn"]'
    )  # fmt: skip


# -- field selectors --------------------------------------------------------------------------------


def test_field_selectors_compare_with_the_empty_value_where_there_is_none() -> None:
    selector = parse_field_selector("status.phase!=Running,spec.nodeName=")
    assert selector.matches({"status.phase": "Pending"})
    assert selector.matches({})
    assert not selector.matches({"status.phase": "Running"})
    assert not selector.matches({"spec.nodeName": "n"})


@given(
    st.lists(
        st.tuples(st.sampled_from(["a", "b.c"]), st.sampled_from(["=", "!="]), st.text("x,=\\", max_size=4))
    )
)
def test_field_selectors_are_read_back(found: list[tuple[str, str, str]]) -> None:
    def escaped(value: str) -> str:
        return value.replace("\\", "\\\\").replace(",", "\\,").replace("=", "\\=")

    selector = parse_field_selector(
        ",".join(key + operator + escaped(value) for key, operator, value in found)
    )
    assert sorted((each.field, each.operator, each.value) for each in selector.requirements) == sorted(found)
    assert parse_field_selector(str(selector)) == selector


def test_both_signs_of_equality_are_one() -> None:
    assert parse_field_selector("a==b") == parse_field_selector("a=b")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a", "invalid selector: 'a'; can't understand 'a'"),
        ("a=b,c", "invalid selector: 'a=b,c'; can't understand 'c'"),
        ("a=b=c", "invalid field selector: unescaped character in value: ="),
        ("a=\\x", "invalid field selector: invalid escape sequence: \\x"),
        ("a=\\", "invalid field selector: invalid escape sequence: \\"),
    ],
)
def test_field_selectors_that_are_none(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        parse_field_selector(text)
    assert str(caught.value) == message
