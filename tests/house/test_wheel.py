"""What users get: the source distribution, the wheel built from it, and both used outside the checkout."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NATIVE = ROOT / "src/kschedcore/_native"

pytestmark = pytest.mark.wheel


def run(*command: object, cwd: Path) -> str:
    """Run a command to its end and return what it printed, all of it in the failure's message."""
    done = subprocess.run(
        [str(each) for each in command], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the source distribution of this checkout, and the wheel built from that."""
    out = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", out, ROOT, cwd=out)
    return out


@pytest.fixture(scope="module")
def wheel(dist: Path) -> Path:
    [found] = dist.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a fresh environment, outside the checkout, that has the wheel and what it asks for."""
    home = tmp_path_factory.mktemp("env")
    venv.create(home, with_pip=True)
    interpreter = home / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    run(interpreter, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wheel, cwd=home)
    return interpreter


def native(suffix: str) -> set[str]:
    return {path.relative_to(ROOT / "src").as_posix() for path in NATIVE.rglob(f"*{suffix}")}


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
        "kschedcore/cli/data/cluster.yaml",
        "kschedcore/cli/data/app.yaml",
    } <= names
    assert not [name for name in names if name.endswith(".c") or name.startswith("tests")]


def test_every_module_of_the_core_is_compiled_into_the_wheel(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as files:
        compiled = {name.partition(".")[0] for name in files.namelist() if name.endswith((".so", ".pyd"))}
    assert {each.removesuffix(".pyx") for each in native(".pyx")} <= compiled


def test_the_installed_package_is_used_outside_the_checkout(python: Path, tmp_path: Path) -> None:
    script = "import kschedcore; print(kschedcore.__file__, kschedcore.__version__)"
    printed = run(python, "-c", script, cwd=tmp_path)
    assert str(ROOT) not in printed


def test_the_installed_command_runs(python: Path, tmp_path: Path) -> None:
    command = python.with_name("kschedcore")
    assert run(command, "--version", cwd=tmp_path).startswith("kschedcore ")
    run(command, "demo", "--save", tmp_path / "shop", cwd=tmp_path)
    printed = json.loads(run(command, "schedule", "-f", tmp_path / "shop", "-o", "json", cwd=tmp_path))
    assert printed["kind"] == "ScheduleResult"
    assert {each["node"] for each in printed["decisions"]} > {None}


def test_the_demo_prints_the_same_everywhere(python: Path, tmp_path: Path) -> None:
    here = run(sys.executable, "-m", "kschedcore", "demo", cwd=ROOT)
    assert run(python.with_name("kschedcore"), "demo", cwd=tmp_path) == here
