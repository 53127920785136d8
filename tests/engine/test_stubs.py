"""The type stubs of the compiled modules declare what the modules have (mypy's stubtest)."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

PACKAGE = ROOT / "src/kschedcore"

CONSTRUCTORS = r"kschedcore\.(_native|capi)\..*\.__init__"
"""Cython's ``__cinit__`` takes the arguments of a constructor, and leaves no signature behind."""


def types_of_stubs_only() -> list[str]:
    """Return the names that only serve types: aliases, type variables and protocols."""
    found = []
    for stub in sorted(PACKAGE.rglob("*.pyi")):
        module = ".".join(stub.relative_to(PACKAGE.parent).with_suffix("").parts)
        for node in ast.parse(stub.read_text()).body:
            match node:
                case ast.AnnAssign(target=ast.Name(name), annotation=ast.Name("TypeAlias")):
                    found.append(f"{module}.{name}")
                case ast.Assign(
                    targets=[ast.Name(name)], value=ast.Call(func=ast.Name("TypeVar" | "ParamSpec"))
                ):
                    found.append(f"{module}.{name}")
                case ast.ClassDef(name=name, bases=[ast.Name("Protocol")]):
                    found.append(f"{module}.{name}")
    return found


def test_every_compiled_module_has_a_stub() -> None:
    compiled = {path.with_suffix("") for path in PACKAGE.rglob("*.pyx")}
    assert compiled == {path.with_suffix("") for path in PACKAGE.rglob("*.pyi")}


def test_stubs_agree_with_the_compiled_modules(tmp_path: Path) -> None:
    allowed = tmp_path / "allowed"
    allowed.write_text("\n".join([CONSTRUCTORS, *map(re.escape, types_of_stubs_only())]))
    command = [sys.executable, "-m", "mypy.stubtest", "kschedcore._native", "kschedcore.capi", "--concise"]
    options = ["--ignore-missing-stub", "--ignore-disjoint-bases", "--ignore-unused-allowlist"]
    found = subprocess.run(
        [*command, *options, "--allowlist", str(allowed), "--mypy-config-file", str(ROOT / "pyproject.toml")],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert found.returncode == 0, found.stdout + found.stderr
