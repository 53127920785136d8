"""Selectors, each as small as it can be: their answers, and the words of their errors."""

from typing import Any

import pytest
from tests.model.cel import SelectorError, device_matches

Json = dict[str, Any]

DRIVER = "gpu.example.com"
DEVICE: Json = {
    "attributes": {
        "model": {"string": "a100"},
        "memory": {"int": 80},
        "nvlink": {"bool": True},
        "driverVersion": {"version": "1.10.3"},
        "beta": {"version": "2.0.0-rc.1"},
        "other.example.com/rack": {"string": "r1"},
    },
    "capacity": {"memory": {"value": "80Gi"}, "cores": {"value": "1500m"}},
    "allowMultipleAllocations": True,
}
OWN = 'device.attributes["gpu.example.com"]'
MEMORY = 'device.capacity["gpu.example.com"].memory'


def matches(expression: str, device: Json = DEVICE) -> bool:
    return device_matches(expression, DRIVER, device, shared_devices=True)


@pytest.mark.parametrize(
    "expression",
    [
        'device.driver == "gpu.example.com"',
        f'{OWN}.model == "a100" && {OWN}.memory >= 80',
        f'{OWN}["model"] in ["a100", "h100"]',
        f'!({OWN}.model in ["l4"])',
        f'{OWN}.model.startsWith("a") && {OWN}.model.endsWith("00") && {OWN}.model.contains("10")',
        f'{OWN}.model.matches("^[ah]1")',
        f"size({OWN}.model) == 4 && {OWN}.model.size() == 4",
        f"{OWN}.nvlink",
        f"{OWN}.?nvlink.orValue(false)",
        f"{OWN}.?absent.orValue(true)",
        f'{OWN}[?"absent"].hasValue() == false',
        f"!has({OWN}.absent) && has({OWN}.model)",
        'has(device.attributes["other.example.com"].rack)',
        '"rack" in device.attributes["other.example.com"]',
        '!("unknown.example.com" in device.attributes)',
        'size(device.attributes["unknown.example.com"]) == 0',
        f'{OWN}.driverVersion.isGreaterThan(semver("1.9.0"))',
        f'{OWN}.driverVersion.compareTo(semver("2.0.0")) < 0 && {OWN}.driverVersion.minor() == 10',
        f'{OWN}.beta.isLessThan(semver("2.0.0")) && {OWN}.beta.isGreaterThan(semver("2.0.0-beta"))',
        'semver("v1.2", true) == semver("1.2.0") && isSemver("01.2.3", true) && !isSemver("01.2.3")',
        f'{MEMORY}.compareTo(quantity("80Gi")) == 0 && {MEMORY}.isGreaterThan(quantity("79Gi"))',
        f'{MEMORY} == quantity("81920Mi") && isQuantity("1k") && !isQuantity("1x")',
        f'{MEMORY}.add(quantity("1Gi")).isGreaterThan({MEMORY}) && {MEMORY}.sign() == 1',
        'device.capacity["gpu.example.com"].cores.isInteger() == false',
        f'cel.bind(a, {OWN}, a.model != "l4" && a.memory % 3 == 2)',
        "device.allowMultipleAllocations == true",
        f'[1, 2, 3].exists(x, x > 2) && [1, 2].all(x, x < 3) && {OWN}.exists_one(k, k == "model")',
        "[3, 1].map(x, x * 2) == [6, 2] && [1, 2].filter(x, x > 1) == [2]",
        'sets.contains(["a", "b"], ["a"]) && "A-b".lowerAscii().split("-").join("+") == "a+b"',
        "7 / 2 == 3 && -7 / 2 == -3 && -7 % 2 == -1 && 7.0 / 2.0 == 3.5 && 1 == 1.0",
        'int("12") + 1 == 13 && string(3) == "3" && double(2) == 2.0',
        f'{OWN}.model == "l4" ? false : true',
        'r"\\d" == "\\\\d" && "\\u0041" == "A"',
    ],
)
def test_what_a_device_satisfies(expression: str) -> None:
    assert matches(expression)


