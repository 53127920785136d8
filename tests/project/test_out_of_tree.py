"""The compiled plugin and the C program of ``bindings/``, built against the wheel outside the checkout."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.project.environments import ROOT, run

pytestmark = pytest.mark.wheel


@pytest.fixture(scope="module")
def package(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of bindings/cython, built and installed with what a user has."""
    copy = shutil.copytree(ROOT / "bindings/cython", tmp_path_factory.mktemp("cython") / "package")
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run(*install, "setuptools>=77", "cython>=3.1,<4", "hypothesis", "pytest", cwd=copy)
    run(*install, "--no-build-isolation", ".", cwd=copy)
    return copy


def test_a_compiled_plugin_decides_as_declared(python: Path, package: Path) -> None:
    printed = run(python, "-m", "pytest", "-q", "tests", cwd=package)
    assert "3 passed" in printed


def test_a_c_program_builds_against_the_wheel(python: Path, tmp_path: Path) -> None:
    printed = run(
        "make", "-s", "-C", ROOT / "bindings/c", f"BUILD={tmp_path}", f"PYTHON={python}", "run", cwd=tmp_path
    )
    assert printed.startswith("web-0 -> big\n")
