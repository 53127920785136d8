"""Tables with columns of any type and any values: taken, or refused with a clear error that changes nothing."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.builders import node, pod

from kschedcore import Engine
from kschedcore.errors import KschedcoreError, UsageError

COLUMNS: dict[str, Any] = {
    "texts": ["c", "d"],
    "equal": ["c", "c"],
    "empty": ["", ""],
    "spaces": ["a b", "\n"],
    "long": ["x" * 3000, "y"],
    "half null": ["c", None],
    "null": [None, None],
    "bytes": [b"c", b"\xff"],
    "large strings": pa.array(["c", "d"], pa.large_string()),
    "views": pa.array(["c", "d"], pa.string_view()),
    "dictionary": pa.array(["c", None]).dictionary_encode(),
    "chunks": pa.chunked_array([[], ["c"], ["d"]], pa.string()),
    "run ends": pa.RunEndEncodedArray.from_arrays([1, 2], ["c", "d"]),
    "numbers": [1, 2],
    "negative": [-1, -(2**63)],
    "largest": [2**63 - 1, 2**63 - 1],
    "unsigned": pa.array([2**64 - 1, 0], pa.uint64()),
    "bytes of numbers": pa.array([1, -128], pa.int8()),
    "numbers and null": [1, None],
    "dictionary of numbers": pa.array([1, 2]).dictionary_encode(),
    "floats": [0.5, float("nan")],
    "infinite": [float("inf"), 1.0],
    "booleans": [True, False],
    "times": pa.array([1, 2], pa.timestamp("s")),
    "durations": pa.array([1, 2], pa.duration("s")),
    "decimals": pa.array([1, 2], pa.decimal128(5)),
    "lists": [["a"], [None]],
    "lists and null": [None, ["a"]],
    "structs": [{"a": 1}, {"a": 2}],
    "structs of texts": [{"a b": "1"}, {"a b": None}],
    "maps": pa.array([[("a", "b")], None], pa.map_(pa.string(), pa.string())),
    "taints": [[{"key": "k", "value": "v", "effect": "NoSchedule"}], None],
    "taints of no effect": [[{"key": "k", "value": "v", "effect": "Never"}], []],
    "taints without a key": [[{"key": None, "value": None, "effect": None}], []],
    "json": ["{}", "[" * 5000],
}
NAMES = {
    "add_nodes": ("name", "unschedulable", "labels", "taints", "images", "label/z", "label/", "label/a b",
                  "allocatable/cpu", "allocatable/pods", "allocatable/", "requested/cpu", "other"),
    "add_pods": ("name", "namespace", "node", "uid", "startTime", "priority", "labels", "template", "label/z",
                 "label/a b", "requests/cpu", "requests/pods", "requests/ x", "other"),
}  # fmt: skip
NAMES["place"] = NAMES["add_pods"]
BEGIN: dict[str, Any] = {"add_nodes": {"name": ["c", "d"]}, "place": {"name": ["p", "q"]}}
BEGIN["add_pods"] = {**BEGIN["place"], "node": ["a", "b"]}


def engine() -> Engine:
    made = Engine()
    for name in "ab":
        made.set_node(node(name, cpu="4", memory="8Gi"))
    return made


@settings(max_examples=150, derandomize=True)
@given(method=st.sampled_from(sorted(NAMES)), kind=st.sampled_from(sorted(COLUMNS)), data=st.data())
def test_any_column_is_taken_or_refused(method: str, kind: str, data: st.DataObject) -> None:
    column = data.draw(st.sampled_from(NAMES[method]))
    table = pa.table({**BEGIN[method], column: COLUMNS[kind]})
    made = engine()
    before = made.nodes(), made.utilisation()
    message = ""
    try:
        getattr(made, method)(table)
    except KschedcoreError as error:
        message = str(error)
    assert not message or (made.nodes(), made.utilisation()) == before
    assert "\n" not in message
    assert made.decide(pod("later")).pod.metadata.name == "later"


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"label/a b": ["x", "y"]}, "the table of nodes has labels with the key 'a b': name part must"),
        ({"labels": COLUMNS["structs of texts"]}, "the table of nodes has labels with the key 'a b': name part"),
        ({"taints": COLUMNS["taints of no effect"]}, 'Unsupported value: "Never"'),
        ({"taints": [[{"key": "a b", "value": "", "effect": "NoSchedule"}], []]}, r"taints\[0\].key: Invalid"),
        ({"taints": [2 * COLUMNS["taints"][0], []]}, "must be unique by key and effect"),
    ],
)  # fmt: skip
def test_nodes_that_kubernetes_refuses(columns: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        engine().add_nodes(pa.table({"name": ["c", "d"], **columns}))
