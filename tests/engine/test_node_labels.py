"""Labels in the node table: what they cost, and that a column is no different from labels without one."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from kschedcore._native.bulk import add_nodes
from kschedcore._native.nodes import NodeTable
from kschedcore._native.selectors import NodeSelector

LABELS = st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(["x", "y", "3"]), max_size=4)
NAMES = st.sampled_from([f"n{number}" for number in range(30)])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("set"), NAMES, LABELS),
        st.tuples(st.just("remove"), NAMES, st.just({})),
        st.tuples(st.just("add"), st.just(""), st.lists(LABELS, min_size=1, max_size=20)),
        st.tuples(st.just("select"), st.just(""), LABELS),
    ),
    max_size=40,
)


def put(nodes: NodeTable, name: str, labels: dict[str, str]) -> None:
    nodes.set(name, {"cpu": 1}, labels, (), (), False)


def add(nodes: NodeTable, rows: dict[str, dict[str, str]]) -> None:
    """Add nodes from columns."""
    columns = {}
    for key in sorted({key for labels in rows.values() for key in labels}):
        values = sorted({labels[key] for labels in rows.values() if key in labels})
        codes = [values.index(labels[key]) if key in labels else -1 for labels in rows.values()]
        columns[key] = np.array(codes, np.int32), values
    keys = [tuple(labels) for labels in rows.values()]
    own = np.arange(len(rows), dtype=np.int32), keys
    none = np.zeros(len(rows), np.int32), [()]
    add_nodes(nodes, list(rows), {}, columns, own, none, np.zeros(len(rows), np.uint8), [])


def check(nodes: NodeTable, expected: dict[str, dict[str, str]]) -> None:
    for name, labels in expected.items():
        assert nodes.spec_of(nodes.slot_of(name))[1] == labels
    keys = {key for labels in expected.values() for key in labels}
    assert keys <= set(nodes.label_keys())
    for key in nodes.label_keys():
        codes, values = nodes.label_codes(key), nodes.label_values(key)
        found = {name: int(codes[nodes.slot_of(name)]) for name in expected}
        assert {name: values[code] for name, code in found.items() if code >= 0} == {
            name: labels[key] for name, labels in expected.items() if key in labels
        }


@settings(deadline=None, max_examples=150)
@given(steps=STEPS)
def test_labels_read_the_same_with_and_without_a_column(
    steps: list[tuple[str, str, Any]],
) -> None:
    nodes, added = NodeTable(), 0
    expected: dict[str, dict[str, str]] = {}
    for step, name, labels in steps:
        if step == "set":
            put(nodes, name, labels)
            expected[name] = labels
        elif step == "remove" and name in expected:
            nodes.remove(name)
            del expected[name]
        elif step == "add":
            rows = {f"m{added + place}": each for place, each in enumerate(labels)}
            added += len(rows)
            add(nodes, rows)
            expected |= rows
        elif step == "select":
            for key, value in labels.items():
                selector = NodeSelector(nodes, [[(key, "In", [value])]])
                for each, own in expected.items():
                    assert selector.match(nodes.slot_of(each)) == (own.get(key) == value)
        check(nodes, expected)


def test_memory_follows_the_labels_that_exist() -> None:
    nodes, count, own = NodeTable(), 2_000, 10
    for number in range(count):
        keys = {f"own-{number}-{place}": "x" for place in range(own)}
        put(nodes, f"n{number}", keys | {"zone": f"z{number % 3}"})
    cells, sparse = nodes.label_cells()
    assert cells <= 2 * nodes.capacity
    assert sparse == own * count


def test_removed_labels_take_no_memory() -> None:
    nodes = NodeTable()
    for number in range(1_000):
        put(nodes, "n", {f"key-{number}": "x"})
    assert nodes.label_cells() == (0, 1)
    nodes.remove("n")
    assert nodes.label_cells() == (0, 0)
    assert nodes.label_keys() == []


def test_a_key_that_a_selector_reads_has_a_column() -> None:
    nodes = NodeTable()
    put(nodes, "a", {"key": "x"})
    put(nodes, "b", {})
    selector = NodeSelector(nodes, [[("key", "Exists", [])]])
    assert selector.match(nodes.slot_of("a"))
    put(nodes, "b", {"key": "y"})
    put(nodes, "a", {})
    assert nodes.label_cells() == (nodes.capacity, 0)
    assert [selector.match(nodes.slot_of(name)) for name in "ab"] == [False, True]
