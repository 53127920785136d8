from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from tests.cel.environments import DEVICE

from kschedcore.cel import CompileError, EvaluationError
from kschedcore.cel.devices import MAX_COST, Device, Selectors, compile_selector

RECORDED = Path(__file__).parent / "tables/recorded.json.gz"


@pytest.fixture(scope="module")
def recorded() -> dict[str, Any]:
    with gzip.open(RECORDED, "rt", encoding="utf-8") as file:
        found: dict[str, Any] = json.load(file)
    return found


def test_allocated_devices_match_their_selectors(recorded: dict[str, Any]) -> None:
    devices = [Device.of(driver, device) for driver, device in recorded["devices"]]
    selectors = Selectors()
    assert recorded["selected"]
    wrong = [
        (recorded["devices"][index], text)
        for index, text in recorded["selected"]
        if not selectors.get(text).matches(devices[index])
    ]
    assert not wrong


def test_selectors_fail_in_the_words_of_kube_scheduler(recorded: dict[str, Any]) -> None:
    devices = [Device.of(driver, device) for driver, device in recorded["devices"]]
    selectors = Selectors()
    assert recorded["failed"]
    for failure in recorded["failed"]:
        errors = set()
        for text in failure["selectors"]:
            for index in failure["devices"]:
                try:
                    selectors.get(text).matches(devices[index])
                except EvaluationError as error:
                    errors.add(str(error))
        assert failure["error"] in errors


def test_selectors_cost_little(recorded: dict[str, Any]) -> None:
    texts = {text for _, text in recorded["selected"]}
    assert all(compile_selector(text).max_cost < MAX_COST for text in texts)


def test_a_missing_domain_is_empty() -> None:
    assert compile_selector('device.attributes["none"].size() == 0').matches(DEVICE)
    assert not compile_selector('"none" in device.attributes').matches(DEVICE)
    with pytest.raises(EvaluationError, match=r"^no such key: x$"):
        compile_selector('device.attributes["none"].x').matches(DEVICE)


def test_a_boolean_attribute_selects_by_itself() -> None:
    assert compile_selector('device.attributes["gpu.example.com"].nvlink').matches(DEVICE)
    with pytest.raises(EvaluationError) as raised:
        compile_selector('device.attributes["gpu.example.com"].model').matches(DEVICE)
    assert str(raised.value) == (
        "CEL result of type string could not be converted to bool: "
        "unsupported native conversion from string to 'bool'"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("device.driver", "must evaluate to bool or the unknown type, not string"),
        ("1 + 1", "must evaluate to bool or the unknown type, not int"),
        (
            "foo",
            "compilation failed: ERROR: <input>:1:1: undeclared reference to 'foo' (in container '')\n | foo\n | ^",
        ),
        (
            "device.nope",
            "compilation failed: ERROR: <input>:1:7: undefined field 'nope'\n | device.nope\n | ......^",
        ),
        (
            'device.driver == "a" &&',
            "compilation failed: ERROR: <input>:1:24: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', "
            "'.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}\n"
            ' | device.driver == "a" &&\n | .......................^',
        ),
        ("int('x') == 1", "program instantiation failed: type conversion error from 'string' to 'int'"),
    ],
)
def test_what_is_no_selector(text: str, message: str) -> None:
    with pytest.raises(CompileError) as raised:
        compile_selector(text)
    assert str(raised.value) == message


def test_attributes_without_a_value_are_refused() -> None:
    with pytest.raises(EvaluationError, match=r"^attribute a: unsupported attribute value$"):
        Device.of("d", {"attributes": {"a": {}}})
    with pytest.raises(EvaluationError, match=r"^attribute v: parse semantic version: "):
        Device.of("d", {"attributes": {"v": {"version": "1"}}})


def test_includes_looks_into_values() -> None:
    text = 'device.attributes["gpu.example.com"].model.includes("a100")'
    assert compile_selector(text).matches(DEVICE)
    assert not compile_selector(text.replace("a100", "h100")).matches(DEVICE)


def test_the_cache_keeps_what_was_used_last() -> None:
    compiled: list[str] = []

    def compiler(text: str) -> Any:
        compiled.append(text)
        return compile_selector(text)

    selectors = Selectors(2, compiler)
    for text in ("true", "false", "true", "1 == 1", "true", "false"):
        selectors.get(text)
    assert compiled == ["true", "false", "1 == 1", "false"]
    assert len(selectors) == 2


@pytest.mark.parametrize(
    ("text", "results"),
    [
        ('device.driver == "a"', [True, False, True]),
        ('device . driver.startsWith("a")', [True, False, True]),
        ("device.allowMultipleAllocations", [False, False, True]),
        ('device.driver == "a" && !device.allowMultipleAllocations', [True, False, False]),
        ('[device].exists(d, d.driver == "a" && d.allowMultipleAllocations)', [False, False, True]),
        ('cel.bind(d, device, d.driver == "b" || d.allowMultipleAllocations)', [False, True, True]),
    ],
)
def test_results_are_shared_only_among_devices_that_the_selector_cannot_distinguish(
    text: str, results: list[bool]
) -> None:
    devices = [
        Device.of("a", {"name": "x"}),
        Device.of("b", {"name": "x"}),
        Device.of("a", {"name": "y", "allowMultipleAllocations": True}),
    ]
    selector = compile_selector(text)
    for _ in range(2):
        assert [selector.matches(each) for each in devices] == results
