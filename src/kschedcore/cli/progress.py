"""A word to the person at the terminal when something takes longer than a second."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["PATIENCE", "SPINNER", "progress"]

PATIENCE = 1.0
"""Seconds of silence before anything is shown."""

SPINNER = "kschedcore-progress"
"""The name of the thread that shows it."""


@contextmanager
def progress(doing: str, *, after: float = PATIENCE) -> Iterator[None]:
    """Show what is being done while the block runs, if standard error is a terminal.

    Args:
        doing: What to show, for example ``placing 8152 pods``.
        after: Seconds of silence before it is shown.
    """
    if not sys.stderr.isatty():
        yield
        return
    done = threading.Event()
    spinner = threading.Thread(target=_spin, args=(doing, done, after), name=SPINNER, daemon=True)
    spinner.start()
    try:
        yield
    finally:
        done.set()
        spinner.join()


def _spin(doing: str, done: threading.Event, after: float) -> None:
    if done.wait(after):
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    shown = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
    with shown:
        shown.add_task(doing, total=None)
        done.wait()
