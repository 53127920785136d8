"""``--kubernetes`` and ``--feature-gates``."""

from __future__ import annotations

import pytest
from tests.cli.conftest import Run

ALL = "schedule -f cluster.yaml -f app.yaml"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ("", "untolerated taint(s)"),
        ("--kubernetes 1.36", "taint(s)"),
        ("--kubernetes 1.34", "untolerated taint {"),
    ],
)
def test_the_version_decides_the_words(command: Run, arguments: str, reason: str) -> None:
    assert reason in command(f"{ALL} {arguments}").out


def test_feature_gates_are_switched(command: Run) -> None:
    without = command(f"{ALL} --kubernetes 1.34 --feature-gates DynamicResourceAllocation=false").out
    assert "no new claims to deallocate" not in without
    assert "no new claims to deallocate" in command(ALL).out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--kubernetes 1.99", "--kubernetes: kubernetes is '1.99'; expected 1.34 or 1.36"),
        ("--feature-gates Foo=true", "--feature-gates: unrecognized feature gate: Foo"),
        ("--feature-gates Foo", "--feature-gates: missing bool value for Foo"),
        ("--feature-gates DRAAdminAccess=on", "--feature-gates: invalid value of DRAAdminAccess=on"),
    ],
)
def test_mistakes_name_the_option(command: Run, arguments: str, message: str) -> None:
    result = command(f"{ALL} {arguments}")
    assert result.status == 2
    assert message in result.err
