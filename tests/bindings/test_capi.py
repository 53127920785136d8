"""The C ABI: same results as the engine, error messages, no leaks, calls from any thread."""

from __future__ import annotations

import ctypes
import gc
import json
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.bindings import abi
from tests.bindings.abi import call, last_error, new_engine, read, stream, texts

from kschedcore import Engine, __version__
from kschedcore.capi import handles
from kschedcore.errors import ConfigError, KschedcoreError, ManifestError, NotFoundError, UsageError

GIB = 1 << 30


def nodes(*cpus: int) -> pa.Table:
    return pa.table(
        {
            "name": [f"n{place}" for place in range(len(cpus))],
            "allocatable/cpu": list(cpus),
            "allocatable/memory": [64 * GIB] * len(cpus),
            "allocatable/pods": [110] * len(cpus),
        }
    )


def pods(*cpus: int, priorities: Any = None) -> pa.Table:
    columns = {"name": [f"p{place}" for place in range(len(cpus))], "requests/cpu": list(cpus)}
    if priorities is not None:
        columns["priority"] = list(priorities)
    return pa.table(columns)


def manifest(name: str, cpu: int, **spec: Any) -> dict[str, Any]:
    container = {"name": "c", "resources": {"requests": {"cpu": f"{cpu}m"}}}
    return {"kind": "Pod", "metadata": {"name": name}, "spec": {"containers": [container], **spec}}


def text(item: Any) -> bytes:
    return json.dumps(item).encode()


@pytest.fixture
def engine() -> Iterator[ctypes.c_void_p]:
    made = new_engine()
    assert call("add_nodes", made, stream(nodes(4000, 2000))) == abi.OK
    yield made
    call("engine_free", made, returns=None)


def place(engine: ctypes.c_void_p, table: pa.Table) -> ctypes.c_void_p:
    out = ctypes.c_void_p()
    assert call("place", engine, stream(table), ctypes.pointer(out)) == abi.OK, last_error()
    return out


def explained(engine: ctypes.c_void_p, pod: dict[str, Any]) -> dict[str, Any]:
    out = ctypes.c_void_p()
    assert call("explain", engine, text(pod), ctypes.pointer(out)) == abi.OK, last_error()
    document: dict[str, Any] = json.loads(ctypes.string_at(out.value or 0))
    call("text_free", out, returns=None)
    return document


def test_the_table_has_its_version_and_size() -> None:
    table = abi.table()
    assert (table.abi_version, table.size) == (1, ctypes.sizeof(abi.Table))
    assert call("version", returns=ctypes.c_char_p).decode() == __version__


@settings(max_examples=40, derandomize=True)
@given(
    st.lists(st.integers(1, 8000), max_size=6),
    st.lists(st.tuples(st.integers(1, 4000), st.integers(-2, 2)), max_size=10),
)
def test_decisions_are_the_engines(cpus: list[int], wanted: list[tuple[int, int]]) -> None:
    python = Engine()
    python.add_nodes(nodes(*cpus))
    given = [manifest(f"p{i}", cpu, priority=priority) for i, (cpu, priority) in enumerate(wanted)]
    made = {each.pod.metadata.name: each for each in python.schedule(given)}

    engine = new_engine()
    assert call("add_nodes", engine, stream(nodes(*cpus))) == abi.OK
    table = pods(*(cpu for cpu, _ in wanted), priorities=pa.array([p for _, p in wanted], pa.int32()))
    decisions = place(engine, table)
    expected = [made[pod["metadata"]["name"]] for pod in given]
    assert texts(decisions, "decision_node") == [each.node for each in expected]
    assert texts(decisions, "decision_message") == [each.message or None for each in expected]
    out = abi.Stream()
    assert call("nodes", engine, ctypes.pointer(out)) == abi.OK
    assert read(out).to_pylist() == python.nodes().to_pylist()
    call("decisions_free", decisions, returns=None)
    call("engine_free", engine, returns=None)


