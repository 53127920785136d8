"""Run command lines of mutated files and check that nothing but an answer or one error line comes out."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.fuzz._mutations import as_text

import kschedcore.cli
from kschedcore.cli import run

DATA = Path(kschedcore.cli.__file__).parent / "data"
CLUSTER, APP = str(DATA / "cluster.yaml"), str(DATA / "app.yaml")


def check(document: Any, *line: str) -> None:
    """Run a command line in which ``FILE`` stands for a file with the document.

    Raises:
        AssertionError: The status is neither 0, 1 nor 2, or an error is not one line.
    """
    out, err = io.StringIO(), io.StringIO()
    with TemporaryDirectory() as folder:
        path = Path(folder) / "document.json"
        path.write_text(as_text(document))
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = run([str(path) if word == "FILE" else word for word in line])
    assert status in (0, 1, 2), (status, err.getvalue())
    errors = [each for each in err.getvalue().splitlines() if each.startswith("error: ")]
    assert len(errors) == (status == 2), err.getvalue()
    assert "Traceback" not in err.getvalue()
