"""Fixtures of the distribution tests: the built distributions, and an environment with the wheel installed."""

from __future__ import annotations

import sys
import venv
from pathlib import Path

import pytest
from tests.project.environments import ROOT, run


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the source distribution of this checkout, and the wheel built from that in a clean environment."""
    out = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--outdir", out, ROOT, cwd=out)
    return out


@pytest.fixture(scope="session")
def wheel(dist: Path) -> Path:
    [found] = dist.glob("*.whl")
    return found


@pytest.fixture(scope="session")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a fresh environment, outside the checkout, with the wheel and its dependencies."""
    home = tmp_path_factory.mktemp("env")
    venv.create(home, with_pip=True)
    interpreter = home / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    run(interpreter, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wheel, cwd=home)
    return interpreter
