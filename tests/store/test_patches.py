"""JSON patch and JSON merge patch: the RFCs' own rules, and the API server's errors."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kschedcore.apiserver.patches import PatchConflict, apply_json_patch, apply_merge_patch

scalars = st.booleans() | st.integers(-9, 9) | st.text("ab~/", max_size=2)
documents = st.recursive(
    st.dictionaries(st.text("ab~/", max_size=2), scalars, max_size=3),
    lambda inner: st.dictionaries(
        st.text("ab~/", max_size=2), inner | st.lists(inner, max_size=2), max_size=3
    ),
    max_leaves=8,
)


def pointers(value: Any, prefix: str = "") -> list[str]:
    """Every place in a document."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = []
    for key, item in items:
        path = f"{prefix}/{str(key).replace('~', '~0').replace('/', '~1')}"
        found += [path, *pointers(item, path)]
    return found


@given(documents, st.data())
def test_replacing_a_value_by_itself_changes_nothing(document: dict[str, Any], data: st.DataObject) -> None:
    places = pointers(document)
    if not places:
        return
    place = data.draw(st.sampled_from(places))
    copied = apply_json_patch(document, [{"op": "copy", "from": place, "path": "/copied"}])["copied"]
    operations = [
        {"op": "test", "path": place, "value": copied},
        {"op": "replace", "path": place, "value": copied},
    ]
    assert apply_json_patch(document, operations) == document


@given(documents, st.data(), scalars)
def test_an_added_value_can_be_moved_and_removed(
    document: dict[str, Any], data: st.DataObject, value: Any
) -> None:
    maps = ["", *(path for path in pointers(document) if isinstance(_at(document, path), dict))]
    place = data.draw(st.sampled_from(maps)) + "/fresh"
    added = apply_json_patch(document, [{"op": "add", "path": place, "value": value}])
    assert _at(added, place) == value
    moved = apply_json_patch(added, [{"op": "move", "from": place, "path": "/elsewhere"}])
    assert moved["elsewhere"] == value
    assert apply_json_patch(moved, [{"op": "remove", "path": "/elsewhere"}]) == document


def _at(document: Any, pointer: str) -> Any:
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        document = document[int(name)] if isinstance(document, list) else document[name]
    return document


@pytest.mark.parametrize(
    ("operations", "result"),
    [
        ([{"op": "add", "path": "/list/-", "value": 3}], {"list": [1, 2, 3]}),
        ([{"op": "add", "path": "/list/0", "value": 0}], {"list": [0, 1, 2]}),
        ([{"op": "add", "path": "/list/2", "value": 3}], {"list": [1, 2, 3]}),
        ([{"op": "remove", "path": "/list/0"}], {"list": [2]}),
        ([{"op": "replace", "path": "/list/1", "value": 9}], {"list": [1, 9]}),
        ([{"op": "move", "from": "/list/0", "path": "/list/1"}], {"list": [2, 1]}),
        ([{"op": "copy", "from": "/missing", "path": "/list/0"}], {"list": [None, 1, 2]}),
        ([{"op": "replace", "path": "", "value": {"a": 1}}], {"a": 1}),
    ],
)
def test_operations(operations: list[dict[str, Any]], result: Any) -> None:
    document = {"list": [1, 2]}
    assert apply_json_patch(document, operations) == result
    assert document == {"list": [1, 2]}


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "bogus", "path": "/a"},
        {"path": "/a"},
        {"op": ["add"], "path": "/a"},
        {"op": "add", "path": "/a"},
        {"op": "add", "path": "a", "value": 1},
        {"op": "add", "path": 3, "value": 1},
        {"op": "add", "path": "/list/4", "value": 1},
        {"op": "add", "path": "/list/x", "value": 1},
        {"op": "add", "path": "/missing/x", "value": 1},
        {"op": "add", "path": "/list/0/x", "value": 1},
        {"op": "remove", "path": "/missing"},
        {"op": "remove", "path": "/list/2"},
        {"op": "remove", "path": ""},
        {"op": "replace", "path": "/missing", "value": 1},
        {"op": "test", "path": "/list", "value": [1]},
        {"op": "test", "path": "/list/0", "value": True},
        {"op": "move", "from": "/list", "path": "/list/0"},
        {"op": "copy", "path": "/list"},
    ],
)
def test_operations_that_do_not_fit_are_refused(operation: dict[str, Any]) -> None:
    with pytest.raises(PatchConflict):
        apply_json_patch({"list": [1, 2]}, [operation])


@given(documents, documents)
def test_a_merge_patch_takes_effect_once(document: dict[str, Any], patch: dict[str, Any]) -> None:
    merged = apply_merge_patch(document, patch)
    assert apply_merge_patch(merged, patch) == merged
    for key, value in patch.items():
        if not isinstance(value, dict):
            assert merged[key] == value
    for key in document.keys() - patch.keys():
        assert merged[key] == document[key]


@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        # The examples of RFC 7386, appendix A.
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merge_patch_examples(target: Any, patch: Any, result: Any) -> None:
    assert apply_merge_patch(target, patch) == result
