"""Tables of other libraries, in and out through the Arrow PyCapsule interface."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa
import pytest

from kschedcore.engine.engine import Engine
from kschedcore.errors import UsageError

EXAMPLES = Path(__file__).parents[2] / "bindings/arrow"

NODES: Any = {
    "name": ["a", "b"],
    "allocatable/cpu": [4000, 8000],
    "allocatable/pods": [110, 110],
    "label/zone": ["z1", None],
}
BOUND: Any = {"name": ["x"], "node": ["b"], "requests/cpu": [6000], "label/app": ["web"]}
WIDE: Any = {"metadata": {"name": "p"}, "spec": {"containers": [{"resources": {"requests": {"cpu": "3"}}}]}}


CONNECTION = duckdb.connect()
"""Relations do not keep theirs open in every version."""


def of_duckdb(table: Any) -> Any:
    return CONNECTION.from_arrow(table if hasattr(table, "__arrow_c_stream__") else pa.table(table))


def of_polars(table: Any) -> Any:
    return pl.DataFrame(table)


def of_pandas(table: Any) -> Any:
    return pa.table(table).to_pandas()


@pytest.fixture(params=[of_polars, of_duckdb, of_pandas], ids=["polars", "duckdb", "pandas"])
def frame(request: pytest.FixtureRequest) -> Callable[[Any], Any]:
    made: Callable[[Any], Any] = request.param
    return made


def engine(frame: Callable[[Any], Any]) -> Engine:
    made = Engine()
    made.add_nodes(frame(NODES))
    made.add_pods(frame(BOUND))
    return made


def test_nodes_and_pods_go_in(frame: Callable[[Any], Any]) -> None:
    made = engine(frame)
    assert made.utilisation()["cpu"] == {"allocatable": 12000, "requested": 6000}
    assert made.decide(WIDE).node == "a"


def test_decisions_and_explanations_come_out(frame: Callable[[Any], Any]) -> None:
    made = engine(frame)
    explained = made.explain(WIDE)
    decisions = made.schedule([WIDE])
    assert pa.table(decisions).column("node").to_pylist() == ["a"]
    assert pa.table(frame(decisions)).column("node").to_pylist() == ["a"]
    assert pa.table(frame(explained)).column("node").to_pylist() == explained.to_arrow()["node"].to_pylist()


def test_a_table_is_placed(frame: Callable[[Any], Any]) -> None:
    made = engine(frame)
    placed = made.place(frame({"name": ["p", "q", "r"], "requests/cpu": [3000, 3000, 1000]}))
    assert pa.table(frame(placed)).select(["pod", "node"]).to_pylist() == [
        {"pod": "p", "node": "a"},
        {"pod": "q", "node": None},
        {"pod": "r", "node": "b"},
    ]


@pytest.mark.parametrize("tainted", [False, True])
def test_the_node_table_comes_out_and_goes_in_again(frame: Callable[[Any], Any], tainted: bool) -> None:
    made = engine(frame)
    if tainted:
        taint = {"key": "gpu", "value": "yes", "effect": "NoSchedule"}
        made.set_node({"metadata": {"name": "t"}, "spec": {"taints": [taint]}})
    table = made.nodes()
    again = Engine()
    again.add_nodes(frame(table))
    wanted = ["name", "taints", "allocatable/cpu", "allocatable/pods", "label/zone"]
    assert again.nodes().select(wanted).to_pylist() == table.select(wanted).to_pylist()


def test_a_table_that_is_wrong_changes_nothing(frame: Callable[[Any], Any]) -> None:
    made = Engine()
    with pytest.raises(UsageError, match="allocatable/cpu"):
        made.add_nodes(frame({"name": ["a"], "allocatable/cpu": ["much"]}))
    assert made.nodes().num_rows == 0


@pytest.mark.parametrize("name", ["with_polars.py", "with_duckdb.py", "with_pandas.py"])
def test_the_example(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(EXAMPLES / name))
    assert capsys.readouterr().out.splitlines()[:1] == ["web-1 -> a"]
