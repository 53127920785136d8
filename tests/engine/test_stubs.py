"""The type stubs of the compiled modules declare what the modules have (mypy's stubtest)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

NOT_COMPARED = (
    # Cython's ``__cinit__`` takes the arguments of a constructor, and leaves no signature behind.
    r"kschedcore\._native\..*\.__init__",
    # Names of types, which only stubs need.
    r"kschedcore\._native\..*\.(Claims|Hard|Requirements|Soft|Taint|Term|Toleration)",
)


def test_stubs_agree_with_the_compiled_modules(tmp_path: Path) -> None:
    allowed = tmp_path / "allowed"
    allowed.write_text("\n".join(NOT_COMPARED))
    command = [sys.executable, "-m", "mypy.stubtest", "kschedcore._native", "--concise"]
    options = ["--ignore-missing-stub", "--ignore-disjoint-bases", "--ignore-unused-allowlist"]
    found = subprocess.run(
        [*command, *options, "--allowlist", str(allowed), "--mypy-config-file", str(ROOT / "pyproject.toml")],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert found.returncode == 0, found.stdout + found.stderr
