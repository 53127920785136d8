"""``python -m kschedcore.chaos.soak``: run random histories for a given time.

Progress is printed to standard error, violated invariants and their shrunk histories to standard output. The exit
status is 1 when an invariant was violated.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TextIO

import msgspec

from kschedcore.chaos.generator import random_history
from kschedcore.chaos.histories import History
from kschedcore.chaos.runner import run_history, shrink
from kschedcore.errors import UsageError

__all__ = ["main"]

_REPORT_SECONDS = 5.0
"""Interval of progress lines, in seconds."""


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m kschedcore.chaos.soak", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--minutes", type=float, default=10.0, help="duration (default: %(default)s)")
    parser.add_argument("--histories", type=int, default=None, help="maximum number of histories")
    parser.add_argument(
        "--seed",
        type=int,
        default=0,
        help="seed of the first history, then the next ones",
    )
    parser.add_argument("--length", type=int, default=40, help="steps per history (default: %(default)s)")
    parser.add_argument("--replay", type=Path, help="run the history of this file instead")
    return parser.parse_args(argv)


def _print(text: object, to: TextIO | None = None) -> None:
    print(text, file=to, flush=True)


class _Soak:
    def __init__(self, length: int) -> None:
        self._length = length
        self._began = time.monotonic()
        self._reported = self._began
        self.count = self.violations = self.writes = 0
        self.faults: Counter[str] = Counter()

    def seconds(self) -> float:
        return time.monotonic() - self._began

    def run(self, seed: int) -> None:
        history = random_history(seed, self._length)
        outcome = run_history(history)
        self.count += 1
        self.writes += outcome.writes
        self.faults += outcome.faults
        if outcome.violation is not None:
            self.violations += 1
            _print(f"seed {seed}: {outcome.violation}")
            _print(shrink(history, outcome.violation).to_json())
        if time.monotonic() - self._reported >= _REPORT_SECONDS:
            self._reported = time.monotonic()
            _print(self, to=sys.stderr)

    def __str__(self) -> str:
        rate = self.count / max(self.seconds(), 0.001)
        return (
            f"{self.count} histories ({rate:.1f}/s), {self.writes} writes, {self.faults.total()} faults, "
            f"{self.violations} violations"
        )


def _replay(path: Path) -> int:
    try:
        violation = run_history(History.from_json(path.read_bytes())).violation
    except (OSError, msgspec.DecodeError, UsageError) as error:
        _print(f"{path}: {error}; expected a history as JSON", to=sys.stderr)
        return 2
    _print(violation or "no invariant was violated")
    return 0 if violation is None else 1


def main(argv: list[str] | None = None) -> int:
    """Run the program and return its exit status."""
    arguments = _arguments(argv)
    if arguments.replay is not None:
        return _replay(arguments.replay)
    soak, seed = _Soak(arguments.length), arguments.seed
    try:
        while soak.seconds() < 60 * arguments.minutes and soak.count != arguments.histories:
            soak.run(seed)
            seed += 1
    except KeyboardInterrupt:
        pass
    _print(soak)
    for fault, count in soak.faults.most_common():
        _print(f"  {count:8d}  {fault}")
    return 1 if soak.violations else 0


if __name__ == "__main__":
    sys.exit(main())
