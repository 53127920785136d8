"""The layers where import-linter cannot look: compiled modules and its own settings."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NATIVE = ROOT / "src/kschedcore/_native"
IMPORT = re.compile(r"^\s*(?:c?import\s+|from\s+)(kschedcore[.\w]*)", re.MULTILINE)

# The core works on numbers and must not import what reads manifests.
BELOW_NATIVE = ("kschedcore._native", "kschedcore.errors")


@pytest.mark.parametrize(
    "line", ["from kschedcore.api cimport x", "    import kschedcore.api.labels as labels"]
)
def test_the_pattern_finds_imports(line: str) -> None:
    assert [each.split(".")[1] for each in IMPORT.findall(line)] == ["api"]


def test_the_core_imports_nothing_from_above() -> None:
    sources = [path for kind in ("*.pyx", "*.pxd") for path in NATIVE.rglob(kind)]
    assert sources
    above = {
        f"{path.relative_to(ROOT)}: {module}"
        for path in sources
        for module in IMPORT.findall(path.read_text())
        if not module.startswith(BELOW_NATIVE)
    }
    assert not above


def test_every_package_has_a_layer() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]
    listed = {name.strip(" ()") for layer in settings["layers"] for name in layer.split(":")}
    packages = {
        path.stem if path.is_file() else path.name
        for path in (ROOT / "src/kschedcore").iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert packages - {"__init__"} <= listed


def test_no_flag_breaks_exact_arithmetic() -> None:
    build = (ROOT / "setup.py").read_text()
    assert "-ffp-contract=off" in build
    assert not re.search(r"fast-math|-Ofast|-mfma|unsafe-math|associative-math|-march", build)


def test_the_files_that_the_architecture_names_exist() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    named = set(re.findall(r"`((?:[a-z_]+/)+[\w.-]*)`", text))
    assert len(named) > 30
    assert not [path for path in named if not any((root / path).exists() for root in (ROOT, NATIVE.parent))]
