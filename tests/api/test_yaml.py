"""YAML as Kubernetes' own loader reads it."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from kschedcore.errors import ManifestError
from kschedcore.manifests.yaml import line_of, read_yaml


def read(text: str) -> Any:
    ((_, content),) = read_yaml(text)
    return content


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *[(text, True) for text in ("y", "Y", "yes", "Yes", "YES", "true", "on", "On", "ON")],
        *[(text, False) for text in ("n", "N", "no", "No", "NO", "false", "off", "Off", "OFF")],
        *[(text, None) for text in ("~", "null", "Null", "NULL", "")],
        *[
            (text, text)
            for text in ("yEs", "nULL", "2024-01-01", "1:30", "1e", "0x", "0o8", "0b2", "1.2.3", "+")
        ],
        *[(text, text) for text in ("0x_", "1e400", "0xFFFFFFFFFFFFFFFFFF", "9" * 5000, "_1", "1Gi", "<<x")],
        ("017", 15),
        ("0o17", 15),
        ("0x1F", 31),
        ("-0b11", -3),
        ("1_000", 1000),
        ("08", 8),
        ("1e3", 1000),
        ("1E+3", 1000),
        (".5", 0.5),
        ("5.", 5),
        ("-1.5e-1", -0.15),
        ("18446744073709551615", 2**64 - 1),
        ("-9223372036854775808", -(2**63)),
        ("18446744073709551616", 2.0**64),
        ('"yes"', "yes"),
        ("'1'", "1"),
        ("!!str 1", "1"),
        ('!!int "1"', 1),
        ("!!binary aGk=", "hi"),
    ],
)
def test_scalars(text: str, expected: object) -> None:
    value = read(f"a: {text}")["a"]
    assert (value, type(value)) == (expected, type(expected))


def test_keys_become_strings() -> None:
    assert read("{1: a, yes: b, 1.5: c, x: d}") == {"1": "a", "true": "b", "1.5": "c", "x": "d"}


def test_explicit_keys_take_precedence_over_merged_ones() -> None:
    text = "a: &a {p: 1, q: 1, r: 1}\nb: &b {q: 2}\nc: {r: 3, <<: [*b, *a]}"
    assert read(text)["c"] == {"p": 1, "q": 2, "r": 3}


def test_aliases_share_what_they_name() -> None:
    content = read("a: &a {x: [1]}\nb: *a")
    assert content["b"] is content["a"]


def test_only_what_aliases_stand_for_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kschedcore.manifests.yaml.MAX_VALUES", 9)
    written = "[" + "x, " * 100 + "]"
    assert len(read(written)) == 100

    assert read("[&a [1, 2], *a, *a, *a]") == [[1, 2]] * 4
    with pytest.raises(ManifestError, match="its aliases expand to more than 9 values"):
        read("[&a [1, 2], *a, *a, *a, *a, *a, *a]")


def test_every_document_knows_its_line() -> None:
    assert list(read_yaml("# first\na: 1\n---\n---\n\n- b\n")) == [(2, {"a": 1}), (3, None), (6, ["b"])]


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (["a"], 2),
        (["a", "b", 1, "c"], 5),
        (["a", "b", 1], 5),
        (["a", "b", 7], 3),
        (["a", "missing", "deeper"], 2),
        ([], 2),
        (["a", "b", 0, "too", "deep"], 4),
    ],
)
def test_the_line_of_a_field_or_of_its_closest_parent(path: list[str | int], line: int) -> None:
    text = "---\na:\n  b:\n  - x\n  - c: 1\n"
    assert line_of(text, 1, path) == line
    assert line_of(f"x: 1\n{text}", 2, path) == line + 1


def test_a_missing_document_has_no_lines() -> None:
    assert line_of("a: 1", 2, ["a"]) is None


@pytest.mark.parametrize(
    ("text", "content", "warning"),
    [
        (
            "a: 1\nb: 2\na: 3",
            {"a": 3, "b": 2},
            "line 3: key 'a' replaces the one of line 1 in the same mapping",
        ),
        ("yes: 1\ntrue: 2", {"true": 2}, "line 2: key 'true' replaces the one of line 1 in the same mapping"),
    ],
)
def test_the_last_of_two_equal_keys_counts(text: str, content: object, warning: str) -> None:
    """As with kubectl and helm."""
    warnings: list[str] = []
    assert list(read_yaml(text, warnings=warnings)) == [(1, content)]
    assert warnings == [warning]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: {~: 1}", "line 1: a mapping's key is null; expected a string"),
        ("? [a]\n: b", "line 1: a mapping's key is a list; expected a string"),
        (
            "a: {{ .Values.a }}",
            "line 1: a mapping's key is an object; expected a string; was a template left unrendered?",
        ),
        ("a: .inf", "line 1: .inf is no number that JSON can express"),
        ("a: .NaN", "line 1: .NaN is no number that JSON can express"),
        ("a: !!int x", "line 1: a value cannot be read as !!int"),
        ("a: !Ref x", "line 1: a tag has no meaning in a manifest; text that begins with '!' needs quotes"),
        ("a: !Ref [x]", "line 1: a tag has no meaning in a manifest; text that begins with '!' needs quotes"),
        (
            "a: !!python/name:os.system",
            "line 1: a tag has no meaning in a manifest; text that begins with '!' needs quotes",
        ),
        ("a: !!binary '\xe9'", "line 1: !!binary holds no text in base64"),
        (
            "a: &a [*a]",
            "line 1: an alias refers to a node that contains it; text that begins with '*' needs quotes",
        ),
        (
            "a: *b",
            "line 1: an alias refers to no earlier anchor; text that begins with '*' needs quotes",
        ),
        ("a: 1\n<<: 3", "line 2: '<<' brings in something other than mappings"),
        ("a:\n\tb: 1", "line 2: not valid YAML: indented with a tab; YAML allows only spaces"),
        ("a: \x01", "line 1: holds the control character 0x01"),
        ("a: [1", "line 2: not valid YAML: did not find expected ',' or ']'"),
    ],
)
def test_faults(text: str, message: str) -> None:
    with pytest.raises(ManifestError) as caught:
        list(read_yaml(text))
    assert str(caught.value) == message


def test_a_missing_space_after_a_dash_is_suspected() -> None:
    with pytest.raises(ManifestError, match=r"line 3: .*; is the space after the dash of '-name' missing\?"):
        list(read_yaml("a:\n  -name: b\n    image: c\n"))


texts = st.text(st.characters(exclude_categories=("Cc", "Cn", "Cs")), max_size=8)
plain = st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), texts)
shaped = st.recursive(
    plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3)
)


@given(shaped)
def test_what_another_writer_writes_reads_as_what_it_was(content: Any) -> None:
    assert read(yaml.safe_dump(content, allow_unicode=True, default_style='"')) == content


@given(shaped)
def test_json_is_yaml(content: Any) -> None:
    assert read(json.dumps(content, ensure_ascii=False)) == content
