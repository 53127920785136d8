"""A word to the person at the terminal, and to nobody else."""

from __future__ import annotations

import io
import threading

import pytest

from kschedcore.cli.progress import progress


class Terminal(io.StringIO):
    """A terminal that says when something was written to it."""

    def __init__(self) -> None:
        super().__init__()
        self.written = threading.Event()

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.written.set()
        return super().write(text)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    return terminal


def test_what_takes_long_is_shown(terminal: Terminal) -> None:
    with progress("placing 7 pods", after=0):
        assert terminal.written.wait(timeout=30)
    assert "placing 7 pods" in terminal.getvalue()


def test_what_is_quick_is_not_shown(terminal: Terminal) -> None:
    with progress("placing 7 pods", after=3600):
        pass
    assert terminal.getvalue() == ""


def test_the_spinner_ends_with_an_error_inside(terminal: Terminal) -> None:
    threads = threading.active_count()
    with pytest.raises(KeyError), progress("placing", after=0):
        assert terminal.written.wait(timeout=30)
        raise KeyError
    assert threading.active_count() == threads


def test_files_and_pipes_get_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("placing 7 pods", after=0):
        pass
    assert capsys.readouterr().err == ""
