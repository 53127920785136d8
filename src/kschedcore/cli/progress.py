"""Progress messages on the terminal for work that takes longer than a second."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["PATIENCE", "SPINNER", "measured", "progress"]

PATIENCE = 1.0
"""Seconds before anything is shown."""

_SHOWN_EVERY = 0.1
"""Seconds between two updates."""

SPINNER = "kschedcore-progress"
"""The name of the thread that shows progress."""


@contextmanager
def progress(doing: str, *, after: float = PATIENCE) -> Iterator[None]:
    """Show what is being done while the block runs, if standard error is a terminal.

    Args:
        doing: What to show, for example ``placing 8152 pods``.
        after: Seconds before it is shown.
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


@contextmanager
def measured(doing: str, unit: str) -> Iterator[Callable[[float, int], None] | None]:
    """Show how far something is, at what rate, and how long it will take, if standard error is a terminal.

    Args:
        doing: What to show, for example ``simulating 24h``.
        unit: What is counted, for the rate: ``pods``.

    Yields:
        The callback for the completed fraction (0 to 1) and the count; None without a terminal.
    """
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    shown = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rate]}", markup=False),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
    with shown:
        task = shown.add_task(doing, total=1.0, rate="")
        begun = last = time.monotonic()

        def report(part: float, count: int) -> None:
            nonlocal last
            now = time.monotonic()
            if now - last >= _SHOWN_EVERY:
                last = now
                shown.update(task, completed=part, rate=f"{count / (now - begun):,.0f} {unit}/s")

        yield report
