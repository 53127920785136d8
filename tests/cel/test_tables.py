from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.cel.environments import BINDINGS, DEVICE, ENVIRONMENT, shown

from kschedcore.cel import CelError, CompileError, Environment, EvaluationError
from kschedcore.cel.devices import device_environment
from kschedcore.cel.values import Value

TABLES = sorted((Path(__file__).parent / "tables").glob("*.jsonl"))
LIMIT = 1_000_000


def _rows(table: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for line in table.read_text(encoding="utf-8").splitlines():
        expression, expected = json.loads(line)
        yield expression, expected


def _outcome(environment: Environment, bindings: Mapping[str, Value], text: str) -> dict[str, Any]:
    try:
        program = environment.compile(text)
    except CompileError as error:
        return {"compile": str(error)}
    found: dict[str, Any] = {"type": str(program.type), "estimate": list(program.cost_estimate)}
    try:
        value, cost = program.measured(bindings, LIMIT)
        found |= {"value": shown(value), "cost": cost}
    except CelError as error:
        found["error"] = str(error)
    return found


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.stem)
def test_expressions_have_the_results_of_kubernetes(table: Path) -> None:
    is_device = table.stem == "devices"
    environment = device_environment() if is_device else ENVIRONMENT
    bindings = DEVICE.bindings if is_device else BINDINGS
    expected = dict(_rows(table))
    assert {text: _outcome(environment, bindings, text) for text in expected} == expected


@pytest.mark.parametrize(
    "table", [each for each in TABLES if each.stem != "devices"], ids=lambda table: table.stem
)
def test_not_counting_the_cost_changes_nothing(table: Path) -> None:
    for text, expected in _rows(table):
        if "compile" in expected:
            continue
        program = ENVIRONMENT.compile(text)
        if "error" in expected:
            with pytest.raises(EvaluationError) as raised:
                program.evaluate(BINDINGS)
            assert str(raised.value) == expected["error"]
        else:
            assert shown(program.evaluate(BINDINGS)) == expected["value"], text


def test_every_topic_has_rows() -> None:
    assert all(sum(1 for _ in _rows(table)) for table in TABLES)
    assert len(TABLES) > 10
