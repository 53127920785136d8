"""``kschedcore conformance PATH…``: small recordings, replayed as a user would."""

from __future__ import annotations

import copy
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from tests import builders
from tests.builders import pod
from tests.cli.conftest import Run


def node(name: str, cpu: str) -> dict[str, Any]:
    return builders.node(name, cpu, memory="8Gi", pods=9)


BUSY = {"code": "Unschedulable", "plugin": "NodeResourcesFit", "reasons": ["Insufficient cpu"]}

# On "a" a one-core pod leaves 1 of 2 cores and 7 of 8Gi: LeastAllocated (50 + 87) / 2, truncated. Balanced by
# the spread between a half and an eighth: (1 - 0.1875) * 100, which improves on 100 by 50 + (50 + 81 - 100) / 2. A
# node without taints: 100 * 3.
SCORES = {
    "DynamicResources": 0,
    "ImageLocality": 0,
    "NodeResourcesBalancedAllocation": 65,
    "NodeResourcesFit": 68,
    "TaintToleration": 300,
}

CASE: dict[str, Any] = {
    "id": "small-0001",
    "cluster": {"nodes": [node("a", "2"), node("b", "500m")]},
    "pending": [pod("first", "1"), pod("second", "1500m")],
    "expected": [
        {
            "pod": "default/first",
            "rejected": {"b": {**BUSY, "code": "UnschedulableAndUnresolvable"}},
            "feasible": ["a"],
            "scores": {"a": SCORES},
            "totals": {"a": sum(SCORES.values())},
            "best": ["a"],
            "chosen": "a",
        },
        {
            "pod": "default/second",
            "rejected": {"a": BUSY, "b": {**BUSY, "code": "UnschedulableAndUnresolvable"}},
        },
    ],
}
TRACE = {
    **CASE,
    "id": "a-trace",
    "expected": [
        {"pod": "default/first", "node": "a", "feasible": 1, "total": sum(SCORES.values()), "ties": 1},
        {
            "pod": "default/second",
            "node": "",
            "feasible": 0,
            "total": 0,
            "ties": 0,
            "reasons": {"Insufficient cpu": 2},
        },
    ],
}


def wrong(case: dict[str, Any], **changes: object) -> dict[str, Any]:
    changed = copy.deepcopy(case)
    changed["expected"][0].update(changes)
    return changed


def record(path: str, *cases: object) -> None:
    text = "\n".join(map(json.dumps, cases)).encode()
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_bytes(gzip.compress(text) if path.endswith(".gz") else text)


def test_what_agrees_passes(command: Run) -> None:
    record("in/small.jsonl.gz", CASE, CASE)
    record("in/run.json", TRACE)
    result = command("conformance in")
    assert (result.status, result.err) == (0, "")
    rows = {row[0]: row[1:3] for row in result.lines}
    assert rows == {"FAMILY": ["CASES", "STEPS"], "a-trace": ["1/1", "2/2"], "small": ["2/2", "4/4"]}
    assert all(row[3].endswith("s") for row in result.lines[1:])


def test_the_document_is_as_documented(command: Run) -> None:
    record("small.jsonl", CASE, wrong(CASE, chosen="b"))
    record("run.json.gz", TRACE)
    result = command("conformance small.jsonl run.json.gz -o json")
    assert result.status == 1
    assert result.json() == {
        "apiVersion": "kschedcore.dev/v1alpha1",
        "kind": "ConformanceResult",
        "partial": False,
        "families": {
            "small": {"cases": 2, "cases_passed": 1, "steps": 4, "steps_passed": 2},
            "a-trace": {"cases": 1, "cases_passed": 1, "steps": 2, "steps_passed": 2},
        },
    }


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"totals": {"a": 1}}, "totals.a: expected 1, found 433"),
        ({"feasible": ["a", "b"]}, "feasible: expected ['a', 'b'], found ['a']"),
        ({"scores": {"a": {**SCORES, "NodePorts": 1}}}, "scores.a.NodePorts: expected 1, found None"),
        ({"rejected": {}}, "rejected.b: expected None, found {'code': "),
        ({"best": []}, "best: expected [], found ['a']"),
        ({"nominated": "a"}, "nominated: expected 'a', found None"),
        ({"victims": ["default/x"]}, "victims: expected ['default/x'], found None"),
        (
            {"preFilter": {"code": "Unschedulable"}},
            "preFilter: expected {'code': 'Unschedulable'}, found None",
        ),
    ],
)
def test_every_key_of_a_step_is_compared(command: Run, changes: dict[str, Any], problem: str) -> None:
    record("small.jsonl", wrong(CASE, **changes))
    result = command("conformance small.jsonl")
    assert result.status == 1
    assert f"small-0001: step 1 (default/first): {problem}" in result.out


