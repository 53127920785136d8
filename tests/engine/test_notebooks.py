"""Representations and tables for notebooks."""

from __future__ import annotations

import logging
from typing import Any

import pandas as pd
import polars as pl
from tests.builders import node, pod

import kschedcore as ks
from kschedcore.api.html import html_table
from kschedcore.planning.plan import plan


def scheduled() -> tuple[ks.Manifests, ks.Engine, ks.Decisions]:
    manifests = ks.Manifests.from_objects(
        [node("a"), pod("<p>"[1]), pod("big", cpu="9"), pod("on", nodeName="a")]
    )
    engine = ks.Engine(manifests)
    return manifests, engine, engine.schedule(manifests.pending)


def test_data_frames_have_the_columns_of_the_table() -> None:
    _, _, decisions = scheduled()
    table = decisions.to_arrow()
    frame = decisions.to_pandas()
    assert list(frame.columns) == table.column_names
    assert list(frame["pod"]) == ["p", "big"]
    frame = pd.DataFrame(decisions)
    assert list(frame["pod_name"]) == ["default/p", "default/big"]
    assert list(frame["node"].dropna()) == ["a"]
    assert {"feasible", "total", "ties", "victims", "message"} <= {*frame.columns}
    for frame in (pl.DataFrame(decisions), decisions.to_polars()):
        assert frame.columns == table.column_names
        assert frame["node"].to_list() == ["a", None]


def test_explanations_are_frames_as_well() -> None:
    _, engine, _ = scheduled()
    explanation = engine.explain(pod("q"))
    assert list(explanation.to_pandas().columns) == explanation.to_polars().columns


def test_pods_and_devices_of_an_engine_are_tables() -> None:
    _, engine, _ = scheduled()
    assert engine.pods().to_pylist() == [
        {"namespace": "default", "pod": name, "node": "a", "priority": 0, "cpu": 1000, "memory": 1 << 30}
        for name in ("on", "p")
    ]
    assert engine.devices().num_rows == 0


def test_everything_public_has_a_short_and_an_html_representation() -> None:
    manifests, engine, decisions = scheduled()
    with ks.Cluster.simulated(nodes=1) as cluster:
        explanation = engine.explain(pod("q"))
        shown: list[Any] = [manifests, engine, decisions, decisions[0], explanation, cluster]
        shown += [engine.capacity(pod("q")), decisions[1].diagnosis, plan(manifests, ks.Engine(manifests))]
        for each in shown:
            assert len(repr(each)) < 500
            assert each._repr_html_().startswith("<table>")


def test_html_is_escaped_and_short() -> None:
    text = html_table("<c>", ["h"], [["<b>"]] * 30)
    assert "<b>" not in text
    assert "&lt;b&gt;" in text
    assert "and 10 more" in text


def test_a_pod_of_a_cluster_by_its_name() -> None:
    with ks.Cluster.simulated(nodes=1) as cluster:
        cluster.apply(pod("web-0", namespace="default"))
        assert cluster.pod("default/web-0") is cluster.pod("web-0")


def test_pods_are_removed_as_they_are_added() -> None:
    _, engine, _ = scheduled()
    added = pod("more", nodeName="a")
    engine.add_pod(added)
    engine.remove_pod(added)
    assert engine.pods().num_rows == 2


def test_the_library_logs_nothing_by_itself() -> None:
    assert any(isinstance(each, logging.NullHandler) for each in logging.getLogger("kschedcore").handlers)
