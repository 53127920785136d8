"""The plugin as a user's pytest runs it: a process of its own, in a folder of its own."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import tomllib
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from tests.testing.shop import DATA

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parents[2]
MODULE = "kschedcore.testing.pytest_plugin"


def pytest_run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """Run pytest; the plugin is named where this checkout's entry points are not installed."""
    installed = any(each.value == MODULE for each in entry_points(group="pytest11"))
    return pytester.runpytest_subprocess(*([] if installed else ["-p", MODULE]), *arguments)


def test_the_entry_point_is_the_plugin() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["pytest11"] == {"kschedcore": MODULE}


@pytest.mark.parametrize("module", ["kschedcore", "kschedcore.cluster", "kschedcore.testing.assertions"])
def test_the_package_imports_no_test_library(module: str) -> None:
    script = f"import sys, {module}; print({{'pytest', 'hypothesis'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_the_plugin_imports_nothing_heavy() -> None:
    script = (
        f"import sys, {MODULE}; print({{'numpy', 'pyarrow', 'hypothesis', 'msgspec'}} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


FIXTURES = """
import pytest

def test_plain_nodes(cluster, engine):
    assert [node["metadata"]["name"] for node in cluster.list("nodes")] == ["node-1", "node-2", "node-3"]
    cluster.create_deployment("web", image="nginx", replicas=3)
    cluster.run_until_settled()
    assert len(cluster.list("pods")) == 3
    assert engine.nodes().num_rows == 3

def test_every_test_has_its_own(cluster):
    assert cluster.list("pods") == []

@pytest.mark.kschedcore(nodes=5)
def test_so_many(cluster, engine):
    assert len(cluster.list("nodes")) == engine.nodes().num_rows == 5

@pytest.mark.kschedcore("cluster.yaml", "app.yaml", nodes=1)
def test_files_beside_the_test(cluster, engine):
    assert engine.nodes().num_rows == 7
    assert cluster.get("deployment/web", namespace="shop")["spec"]["replicas"] == 4

@pytest.mark.kschedcore({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "only"},
                         "status": {"allocatable": {"cpu": "1", "pods": "9"}}})
def test_objects(engine):
    assert engine.nodes()["name"].to_pylist() == ["only"]

CONFIG = {"apiVersion": "kubescheduler.config.k8s.io/v1", "kind": "KubeSchedulerConfiguration",
          "profiles": [{"schedulerName": "own"}]}

@pytest.mark.kschedcore(CONFIG, nodes=1)
def test_a_configuration_is_followed(cluster, engine):
    assert engine.scheduler_names == {"own"}
    assert cluster.config == CONFIG
    assert len(cluster.list("nodes")) == 1

@pytest.fixture
def kschedcore_manifests():
    from kschedcore.testing.sources import manifests_of
    return manifests_of("sub/cluster.yaml")

def test_overridden(engine):
    assert engine.nodes().num_rows == 6
"""


def test_fixtures_start_with_the_objects_of_the_marker(pytester: pytest.Pytester) -> None:
    for folder in (pytester.path, pytester.mkdir("sub")):
        for name in ("cluster.yaml", "app.yaml"):
            (folder / name).write_bytes((DATA / name).read_bytes())
    common, _, overridden = FIXTURES.partition("@pytest.fixture\n")
    pytester.makepyfile(test_marked=common, test_overridden=f"import pytest\n@pytest.fixture\n{overridden}")
    result = pytest_run(pytester, "--strict-markers", "-q")
    result.assert_outcomes(passed=7)


SEEDED = """
import pytest

@pytest.mark.parametrize("time", [1, 2])
def test_draws(time, cluster, engine, kschedcore_seed):
    cluster.create_deployment("web", image="nginx", replicas=4)
    cluster.run_until_settled()
    containers = [{"name": "c", "image": "i"}]
    pods = [{"metadata": {"name": f"p{n}"}, "spec": {"containers": containers}} for n in range(6)]
    nodes = [decision.node for decision in engine.schedule(pods)]
    names = [pod["metadata"]["name"] for pod in cluster.list("pods")]
    print(f"<{kschedcore_seed} {nodes} {names}>")
"""


def test_a_seed_decides_what_is_drawn(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(SEEDED)

    def drawn(seed: int | None) -> str:
        option = [] if seed is None else [f"--kschedcore-seed={seed}"]
        result = pytest_run(pytester, "-s", *option)
        result.assert_outcomes(passed=2)
        first, second = re.findall(r"<(.*)>", result.stdout.str())
        assert first == second
        assert (f"kschedcore: --kschedcore-seed={seed}" in result.stdout.str()) == (seed is not None)
        return str(first)

    plain, seven = drawn(None), drawn(7)
    assert plain.startswith("None ['node-1', 'node-2', 'node-3', ")
    assert seven.startswith("7 [")
    assert seven.removeprefix("7") != plain.removeprefix("None")


BROKEN = """
from kschedcore.testing import assert_all_placed, assert_fits, place

def test_shop():
    assert_all_placed(place("cluster.yaml", "app.yaml"))

def test_other():
    assert 1 == 2
"""


def reproduced(result: pytest.RunResult, pytester: pytest.Pytester) -> str:
    """Run the command that a failure printed; return its output."""
    [command] = re.findall(r"^kschedcore explain .*$", result.stdout.str(), re.MULTILINE)
    script = "from kschedcore.cli import main; main()"
    done = pytester.run(sys.executable, "-c", script, *shlex.split(command)[1:])
    assert done.ret == 0
    return str(done.stdout)


@pytest.fixture
def shop_beside(pytester: pytest.Pytester) -> None:
    for name in ("cluster.yaml", "app.yaml"):
        (pytester.path / name).write_bytes((DATA / name).read_bytes())


@pytest.mark.usefixtures("shop_beside")
def test_a_broken_rule_leaves_a_manifest_that_explain_reproduces_it_with(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(BROKEN)
    result = pytest_run(pytester)
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        [
            "*4 of 16 pods without a node",
            "*shop/report has no node",
            "*- kschedcore -*",
            "kschedcore explain shop/report -f *.pytest_cache*.json",
        ]
    )
    assert "shop/report: 0/6 nodes are available: " in reproduced(result, pytester)


@pytest.mark.usefixtures("shop_beside")
@pytest.mark.parametrize("options", [["--kschedcore-manifests=out/broken"], ["-p", "no:cacheprovider"]])
def test_manifests_are_written_to_a_given_or_temporary_folder(
    pytester: pytest.Pytester, options: list[str]
) -> None:
    pytester.makepyfile(BROKEN)
    result = pytest_run(pytester, "-k", "shop", *options)
    assert "shop/report: 0/6 nodes are available: " in reproduced(result, pytester)
    if "out" in options[0]:
        [path] = (pytester.path / "out/broken").iterdir()
        assert json.loads(path.read_text())["kind"] == "List"


HYPOTHESIS = """
from hypothesis import Phase, given, settings
from kschedcore.testing import assert_fits
from kschedcore.testing.strategies import nodes, pods

@settings(derandomize=True, database=None, deadline=None, phases=[Phase.generate, Phase.shrink])
@given(nodes(), pods(namespaces=["default"], features=["tolerations"]))
def test_every_pod_fits(node, pod):
    assert_fits(pod, node)
"""


def test_of_a_failing_property_the_smallest_case_is_kept(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(HYPOTHESIS)
    result = pytest_run(pytester, "--kschedcore-manifests=.")
    result.assert_outcomes(failed=1)
    assert "default/pod-0: 0/1 nodes are available: " in reproduced(result, pytester)
    [path] = pytester.path.glob("*.json")
    items = json.loads(path.read_text())["items"]
    assert sorted(item["kind"] for item in items) == ["Node", "Pod"]