@pytest.mark.parametrize("key", ["feasible", "total", "ties"])
def test_every_key_of_a_trace_is_compared(command: Run, key: str) -> None:
    record("run.json", wrong(TRACE, **{key: 77}))
    result = command("conformance run.json")
    assert result.status == 1
    assert f"{key}: expected 77, found " in result.out


def test_the_recorded_node_counts_for_the_next_step(command: Run) -> None:
    elsewhere = wrong(TRACE, node="b")
    elsewhere["expected"][1] = {"pod": "default/second", "node": "a", "feasible": 1, "total": 0, "ties": 1}
    record("run.json", elsewhere)
    result = command("conformance run.json")
    assert "step 2 (default/second): total: expected 0" in result.out
    assert "step 2 (default/second): node" not in result.out


class TestVersions:
    """The recorded version is taken from a folder named after it."""

    def record_both(self) -> None:
        for version in ("v1.34", "v1.36"):
            Path(version).mkdir()
            record(f"{version}/small.jsonl", CASE)
        record("v1.36/other.jsonl", CASE)

    def test_the_table_names_the_version(self, command: Run) -> None:
        self.record_both()
        record("none.jsonl", CASE)
        result = command("conformance v1.34 v1.36/small.jsonl none.jsonl --min 0")
        assert [line[:2] for line in result.lines[:4]] == [
            ["VERSION", "FAMILY"],
            ["v1.34", "small"],
            ["v1.36", "small"],
            ["-", "none"],
        ]

    def test_families_of_several_versions_are_kept_apart(self, command: Run) -> None:
        self.record_both()
        families = command("conformance v1.34 v1.36 -o json --min 0").json()["families"]
        assert {name: each["version"] for name, each in families.items()} == {
            "v1.34/small": "1.34",
            "v1.36/small": "1.36",
            "other": "1.36",
        }

    def test_keys_of_a_later_version_are_not_compared(self, command: Run) -> None:
        """Recordings of v1.34 lack the message of PostFilter; those of v1.36 have it."""
        busy = {**BUSY, "code": "UnschedulableAndUnresolvable"}
        nowhere = {"pod": "default/first", "rejected": {"a": busy}}
        case = {
            "id": "huge",
            "cluster": {"nodes": [node("a", "1")]},
            "pending": [pod("first", "2")],
            "expected": [nowhere],
        }
        for version in ("v1.34", "v1.36"):
            Path(version).mkdir()
            record(f"{version}/small.jsonl", case)
        assert command("conformance v1.34").status == 0
        result = command("conformance v1.36")
        assert result.status == 1
        assert "postFilter: expected None, found " in result.out


def test_differences_are_bounded(command: Run) -> None:
    record("small.jsonl", *[wrong(CASE, best=["z"])] * 9)
    assert command("conformance small.jsonl").out.count("best: expected") == 5
    assert command("conformance small.jsonl --show 2").out.count("best: expected") == 2
    assert "First differences" not in command("conformance small.jsonl --show 0").out


@pytest.mark.parametrize(("rate", "status"), [("0.5", 0), ("50%", 0), ("0.51", 1), ("1", 1), ("0", 0)])
def test_a_rate_may_do(command: Run, rate: str, status: int) -> None:
    record("small.jsonl", CASE, wrong(CASE, best=["z"]))
    assert command(f"conformance small.jsonl --min {rate}").status == status


def test_a_case_that_cannot_be_replayed_fails_alone(command: Run) -> None:
    broken = {**CASE, "id": "small-0002", "cluster": {"nodes": [node("a", "two")]}}
    record("small.jsonl", broken, CASE)
    result = command("conformance small.jsonl")
    assert result.status == 1
    assert result.lines[1][:3] == ["small", "1/2", "2/4"]
    assert "small-0002: " in result.out


@pytest.mark.parametrize(
    ("cases", "message"),
    [
        ([{"id": "x"}], "error: odd.jsonl: document 1: not a known kind of case"),
        ([], "error: odd.jsonl: holds no cases"),
        ([7], "error: odd.jsonl: line 1: found int, expected a case"),
    ],
)
def test_what_is_no_recording_is_bad_input(command: Run, cases: list[object], message: str) -> None:
    record("odd.jsonl", *cases)
    result = command("conformance odd.jsonl")
    assert (result.status, result.out) == (2, "")
    assert result.err.startswith(message)


def test_recordings_break_ties_by_name(command: Run) -> None:
    record("run.json", TRACE)
    assert command("conformance --tie-break first run.json").status == 0
    assert command("conformance --tie-break random run.json").status == 2
