"""Shell completion: the scripts, and what they complete."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.conftest import Run

SHELLS = ("bash", "zsh", "fish")


@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_calls_the_program(command: Run, shell: str) -> None:
    result = command(f"completion {shell}")
    assert (result.status, result.err) == (0, "")
    assert f"_KSCHEDCORE_COMPLETE=complete_{shell}" in result.out


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_reads_its_script(command: Run, shell: str) -> None:
    found = shutil.which(shell)
    if found is None:
        pytest.skip(f"there is no {shell}")
    script = command(f"completion {shell}").out
    done = subprocess.run([found, "-n"], input=script, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_another_shell_is_refused(command: Run) -> None:
    result = command("completion tcsh")
    assert result.status == 2
    assert result.err.startswith("error: Invalid value for 'SHELL'")


class TestBash:
    """A real bash completes a line by the script."""

    def complete(self, line: str, folder: Path) -> list[str]:
        words = line.split(" ")
        program = folder / "bin" / "kschedcore"
        program.parent.mkdir()
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m kschedcore "$@"\n')
        program.chmod(0o755)
        script = (
            "source <(kschedcore completion bash)\n"
            f"COMP_WORDS=({' '.join(words[:-1])} '{words[-1]}'); COMP_CWORD={len(words) - 1}\n"
            '_kschedcore_completion kschedcore; printf "%s\\n" "${COMPREPLY[@]}"'
        )
        done = subprocess.run(
            ["bash", "-c", script],
            env={**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stderr == ""
        return done.stdout.split()

    @pytest.mark.parametrize(
        ("line", "completions"),
        [
            ("kschedcore sche", ["schedule", "schema"]),
            ("kschedcore fit --no-h", ["--no-headers"]),
            ("kschedcore diff -o ", ["table", "json", "csv"]),
            ("kschedcore fit -f ", []),
        ],
    )
    def test_completions(self, line: str, completions: list[str], tmp_path: Path) -> None:
        assert self.complete(line, tmp_path) == completions
