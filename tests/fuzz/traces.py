"""Trace files with bytes changed: each is read, or refused with a clear error, and never ends the process."""

from __future__ import annotations

import random
import tempfile
from functools import cache
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from kschedcore.errors import ManifestError
from kschedcore.simulation.scenario import Trace, TraceColumns, TraceRequest
from kschedcore.simulation.traces import read_trace

KINDS = [
    ("arrow", None),
    ("arrow", "lz4"),
    ("arrows", None),
    ("arrows", "zstd"),
    ("parquet", "snappy"),
    ("csv", None),
]

EXTREMES = [b"\xff\xff\xff\x7f", b"\xff\xff\xff\xff", b"\x00\x00\x00\x80", b"\x00\x00\x00\x00"]


def trace_of(name: str) -> Trace:
    return Trace(
        file=name,
        time_unit="1s",
        columns=TraceColumns(
            arrival="arrival",
            name="name",
            lifetime="lifetime",
            requests={"cpu": TraceRequest(column="cpu", unit="m")},
            labels={"app": "app"},
        ),
    )


@cache
def whole(kind: str, compression: str | None) -> bytes:
    """Return a trace file as it should be."""
    rows = 40
    table = pa.table(
        {
            "arrival": pa.array(range(rows), pa.timestamp("s")) if kind != "csv" else list(range(rows)),
            "name": [f"p{row}" for row in range(rows)],
            "lifetime": [60.5 if row % 3 else None for row in range(rows)],
            "cpu": pa.array([100, 250] * (rows // 2)),
            "app": pa.array(["a", "b"] * (rows // 2)).dictionary_encode(),
        }
    )
    sink = pa.BufferOutputStream()
    if kind == "parquet":
        pyarrow.parquet.write_table(table, sink, compression=compression)
    elif kind == "csv":
        pa.csv.write_csv(table, sink)
    else:
        make = pa.ipc.new_file if kind == "arrow" else pa.ipc.new_stream
        with make(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression=compression)) as writer:
            writer.write_table(table, max_chunksize=15)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def changed(content: bytes, rng: random.Random) -> bytes:
    """Return a file with some bytes replaced, removed or inserted."""
    data = bytearray(content)
    for _ in range(rng.randint(1, 6)):
        place, draw = rng.randrange(len(data)), rng.random()
        if draw < 0.5:
            data[place] = rng.randrange(256)
        elif draw < 0.75:
            data[place : place + 4] = rng.choice(EXTREMES)
        elif draw < 0.85:
            del data[place : place + rng.randint(1, 8)]
        elif draw < 0.95:
            data[place:place] = rng.randbytes(rng.randint(1, 8))
        else:
            del data[place + 1 :]
    return bytes(data)


def run(seed: int) -> str:
    """Read the changed file of a seed."""
    rng = random.Random(seed)
    kind, compression = KINDS[seed % len(KINDS)]
    with tempfile.TemporaryDirectory() as folder:
        name = f"trace.{kind}"
        Path(folder, name).write_bytes(changed(whole(kind, compression), rng))
        try:
            rows = read_trace(trace_of(name), Path(folder))
        except ManifestError as error:
            return "" if name in str(error) else f"the message names no file: {error}"
        return "" if all(row.after.total_seconds() >= 0 for row in rows) else "a row comes before the first"
