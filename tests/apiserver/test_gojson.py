"""Faults of JSON in Go's words."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kschedcore.apiserver.gojson import JSONProblem, decode_json

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(json_values, st.sampled_from([None, 2]))
def test_json_is_read(value: Any, indent: int | None) -> None:
    assert decode_json(json.dumps(value, indent=indent).encode()) == value


@given(json_values, st.data())
def test_what_is_cut_off_is_refused(value: Any, data: st.DataObject) -> None:
    text = json.dumps([value]).encode()
    cut = data.draw(st.integers(0, len(text) - 1))
    with pytest.raises(JSONProblem, match="unexpected end of JSON input"):
        decode_json(text[:cut])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"{bad json", "invalid character 'b' looking for beginning of object key string"),
        (b'{"a":1,}', "invalid character '}' looking for beginning of object key string"),
        (b"[1,]", "invalid character ']' looking for beginning of value"),
        (b"\x81\xaa", "invalid character '\\u0081' looking for beginning of value"),
        (b"'a'", "invalid character '\\'' looking for beginning of value"),
        (b'{"a" 1}', "invalid character '1' after object key"),
        (b'{"a":1 "b":2}', "invalid character '\"' after object key:value pair"),
        (b"[1 2]", "invalid character '2' after array element"),
        (b"{} {}", "invalid character '{' after top-level value"),
        (b'"a\nb"', "invalid character '\\n' in string literal"),
        (b'"\\q"', "invalid character 'q' in string escape code"),
        (b'"\\u00zz"', "invalid character 'z' in \\u hexadecimal character escape"),
        (b"tru!", "invalid character '!' in literal true (expecting 'e')"),
        (b"nulL", "invalid character 'L' in literal null (expecting 'l')"),
        (b"-x", "invalid character 'x' in numeric literal"),
        (b"01", "invalid character '1' after top-level value"),
        (b"1.x", "invalid character 'x' after decimal point in numeric literal"),
        (b"1e+x", "invalid character 'x' in exponent of numeric literal"),
        (b"", "unexpected end of JSON input"),
    ],
)
def test_faults(text: bytes, message: str) -> None:
    with pytest.raises(JSONProblem) as fault:
        decode_json(text)
    assert str(fault.value) == message
