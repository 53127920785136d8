"""The JSON schemas of documents: what commands print is what they say, field by field."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from tests.cli.conftest import Run
from tests.cli.test_what_if import deployment, node, running

from kschedcore.cli.schema import DOCUMENTS, schema_of

RECORDINGS = Path(__file__).parents[1] / "conformance" / "data" / "v1.36" / "gates.jsonl.gz"

GPU_CLAIM = """
apiVersion: resource.k8s.io/v1
kind: ResourceClaim
metadata: {name: gpu}
spec: {devices: {requests: [{name: r, exactly: {deviceClassName: none}}]}}
---
apiVersion: v1
kind: Pod
metadata: {name: device}
spec:
  resourceClaims: [{name: gpu, resourceClaimName: gpu}]
  containers: [{name: c, image: i, resources: {claims: [{name: gpu}]}}]
"""

LIMITS = """
apiVersion: v1
kind: LimitRange
metadata: {name: limits, namespace: default}
spec: {limits: [{type: Container, max: {cpu: 500m}}]}
"""


def closed(schema: Any) -> Any:
    """Return a schema that allows no field which it does not describe."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {
        key: {name: closed(each) for name, each in value.items()}
        if key in ("properties", "$defs")
        else closed(value)
        for key, value in schema.items()
    }
    return {"additionalProperties": False, **inner} if "properties" in schema else inner


def check(document: Any, kind: str) -> None:
    schema = schema_of(kind)
    assert document["kind"] == kind
    for each in (schema, closed(schema)):
        problems = [
            f"{error.json_path}: {error.message}"
            for error in Draft202012Validator(each).iter_errors(document)
        ]
        assert problems == []


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_a_schema_is_valid_and_versioned(kind: str) -> None:
    schema = schema_of(kind)
    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"https://kschedcore.dev/schemas/v1alpha1/{kind}.json"
    assert schema["properties"]["apiVersion"] == {"const": "kschedcore.dev/v1alpha1"}


@pytest.mark.parametrize(("kind", "name"), DOCUMENTS.items())
def test_a_schema_is_printed_by_kind_and_by_command(command: Run, kind: str, name: str) -> None:
    for argument in (kind, name):
        assert json.loads(command(f"schema {argument}").out) == schema_of(kind)


def test_the_list(command: Run) -> None:
    assert command("schema").lines[1] == [
        "ScheduleResult",
        "kschedcore.dev/v1alpha1",
        "kschedcore",
        "schedule",
    ]
    result = command("schema Pod")
    assert result.status == 2
    assert result.err.startswith(
        "error: schema 'Pod' not found; there are: ScheduleResult, Explanation, FitResult, "
    )


@pytest.mark.parametrize("output", ["json", "yaml"])
@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("schedule -f cluster.yaml -f app.yaml", "ScheduleResult"),
        ("fit -f cluster.yaml -f app.yaml", "FitResult"),
        ("explain web-0 -f cluster.yaml -f app.yaml", "Explanation"),
        ("explain report -f cluster.yaml -f app.yaml", "Explanation"),
        ("explain migrate -f cluster.yaml -f app.yaml", "Explanation"),
        ("top -f cluster.yaml", "TopResult"),
        ("top -f cluster.yaml --group-by node", "TopResult"),
        (f"conformance {RECORDINGS}", "ConformanceResult"),
    ],
)
def test_what_is_printed(command: Run, line: str, kind: str, output: str) -> None:
    check(yaml.safe_load(command(f"{line} -o {output}").out), kind)


@pytest.mark.parametrize(("name", "kind"), [("schedule", "ScheduleResult"), ("fit", "FitResult")])
def test_everything_that_a_decision_may_hold(command: Run, name: str, kind: str) -> None:
    """Preemption, refusals, devices and what is not considered."""
    urgent = deployment("urgent", 2)
    urgent["spec"]["template"]["spec"]["priorityClassName"] = "urgent"
    low = running("low", "a1")
    low["spec"]["containers"][0]["resources"]["requests"]["cpu"] = "4"
    priority = {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": "urgent"},
        "value": 9,
    }
    thing = {"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "t"}}
    objects = [node("a1"), low, urgent, priority, thing]
    Path("all.yaml").write_text("---\n".join(map(yaml.safe_dump, objects)))
    document = command(f"{name} -f all.yaml -o json").json()
    check(document, kind)
    assert document["evicted"]
    assert document["notConsidered"]
    Path("limits.yaml").write_text(LIMITS)
    document = command(f"{name} -f all.yaml -f limits.yaml -o json").json()
    check(document, kind)
    assert document["refused"]
    Path("device.yaml").write_text(GPU_CLAIM)
    check(command(f"{name} -f cluster.yaml -f device.yaml -o json").json(), kind)
    check(command("explain device -f cluster.yaml -f device.yaml -o json").json(), "Explanation")


def test_simulations(command: Run) -> None:
    assert (
        command("simulate -f cluster.yaml -f app.yaml --duration 30m -o parquet --output-dir one").status == 0
    )
    check(json.loads(Path("one/summary.json").read_text()), "SimulationSummary")
    check(command("simulate -f cluster.yaml -f app.yaml --duration 30m -o json").json(), "SimulationSummary")
    check(command("diff one one -o json").json(), "SimulationDifference")


def test_a_field_that_is_not_described_is_found_out(command: Run) -> None:
    document = command("top -f cluster.yaml -o json").json()
    document["groups"][0]["surprise"] = 1
    assert list(Draft202012Validator(schema_of("TopResult")).iter_errors(document)) == []
    assert list(Draft202012Validator(closed(schema_of("TopResult"))).iter_errors(document))
