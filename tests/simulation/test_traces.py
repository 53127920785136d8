"""Traces: tables of any format are equivalent, and errors name the cell."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.feather
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.simulation.scenes import node, pod

from kschedcore.errors import ManifestError, NotFoundError
from kschedcore.manifests.loading import Document
from kschedcore.simulation import Simulation
from kschedcore.simulation.scenario import Trace, TraceColumns, TraceRequest
from kschedcore.simulation.traces import read_trace

COLUMNS = TraceColumns(
    name="name", departure="gone", requests={"cpu": TraceRequest("cpu", "m")}, labels={"team": "team"}
)


def as_gzip(table: pa.Table, place: Path) -> None:
    pyarrow.csv.write_csv(table, place.with_suffix(""))
    place.write_bytes(gzip.compress(place.with_suffix("").read_bytes()))


def as_stream(table: pa.Table, place: Path) -> None:
    with pa.ipc.new_stream(place, table.schema) as writer:
        writer.write_table(table)


FORMATS: dict[str, Callable[[pa.Table, Path], Any]] = {
    "pods.csv": pyarrow.csv.write_csv,
    "pods.csv.gz": as_gzip,
    "pods.parquet": pyarrow.parquet.write_table,
    "pods.feather": pyarrow.feather.write_feather,
    "pods.arrows": as_stream,
}


def table() -> pa.Table:
    return pa.table(
        {
            # As numbers, they would lose their zeros.
            "name": ["007", "two.2", None, "eight"],
            "arrival": [40, 10, 10, 25],
            "gone": [100, None, 25, 25],
            "cpu": [500.0, 250.0, None, 0.0],
            "team": ["1", "red", None, ""],
        }
    )


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_reads_the_same(name: str, tmp_path: Path) -> None:
    FORMATS[name](table(), tmp_path / name)
    rows = read_trace(Trace(file=name, time_unit="1m", columns=COLUMNS), tmp_path)
    minutes = [
        (row.after.total_seconds() / 60, row.lifetime and row.lifetime.total_seconds() / 60) for row in rows
    ]
    assert minutes == [(0, None), (0, 15), (15, timedelta()), (30, 60)]
    assert [row.name for row in rows] == ["two.2", "", "eight", "007"]
    assert [row.requests for row in rows] == [{"cpu": "250m"}, {}, {}, {"cpu": "500m"}]
    assert [row.labels for row in rows] == [{"team": "red"}, {}, {}, {"team": "1"}]


def test_a_trace_plays_in_full_and_alike_from_every_format(tmp_path: Path) -> None:
    runs = []
    for name, write in FORMATS.items():
        write(table(), tmp_path / name)
        columns = {"name": "name", "departure": "gone", "requests": {"cpu": {"column": "cpu", "unit": "m"}}}
        trace = {"file": name, "timeUnit": "1m", "columns": columns}
        spec = {"arrivals": [{"name": "trace", "template": pod(), "trace": trace}]}
        scenario = {"apiVersion": "simulation.kschedcore.dev/v1alpha1", "kind": "Scenario", "spec": spec}
        documents = [
            Document(each, str(tmp_path / "all.yaml"), number)
            for number, each in enumerate([node("a", "z"), scenario], 1)
        ]
        runs.append(Simulation(documents, "3h").run())
    assert all(run.pods == runs[0].pods and run.events == runs[0].events for run in runs)
    assert [(row["name"], row["phase"]) for row in runs[0].pods.to_pylist()] == [
        ("eight", "Succeeded"), ("trace-2", "Succeeded"), ("007", "Succeeded"), ("two.2", "Running"),
    ]  # fmt: skip


def test_times_may_be_timestamps_and_spans_durations(tmp_path: Path) -> None:
    begin = datetime(2024, 5, 1, 12, tzinfo=UTC)
    spans = pa.array([timedelta(minutes=5), None], pa.duration("ns"))
    times = pa.array([begin, begin + timedelta(hours=1)])
    for zone in ("UTC", "Asia/Tokyo"):
        cast = times.cast(pa.timestamp("ns", zone))
        pyarrow.parquet.write_table(pa.table({"arrival": cast, "span": spans}), tmp_path / "t.parquet")
        first, second = read_trace(Trace(file="t.parquet", columns=TraceColumns(lifetime="span")), tmp_path)
        assert (first.lifetime, second.lifetime) == (timedelta(minutes=5), None)
        assert second.after == timedelta(hours=1)
    (tmp_path / "t.csv").write_text("arrival,gone\n2024-05-01,2024-05-01T00:05:00Z\n2024-05-01 01:00:00,\n")
    first, second = read_trace(Trace(file="t.csv", columns=TraceColumns(departure="gone")), tmp_path)
    assert (first.lifetime, second.after) == (timedelta(minutes=5), timedelta(hours=1))


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        ({"arrival": "soon"}, "arrival: found 'soon', expected a number or a timestamp"),
        ({"arrival": ""}, "arrival: found nothing, expected a number or a timestamp"),
        ({"arrival": "1e400"}, "arrival: found '1e400', expected a number or a timestamp"),
        ({"arrival": "1e30"}, "arrival: found '1e30', expected a number or a timestamp"),
        ({"gone": "5"}, "gone: found '5', expected a time that is not before the row's arrival"),
        ({"gone": "nan"}, "gone: found 'nan', expected a number or a timestamp"),
        ({"name": "Big"}, "name: found 'Big', expected a name of an object: lower case letters, digits, - and ."),
        ({"name": "first"}, "name: found 'first', expected a name that no other row has"),
        ({"cpu": "-1"}, "cpu: found '-1', expected a number of at least 0"),
        ({"cpu": "much"}, "cpu: found 'much', expected a number of at least 0"),
        ({"team": "a b"},
         "team: found 'a b', expected the value of a label: at most 63 letters, digits, -, _ and ."),
    ],
)  # fmt: skip
def test_a_cell_that_cannot_be_read_is_named(cells: dict[str, str], problem: str, tmp_path: Path) -> None:
    second = {"name": "second", "arrival": "10", "gone": "20", "cpu": "1", "team": "red"} | cells
    text = "name,arrival,gone,cpu,team\nfirst,1,2,3,blue\n" + ",".join(second.values()) + "\n"
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(ManifestError) as raised:
        read_trace(Trace(file="t.csv", columns=COLUMNS), tmp_path)
    assert str(raised.value) == f"{tmp_path / 't.csv'}: row 2: {problem}"


def test_spans_do_not_run_backwards(tmp_path: Path) -> None:
    pyarrow.parquet.write_table(pa.table({"arrival": [1.5], "span": [-2.0]}), tmp_path / "t.parquet")
    with pytest.raises(ManifestError, match=r"row 1: span: found -2\.0, expected a number or a duration"):
        read_trace(Trace(file="t.parquet", columns=TraceColumns(lifetime="span")), tmp_path)


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_that_is_no_trace_is_an_error(name: str, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no such file"):
        read_trace(Trace(file=name), tmp_path)
    FORMATS[name](table(), tmp_path / name)
    with pytest.raises(ManifestError, match="has no column 'at'; expected it among name, arrival, gone, cpu"):
        read_trace(Trace(file=name, columns=TraceColumns(arrival="at")), tmp_path)
    (tmp_path / name).write_bytes(b"\x00\x01,\x02\nno,table\n\xff")
    with pytest.raises(ManifestError, match=f"{name}: (is no table that can be read|has no column)"):
        read_trace(Trace(file=name), tmp_path)
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(ManifestError, match="is no table that can be read"):
        read_trace(Trace(file=name), tmp_path)


@given(st.binary(max_size=60), st.sampled_from(list(FORMATS)))
def test_whatever_a_file_holds_is_read_or_refused(content: bytes, name: str) -> None:
    with TemporaryDirectory() as folder:
        (Path(folder) / name).write_bytes(content)
        with suppress(ManifestError):
            read_trace(Trace(file=name), Path(folder))
