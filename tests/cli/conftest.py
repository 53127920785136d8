"""Running the command line as a user types it, inside this process."""

from __future__ import annotations

import io
import json
import os
import shlex
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import kschedcore.cli
from kschedcore.cli import run

DATA = Path(kschedcore.cli.__file__).parent / "data"


@dataclass(frozen=True)
class Result:
    """The result of one command line."""

    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[list[str]]:
        """The printed lines, each split at blanks."""
        return [line.split() for line in self.out.splitlines()]

    def json(self) -> dict[str, Any]:
        """The printed document."""
        parsed = json.loads(self.out)
        assert isinstance(parsed, dict)
        return parsed


Run = Callable[..., Result]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run a command line in an empty folder that has the demo's manifests as cluster.yaml and app.yaml."""
    for name in ("cluster.yaml", "app.yaml"):
        (tmp_path / name).write_bytes((DATA / name).read_bytes())
    monkeypatch.chdir(tmp_path)
    for name in [each for each in os.environ if each.startswith("KSCHEDCORE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "no-settings"))

    def ran(line: str, stdin: str = "") -> Result:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        capsys.readouterr()
        status = run(shlex.split(line))
        printed = capsys.readouterr()
        return Result(status, printed.out, printed.err)

    return ran
