"""Stored objects cannot be changed, and share what is equal."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kschedcore.api.machinery.frozen import FrozenDict, FrozenList, Interner, freeze, plain

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)
objects = st.fixed_dictionaries(
    {"metadata": st.dictionaries(st.text(max_size=3), json_values, max_size=3), "spec": json_values}
)

CHANGES: list[Callable[[Any], object]] = [
    lambda obj: obj.update(a=1),
    lambda obj: obj.pop("spec"),
    lambda obj: obj.popitem(),
    lambda obj: obj.clear(),
    lambda obj: obj.setdefault("new", 1),
    lambda obj: obj.__setitem__("a", 1),
    lambda obj: obj.__delitem__("spec"),
    lambda obj: obj.__ior__({"a": 1}),
    lambda obj: obj["spec"].append(1),
    lambda obj: obj["spec"].extend([1]),
    lambda obj: obj["spec"].insert(0, 1),
    lambda obj: obj["spec"].pop(),
    lambda obj: obj["spec"].remove(1),
    lambda obj: obj["spec"].sort(),
    lambda obj: obj["spec"].reverse(),
    lambda obj: obj["spec"].clear(),
    lambda obj: obj["spec"].__setitem__(0, 2),
    lambda obj: obj["spec"].__delitem__(0),
    lambda obj: obj["spec"].__iadd__([1]),
    lambda obj: obj["spec"].__imul__(2),
]


@pytest.mark.parametrize("change", CHANGES)
def test_nothing_changes_a_stored_object(change: Callable[[Any], object]) -> None:
    obj = Interner().freeze({"metadata": {}, "spec": [1, 2]})
    with pytest.raises(TypeError, match="belongs to the store"):
        change(obj)
    assert obj == {"metadata": {}, "spec": [1, 2]}


def test_setdefault_returns_the_existing_value() -> None:
    assert FrozenDict({"a": 1}).setdefault("a", 2) == 1


@given(objects)
def test_a_frozen_object_equals_what_it_was_made_of_and_every_copy_is_free(obj: dict[str, Any]) -> None:
    frozen = Interner().freeze(obj)
    assert frozen == obj
    assert json.loads(msgspec.json.encode(frozen)) == obj
    for made in (plain(frozen), copy.deepcopy(frozen)):
        assert made == obj
        assert type(made) is dict
        made["metadata"]["free"] = True
    thawed = pickle.loads(pickle.dumps(frozen))
    assert thawed == obj
    assert isinstance(thawed, FrozenDict)


@given(json_values)
def test_freezing_leaves_nothing_that_can_be_changed(value: Any) -> None:
    def check(part: Any) -> None:
        assert type(part) not in (dict, list)
        for item in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
            check(item)

    check(freeze(value))
    check(Interner().freeze({"metadata": {"a": value}, "spec": value}))


def test_equal_parts_are_one_object() -> None:
    interner = Interner()
    template = {"containers": [{"name": "c", "image": "i"}], "tolerations": [{"key": "k"}]}
    first = interner.freeze({"metadata": {"name": "a", "labels": {"app": "x"}}, "spec": template})
    second = interner.freeze({"metadata": {"name": "b", "labels": {"app": "x"}}, "spec": plain(template)})
    bound = interner.freeze({"metadata": {"name": "c"}, "spec": {**template, "nodeName": "n"}})
    assert first["spec"] is second["spec"]
    assert first["metadata"]["labels"] is second["metadata"]["labels"]
    assert bound["spec"]["containers"] is first["spec"]["containers"]


def test_what_has_not_been_seen_lately_is_forgotten() -> None:
    interner = Interner(remembered=2)
    first = interner.freeze({"metadata": {}, "spec": {"a": 1}})
    for number in range(3):
        interner.freeze({"metadata": {}, "spec": {"b": number}})
    assert interner.freeze({"metadata": {}, "spec": {"a": 1}})["spec"] is not first["spec"]
    assert isinstance(freeze([1]), FrozenList)