@pytest.mark.parametrize(
    "expression",
    [
        f"{OWN}.absent == 1 && false",
        f"false && {OWN}.absent == 1",
        f'{OWN}.model == 3 || {OWN}.memory == "80"',
        f"{OWN}.driverVersion == 3",
        f"[1].exists(x, x > {OWN}.memory)",
    ],
)
def test_what_a_device_does_not_satisfy(expression: str) -> None:
    assert not matches(expression)


@pytest.mark.parametrize("expression", [f"true || {OWN}.absent", f"{OWN}.absent || true"])
def test_one_true_side_of_an_or_is_enough(expression: str) -> None:
    assert matches(expression)


@pytest.mark.parametrize(
    ("expression", "error"),
    [
        (f"{OWN}.absent == 1", "no such key: absent"),
        (f"{OWN}.absent == 1 || false", "no such key: absent"),
        ('device.attributes["none.example.com"].x == "y"', "no such key: x"),
        (f"{OWN}.model > 3", "no such overload"),
        (f"{OWN}.memory && true", "no such overload"),
        (f"[1][{OWN}.memory] == 1", "index out of bounds: 80"),
        (f"{OWN}.memory / ({OWN}.memory - 80) == 1", "division by zero"),
        (f"{OWN}.memory % ({OWN}.memory - 80) == 1", "modulus by zero"),
        (f"{OWN}.memory + 9223372036854775807 > 0", "integer overflow"),
        (f"semver({OWN}.model) == {OWN}.driverVersion", "No Major.Minor.Patch elements found"),
        (
            f"{OWN}.model",
            "CEL result of type string could not be converted to bool: "
            "unsupported native conversion from string to 'bool'",
        ),
    ],
)
def test_errors_while_a_selector_runs(expression: str, error: str) -> None:
    with pytest.raises(SelectorError) as raised:
        matches(expression)
    assert str(raised.value) == f"CEL runtime error: {error}"


@pytest.mark.parametrize(
    ("expression", "error"),
    [
        (
            "foo == 1",
            "compilation failed: ERROR: <input>:1:1: undeclared reference to 'foo' (in container '')\n"
            " | foo == 1\n"
            " | ^",
        ),
        (
            "true &&\ndevice.colour",
            "compilation failed: ERROR: <input>:2:7: undefined field 'colour'\n | device.colour\n | ......^",
        ),
        ("1 + 2", "must evaluate to bool or the unknown type, not int"),
        ("device.driver", "must evaluate to bool or the unknown type, not string"),
        (MEMORY, "must evaluate to bool or the unknown type, not kubernetes.Quantity"),
    ],
)
def test_errors_before_a_selector_runs(expression: str, error: str) -> None:
    with pytest.raises(SelectorError) as raised:
        matches(expression)
    assert str(raised.value) == f"CEL compile error: {error}"


@pytest.mark.parametrize("expression", ["", "1 +", "f(", '"open', "a b", "@"])
def test_what_is_no_expression(expression: str) -> None:
    with pytest.raises(SelectorError, match="CEL compile error: compilation failed: ERROR: <input>:1:"):
        matches(expression)


def test_a_device_without_sharing_has_no_such_field() -> None:
    with pytest.raises(SelectorError, match="undefined field 'allowMultipleAllocations'"):
        device_matches("device.allowMultipleAllocations", DRIVER, DEVICE, shared_devices=False)


@pytest.mark.parametrize(
    ("attribute", "error"),
    [
        ({}, "attribute a: unsupported attribute value"),
        ({"version": "1.2"}, "attribute a: parse semantic version: No Major.Minor.Patch elements found"),
    ],
)
def test_attributes_without_a_value(attribute: Json, error: str) -> None:
    with pytest.raises(SelectorError) as raised:
        matches("true", {"attributes": {"a": attribute}})
    assert str(raised.value) == f"CEL runtime error: {error}"