def test_decisions_are_a_table_that_outlives_them(engine: ctypes.c_void_p) -> None:
    decisions = place(engine, pods(3000, 9000))
    out = abi.Stream()
    assert call("decisions_table", decisions, ctypes.pointer(out)) == abi.OK
    call("decisions_free", decisions, returns=None)
    rows = read(out).to_pylist()
    assert [row["node"] for row in rows] == ["n0", None]
    assert rows[1]["message"].startswith("0/2 nodes are available: 2 Insufficient cpu.")


def test_bound_pods_come_in_as_tables_and_objects_and_leave_by_name(engine: ctypes.c_void_p) -> None:
    bound = pods(3000).append_column("node", pa.array(["n0"]))
    assert call("add_pods", engine, stream(bound)) == abi.OK
    assert call("set_object", engine, text(manifest("q", 1500, nodeName="n1"))) == abi.OK
    late = manifest("late", 2000)
    assert explained(engine, late)["node"] is None
    assert call("remove_object", engine, b"Pod", None, b"p0") == abi.OK
    assert explained(engine, late)["node"] == "n0"
    assert call("remove_object", engine, b"Pod", b"default", b"q") == abi.OK
    assert call("remove_object", engine, b"Node", None, b"n0") == abi.OK
    assert explained(engine, late)["node"] == "n1"


def test_an_explanation_is_the_engines(engine: ctypes.c_void_p) -> None:
    python = Engine()
    python.add_nodes(nodes(4000, 2000))
    for cpu in (1000, 3000, 5000):
        pod = manifest("late", cpu)
        assert explained(engine, pod) == python.explain(pod).to_dict()


def test_objects_of_every_kind_come_and_go(engine: ctypes.c_void_p) -> None:
    node = {"kind": "Node", "metadata": {"name": "new"}, "status": {"allocatable": {"cpu": "9", "pods": "9"}}}
    space = {"kind": "Namespace", "metadata": {"name": "shop"}}
    service = {"kind": "Service", "metadata": {"name": "web"}, "spec": {"selector": {"app": "web"}}}
    for item in (node, space, service):
        assert call("set_object", engine, text(item)) == abi.OK, last_error()
    assert explained(engine, manifest("late", 8000))["node"] == "new"
    assert call("remove_object", engine, b"Service", b"default", b"web") == abi.OK
    assert call("remove_object", engine, b"Service", b"default", b"web") == abi.NOT_FOUND
    assert last_error() == "Service 'web' not found"


def test_a_batch_is_made_a_stream(engine: ctypes.c_void_p) -> None:
    schema, array, out = abi.Schema(), abi.Array(), abi.Stream()
    (batch,) = nodes(16000).to_batches()
    batch._export_to_c(ctypes.addressof(array), ctypes.addressof(schema))
    given = (ctypes.pointer(schema), ctypes.pointer(array), ctypes.pointer(out))
    assert call("stream_of_batch", *given) == abi.OK
    assert (schema.release, array.release) == (None, None)
    assert call("stream_of_batch", *given) == abi.USAGE
    assert last_error() == "the record batch was released already"
    assert call("add_nodes", engine, ctypes.pointer(out)) == abi.OK
    assert explained(engine, manifest("late", 10000))["node"] == "n0"


