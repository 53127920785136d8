"""Examples that are tests: rules hold on their manifests, and are found broken once those are changed."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest
from tests.testing.test_pytest_plugin import ROOT, pytest_run

pytest_plugins = ["pytester"]


@pytest.fixture
def rules(pytester: pytest.Pytester) -> pytest.Pytester:
    """A folder with a copy of the example."""
    shutil.copytree(ROOT / "examples/rules", pytester.path, dirs_exist_ok=True)
    return pytester


def test_the_rules_hold(rules: pytest.Pytester) -> None:
    pytest_run(rules, "-q").assert_outcomes(passed=10)


@pytest.mark.parametrize(
    ("file", "before", "after", "broken", "line"),
    [
        (
            "cluster.yaml",
            "spec: {taints: [{key: nvidia.com/gpu, value: present, effect: NoSchedule}]}",
            "spec: {}",
            "test_gpu_pods_are_on_tainted_nodes",
            "*2 of 2 pods on other nodes than they may be: nvidia.com/gpu:NoSchedule",
        ),
        (
            "app.yaml",
            'cpu: "1"',
            'cpu: "3"',
            "test_there_is_room_for_it_without_any_zone",
            "*after the loss of topology.kubernetes.io/zone=a: 2 of 6 pods without a node",
        ),
        (
            "quota.yaml",
            'pods: "11"',
            'pods: "8"',
            "test_the_new_quota_lets_everything_roll_out",
            "*FailedCreate: *Error creating: pods * is forbidden: exceeded quota: team, *",
        ),
    ],
    ids=["taint", "zones", "quota"],
)
def test_a_change_that_breaks_a_rule_is_found(
    rules: pytest.Pytester, file: str, before: str, after: str, broken: str, line: str
) -> None:
    path = rules.path / file
    assert before in path.read_text()
    path.write_text(path.read_text().replace(before, after))
    result = pytest_run(rules, "-q", "-k", broken)
    result.assert_outcomes(failed=1, deselected=9)
    result.stdout.fnmatch_lines([line])


def test_a_plugin_is_tested_from_the_checkout() -> None:
    """Under its own pytest, as it says; its property draws histories."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "examples/plugins"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "3 passed" in done.stdout
