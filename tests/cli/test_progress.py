"""Progress is written to a terminal only."""

from __future__ import annotations

import io
import sys
import threading
from collections.abc import Callable

import pytest

from kschedcore.cli.progress import SPINNER, progress


class Terminal(io.StringIO):
    """A terminal that records writes."""

    def __init__(self) -> None:
        super().__init__()
        self.written = threading.Event()

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.written.set()
        return super().write(text)


@pytest.fixture
def use_terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[[], Terminal]:
    """Make standard error a terminal; called inside the test, since pytest sets its own before that."""

    def use() -> Terminal:
        terminal = Terminal()
        monkeypatch.setattr("sys.stderr", terminal)
        monkeypatch.setenv("TERM", "xterm")
        return terminal

    return use


def test_what_takes_long_is_shown(use_terminal: Callable[[], Terminal]) -> None:
    terminal = use_terminal()
    with progress("placing 7 pods", after=0):
        assert terminal.written.wait(timeout=600)
    assert "placing 7 pods" in terminal.getvalue()


def test_what_is_quick_is_not_shown(use_terminal: Callable[[], Terminal]) -> None:
    terminal = use_terminal()
    with progress("placing 7 pods", after=3600):
        pass
    assert terminal.getvalue() == ""


def test_the_spinner_ends_with_an_error_inside(use_terminal: Callable[[], Terminal]) -> None:
    terminal = use_terminal()

    def fails() -> None:
        with progress("placing", after=0):
            assert terminal.written.wait(timeout=600)
            assert [thread for thread in threading.enumerate() if thread.name == SPINNER]
            raise KeyError

    with pytest.raises(KeyError):
        fails()
    assert not [thread for thread in threading.enumerate() if thread.name == SPINNER]


def test_output_goes_on_as_ever(
    use_terminal: Callable[[], Terminal], capsys: pytest.CaptureFixture[str]
) -> None:
    terminal = use_terminal()
    with progress("placing", after=0):
        assert terminal.written.wait(timeout=600)
        sys.stdout.write("a line\n")
    assert capsys.readouterr().out == "a line\n"
    assert "a line" not in terminal.getvalue()


def test_files_and_pipes_get_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("placing 7 pods", after=0):
        pass
    assert capsys.readouterr().err == ""