@pytest.mark.parametrize(
    ("name", "arguments", "status", "expected_message"),
    [
        ("set_object", [b"{"], abi.MANIFEST, "is not JSON: Input data was truncated"),
        ("set_object", [b"[]"], abi.MANIFEST, "is list; expected an object"),
        ("set_object", [b'{"kind": "Widget"}'], abi.USAGE, "kind is 'Widget'; expected"),
        ("set_object", [b"{}"], abi.USAGE, "kind is None; expected"),
        ("set_object", [text(manifest("p", 1))], abi.USAGE, "pod default/p has no spec.nodeName"),
        ("set_object", [None], abi.USAGE, "the object is NULL; expected text"),
        ("set_object", [b"\xff"], abi.USAGE, "the object is not UTF-8"),
        ("remove_object", [b"Node", None, b"none"], abi.NOT_FOUND, "node 'none' not found"),
        ("remove_object", [b"Node", None, None], abi.USAGE, "name is NULL; expected text"),
        ("explain", [b'{"kind": "Node"}', None], abi.USAGE, "out is NULL"),
        ("nodes", [None], abi.USAGE, "out is NULL"),
        ("add_nodes", [None], abi.USAGE, "the table of nodes is NULL"),
    ],
)
def test_errors_have_messages(
    engine: ctypes.c_void_p, name: str, arguments: list[Any], status: int, expected_message: str
) -> None:
    assert call(name, engine, *arguments) == status
    assert last_error().startswith(expected_message)


def test_a_bad_quantity_names_its_field(engine: ctypes.c_void_p) -> None:
    node = {"kind": "Node", "metadata": {"name": "n0"}, "status": {"allocatable": {"cpu": "lots"}}}
    assert call("set_object", engine, text(node)) == abi.MANIFEST
    assert "status.allocatable[cpu]" in last_error()
    assert explained(engine, manifest("late", 4000))["node"] == "n0"


def test_a_table_that_is_refused_is_released_and_changes_nothing(engine: ctypes.c_void_p) -> None:
    before = explained(engine, manifest("late", 1))
    assert len(before["nodes"]) == 2
    for function, wrong in (
        ("add_nodes", nodes(1).drop(["name"])),
        ("add_pods", pods(1)),
        ("add_nodes", nodes(8, -1)),
    ):
        given = stream(wrong)
        assert call(function, engine, given) == abi.USAGE
        assert given.contents.release is None
        assert call(function, engine, given) == abi.USAGE
        assert "was released already" in last_error()
    out = ctypes.c_void_p()
    assert call("place", engine, stream(nodes(1).drop(["name"])), ctypes.pointer(out)) == abi.USAGE
    assert out.value is None
    assert explained(engine, manifest("late", 1)) == before


def test_a_stream_that_breaks_off_is_an_error(engine: ctypes.c_void_p) -> None:
    def broken() -> Iterator[pa.RecordBatch]:
        yield from nodes(64000).to_batches()
        raise OSError("the disk is gone")

    before = explained(engine, manifest("late", 1))
    given = stream(pa.RecordBatchReader.from_batches(nodes(1).schema, broken()))
    assert call("add_nodes", engine, given) == abi.USAGE
    assert last_error().startswith("the table of nodes cannot be read: ")
    assert "the disk is gone" in last_error()
    assert explained(engine, manifest("late", 1)) == before


def test_memory_that_is_no_text_is_an_error(engine: ctypes.c_void_p) -> None:
    names = pa.Array.from_buffers(
        pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"\xff\xfe")]
    )
    assert call("add_nodes", engine, stream(pa.table({"name": names}))) == abi.USAGE
    assert "UTF8" in last_error()


def test_pods_to_place_have_no_node(engine: ctypes.c_void_p) -> None:
    bound, out = pods(1).append_column("node", pa.array(["n0"])), ctypes.c_void_p()
    assert call("place", engine, stream(bound), ctypes.pointer(out)) == abi.USAGE
    assert last_error() == "a table of pending pods has a column 'node'; expected none"


def test_rows_are_counted(engine: ctypes.c_void_p) -> None:
    decisions, out = place(engine, pods(1, 1)), ctypes.c_char_p()
    for row in (-1, 2):
        assert call("decision_node", decisions, row, ctypes.pointer(out)) == abi.USAGE
        assert last_error() == f"row is {row}; expected one of 2 rows, counted from 0"
    call("decisions_free", decisions, returns=None)


def test_no_handle_is_no_crash() -> None:
    assert call("set_object", None, b"{}") == abi.USAGE
    assert last_error() == "the engine is NULL"
    assert call("decisions_count", None, ctypes.pointer(ctypes.c_int64())) == abi.USAGE
    for function in ("engine_free", "decisions_free", "text_free"):
        call(function, None, returns=None)


