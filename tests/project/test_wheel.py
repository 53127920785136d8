"""The source distribution, the wheel built from it, and their use outside the checkout."""

from __future__ import annotations

import json
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from tests.project.environments import ROOT, run

import kschedcore

PACKAGE = ROOT / "src/kschedcore"

pytestmark = pytest.mark.wheel


def native(suffix: str) -> set[str]:
    return {path.relative_to(ROOT / "src").as_posix() for path in PACKAGE.rglob(f"*{suffix}")}


def test_the_source_distribution_holds_what_building_needs(dist: Path) -> None:
    [archive] = dist.glob("*.tar.gz")
    with tarfile.open(archive) as files:
        names = {name.partition("/")[2] for name in files.getnames()}
    assert {"pyproject.toml", "setup.py", "README.md", "LICENSE", "CHANGELOG.md"} <= names
    sources = native(".pyx") | native(".pxd") | native(".pyi") | native(".h")
    assert {f"src/{each}" for each in sources} <= names
    assert not [name for name in names if name.endswith((".c", ".so"))]


def test_the_wheel_holds_declarations_stubs_and_data(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as files:
        names = set(files.namelist())
    assert native(".pxd") | native(".pyi") | native(".h") <= names
    assert {
        "kschedcore/py.typed",
        "kschedcore/include/kschedcore.h",
        "kschedcore/cli/data/cluster.yaml",
        "kschedcore/cli/data/app.yaml",
        "kschedcore/cli/schemas/v1alpha1/FitResult.json",
    } <= names
    assert not [name for name in names if name.endswith(".c") or name.startswith("tests")]


def test_every_compiled_module_is_in_the_wheel(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as files:
        compiled = {name.partition(".")[0] for name in files.namelist() if name.endswith((".so", ".pyd"))}
    assert {each.removesuffix(".pyx") for each in native(".pyx")} <= compiled


def test_the_installed_package_is_used_outside_the_checkout(python: Path, tmp_path: Path) -> None:
    script = "import kschedcore; print(kschedcore.__file__, kschedcore.__version__)"
    printed = run(python, "-c", script, cwd=tmp_path)
    assert str(ROOT) not in printed


def test_the_version_is_defined_in_one_place(python: Path, tmp_path: Path) -> None:
    script = "from importlib.metadata import version; print(version('kschedcore'))"
    assert run(python, "-c", script, cwd=tmp_path).strip() == kschedcore.__version__


def test_the_installed_command_runs(python: Path, tmp_path: Path) -> None:
    command = python.with_name("kschedcore")
    assert run(command, "--version", cwd=tmp_path).startswith("kschedcore ")
    run(command, "demo", "--save", tmp_path / "shop", cwd=tmp_path)
    printed = json.loads(run(command, "schedule", "-f", tmp_path / "shop", "-o", "json", cwd=tmp_path))
    assert printed["kind"] == "ScheduleResult"
    assert {each["node"] for each in printed["decisions"]} > {None}


def test_the_extra_for_testing_brings_the_pytest_plugin(python: Path, wheel: Path, tmp_path: Path) -> None:
    run(
        python,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        f"{wheel}[testing]",
        cwd=tmp_path,
    )
    rule = tmp_path / "test_rule.py"
    rule.write_text(
        "from kschedcore.testing import assert_fits\n\n"
        "def test_nodes_are_loaded(engine):\n"
        "    assert engine.nodes().num_rows == 3\n"
    )
    printed = run(python, "-m", "pytest", rule, "--kschedcore-seed=7", cwd=tmp_path)
    assert "kschedcore: --kschedcore-seed=7" in printed
    assert "1 passed" in printed


def test_the_demo_prints_the_same_everywhere(python: Path, tmp_path: Path) -> None:
    here = run(sys.executable, "-m", "kschedcore", "demo", cwd=ROOT)
    assert run(python.with_name("kschedcore"), "demo", cwd=tmp_path) == here
