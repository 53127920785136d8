"""Differences when standard output is a terminal: styles, and the last column folded; a pipe gets plain lines."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from tests.cli.conftest import DATA

ESCAPE = re.compile(r"\x1b\[[0-9;]*m")
FIT = ("fit", "-f", "cluster.yaml", "-f", "app.yaml")


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("cluster.yaml", "app.yaml"):
        (tmp_path / name).write_bytes((DATA / name).read_bytes())
    monkeypatch.chdir(tmp_path)
    for name in ("COLUMNS", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


def on_terminal(*arguments: str, columns: int = 100) -> str:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "kschedcore", *arguments],
        stdout=theirs,
        stderr=theirs,
        stdin=subprocess.DEVNULL,
        env=dict(os.environ),  # which lacks what readline has put into the environment of this process
    )
    os.close(theirs)
    pieces = []
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # what Linux answers once the other side is closed
            break
        if not piece:
            break
        pieces.append(piece)
    os.close(ours)
    process.wait(60)
    return b"".join(pieces).decode().replace("\r\n", "\n")


def in_a_pipe(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "kschedcore", *arguments], capture_output=True, text=True, check=False
    )
    return done.stdout


def test_a_terminal_gets_styles_and_a_pipe_none() -> None:
    shown = on_terminal(*FIT)
    assert shown.startswith("\x1b[31mdoes not fit\x1b[0m: 6 of 10 pods placed\n")
    assert "\x1b[1mWORKLOAD" in shown
    assert shown.endswith("Insufficient nvidia.com/gpu (1 node)\n")
    assert "\x1b" not in in_a_pipe(*FIT)


def test_no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in on_terminal(*FIT)


def test_no_styles_where_the_terminal_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    assert "\x1b" not in on_terminal(*FIT)


def test_the_last_column_is_folded_and_the_others_are_not() -> None:
    lines = ESCAPE.sub("", on_terminal(*FIT, columns=80)).splitlines()
    place = next(index for index, line in enumerate(lines) if line.startswith("shop/pod/migrate"))
    assert lines[place].endswith("waiting for scheduling gates:")
    assert lines[place + 1].strip() == "[shop.example.com/database-ready]"
    assert lines[place + 2].strip() == "(6 nodes)"


@pytest.mark.parametrize("columns", [20, 400])
def test_no_cell_is_cut_off(columns: int) -> None:
    arguments = ("explain", "web-0", "-f", "cluster.yaml", "-f", "app.yaml", "--all")
    plain = in_a_pipe(*arguments)
    shown = ESCAPE.sub("", on_terminal(*arguments, columns=columns))
    assert shown.split() == plain.split()


def test_documents_are_the_same_everywhere() -> None:
    for output in ("json", "csv"):
        assert on_terminal(*FIT, "-o", output) == in_a_pipe(*FIT, "-o", output)