def test_options(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n")
    size, out = ctypes.sizeof(abi.Options), ctypes.c_void_p()
    call("engine_free", new_engine(abi.Options(size, 1, 7, str(config).encode())), returns=None)
    config.write_text("kind: KubeSchedulerConfiguration\n")
    for options, status in (
        (abi.Options(size, 0, 0, str(config).encode()), abi.CONFIG),
        (abi.Options(size, 0, 0, b"/none/config.yaml"), abi.NOT_FOUND),
        (abi.Options(size, 2, 0, None), abi.USAGE),
        (abi.Options(size - 1, 0, 0, None), abi.USAGE),
    ):
        assert call("engine_new", ctypes.pointer(options), ctypes.pointer(out)) == status
        assert last_error()
        assert out.value is None


def test_every_error_has_its_code() -> None:
    errors: list[tuple[BaseException, int]] = [
        (UsageError("x"), abi.USAGE),
        (NotFoundError("x"), abi.NOT_FOUND),
        (ConfigError("x"), abi.CONFIG),
        (ManifestError("x"), abi.MANIFEST),
        (KschedcoreError("x"), abi.FAILED),
        (MemoryError("x"), abi.NO_MEMORY),
    ]
    for error, code in errors:
        assert handles.status_of(error) == (code, "x")
    assert handles.status_of(KeyError("x")) == (abi.INTERNAL, "KeyError: 'x'")


def test_messages_are_one_line() -> None:
    assert handles.status_of(UsageError("a\nb\0c")) == (abi.USAGE, "a b\\0c")
    assert handles.status_of(MemoryError()) == (abi.NO_MEMORY, "MemoryError")


@pytest.mark.parametrize(
    ("json", "status", "message"),
    [
        (b'{"kind": []}', abi.USAGE, "kind is []; expected "),
        (b'{"kind": {"a": 1}}', abi.USAGE, "kind is {'a': 1}; expected "),
        (b'{"kind": 5}', abi.USAGE, "kind is 5; expected "),
        (b"[" * 100_000 + b"]" * 100_000, abi.MANIFEST, "is nested too deeply"),
        (b'{"kind":"Pod","metadata":' + b'{"a":' * 5000 + b"1" + b"}" * 5001, abi.MANIFEST, ""),
        (b'"\\ud800"', abi.MANIFEST, "is "),
        (b'{"kind": "Node", "metadata": {"name": "\\ud800"}}', abi.MANIFEST, ""),
        (b'{"kind": "Node", "metadata": 5}', abi.MANIFEST, ""),
        (
            b'{"kind": "Node", "metadata": {"name": "n"}, "status": {"allocatable": {"cpu": 1e999}}}',
            abi.MANIFEST,
            "",
        ),
        (b'{"kind": "Pod", "spec": {"nodeName": 5}}', abi.MANIFEST, ""),
        (b'{"kind": "Service", "metadata": {"name": "s", "namespace": []}}', abi.MANIFEST, ""),
    ],
)
def test_objects_of_other_types(engine: ctypes.c_void_p, json: bytes, status: int, message: str) -> None:
    assert call("set_object", engine, json) == status
    assert last_error().startswith(message)
    assert "\n" not in last_error()


class TestStreamOfBatch:
    """Whatever goes wrong, both structures are released when it returns."""

    def batch(self) -> tuple[Any, Any]:
        schema, array = abi.Schema(), abi.Array()
        batch = pa.record_batch({"name": ["n"]})
        batch._export_to_c(ctypes.addressof(array), ctypes.addressof(schema))
        return schema, array

    def test_no_out(self) -> None:
        schema, array = self.batch()
        arguments = ctypes.pointer(schema), ctypes.pointer(array), None
        assert call("stream_of_batch", *arguments) == abi.USAGE
        assert (schema.release, array.release) == (None, None)

    def test_one_is_missing(self) -> None:
        schema, array = self.batch()
        out = abi.Stream()
        assert call("stream_of_batch", ctypes.pointer(schema), None, ctypes.pointer(out)) == abi.USAGE
        assert schema.release is None
        assert call("stream_of_batch", None, ctypes.pointer(array), ctypes.pointer(out)) == abi.USAGE
        assert array.release is None

    def test_one_was_released(self) -> None:
        first, second, out = self.batch(), self.batch(), abi.Stream()
        call("stream_of_batch", ctypes.pointer(first[0]), None, ctypes.pointer(out))
        call("stream_of_batch", None, ctypes.pointer(second[1]), ctypes.pointer(out))
        for schema, array in (first, second):
            arguments = ctypes.pointer(schema), ctypes.pointer(array), ctypes.pointer(out)
            assert call("stream_of_batch", *arguments) == abi.USAGE
            assert last_error() == "the record batch was released already"
            assert (schema.release, array.release) == (None, None)


def test_a_long_message_is_cut_between_characters(engine: ctypes.c_void_p) -> None:
    assert call("remove_object", engine, b"Node", None, "é".encode() * 3000) == abi.NOT_FOUND
    assert last_error().startswith("node 'éé")
    assert 4094 <= len(last_error().encode()) <= 4095


def test_messages_are_of_the_thread_that_failed(engine: ctypes.c_void_p) -> None:
    assert call("remove_object", engine, b"Node", None, b"mine") == abi.NOT_FOUND
    seen: list[str] = []

    def other() -> None:
        seen.append(last_error())
        call("remove_object", engine, b"Node", None, b"theirs")
        seen.append(last_error())

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert seen == ["", "node 'theirs' not found"]
    assert last_error() == "node 'mine' not found"


def test_threads_that_share_an_engine_wait_for_each_other(engine: ctypes.c_void_p) -> None:
    """The pods placed by all threads add up, whatever the order."""
    barrier = threading.Barrier(4)

    def work(number: int) -> None:
        names = [f"t{number}-{place}" for place in range(20)]
        barrier.wait()
        for _ in range(5):
            table = pa.table({"name": names, "requests/cpu": [10] * len(names)})
            call("decisions_free", place(engine, table), returns=None)
            for name in names:
                assert call("remove_object", engine, b"Pod", None, name.encode()) == abi.OK
        call("decisions_free", place(engine, table), returns=None)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    out = abi.Stream()
    assert call("nodes", engine, ctypes.pointer(out)) == abi.OK
    assert sum(read(out)["requested/cpu"].to_pylist()) == 4 * 20 * 10


def test_freed_handles_release_their_objects() -> None:
    made = new_engine()
    held = weakref.ref(ctypes.cast(made, ctypes.py_object).value)
    decisions = place(made, pods(1))
    result = weakref.ref(ctypes.cast(decisions, ctypes.py_object).value)
    call("decisions_free", decisions, returns=None)
    call("engine_free", made, returns=None)
    gc.collect()
    assert (held(), result()) == (None, None)


def test_tables_that_were_not_read_are_released(engine: ctypes.c_void_p) -> None:
    release = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
    # The engine keeps the rows that it placed last, instead of those of the same names.
    call("decisions_free", place(engine, pods(*[1] * 1000)), returns=None)
    gc.collect()
    before = pa.total_allocated_bytes()
    for _ in range(3):
        decisions, rows, snapshot = place(engine, pods(*[1] * 1000)), abi.Stream(), abi.Stream()
        assert call("decisions_table", decisions, ctypes.pointer(rows)) == abi.OK
        assert call("nodes", engine, ctypes.pointer(snapshot)) == abi.OK
        call("decisions_free", decisions, returns=None)
        assert pa.total_allocated_bytes() > before
        for out in (rows, snapshot):
            release(out.release)(ctypes.addressof(out))
    gc.collect()
    assert pa.total_allocated_bytes() == before
