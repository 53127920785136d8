"""``python -m kschedcore.chaos.soak``: live through one random history after another for as long as one is told.

Progress goes to standard error; what broke, shortened and ready to be replayed, to standard output. The exit status
is 1 when anything broke.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TextIO

import msgspec

from kschedcore.chaos.breaking import live, shortened
from kschedcore.chaos.histories import History
from kschedcore.chaos.users import draw_history
from kschedcore.errors import UsageError

__all__ = ["main"]

_TOLD_EVERY = 5.0
"""Seconds between two lines of progress."""


def _arguments(given: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m kschedcore.chaos.soak", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--minutes", type=float, default=10.0, help="how long (default: %(default)s)")
    parser.add_argument("--histories", type=int, default=None, help="at most so many histories")
    parser.add_argument("--seed", type=int, default=0, help="the first seed; each history has the next one")
    parser.add_argument("--length", type=int, default=40, help="steps of a history (default: %(default)s)")
    parser.add_argument("--replay", type=Path, help="instead, live through the history of this file")
    return parser.parse_args(given)


def _say(what: object, to: TextIO | None = None) -> None:
    print(what, file=to, flush=True)


class _Soak:
    def __init__(self, length: int) -> None:
        self._length = length
        self._began = time.monotonic()
        self._told = self._began
        self.lived = self.broken = self.writes = 0
        self.tried: Counter[str] = Counter()

    def seconds(self) -> float:
        return time.monotonic() - self._began

    def live(self, seed: int) -> None:
        history = draw_history(seed, self._length)
        outcome = live(history)
        self.lived += 1
        self.writes += outcome.writes
        self.tried += outcome.tried
        if outcome.broken is not None:
            self.broken += 1
            _say(f"seed {seed}: {outcome.broken}")
            _say(shortened(history, outcome.broken).to_json())
        if time.monotonic() - self._told >= _TOLD_EVERY:
            self._told = time.monotonic()
            _say(self, to=sys.stderr)

    def __str__(self) -> str:
        rate = self.lived / max(self.seconds(), 0.001)
        return (
            f"{self.lived} histories ({rate:.1f}/s), {self.writes} writes, {self.tried.total()} faults, "
            f"{self.broken} broken"
        )


def _replay(path: Path) -> int:
    try:
        broken = live(History.from_json(path.read_bytes())).broken
    except (OSError, msgspec.DecodeError, UsageError) as error:
        _say(f"{path}: {error}; expected a history as JSON", to=sys.stderr)
        return 2
    _say(broken or "nothing broke")
    return 0 if broken is None else 1


def main(given: list[str] | None = None) -> int:
    """Run the program; its exit status."""
    arguments = _arguments(given)
    if arguments.replay is not None:
        return _replay(arguments.replay)
    soak, seed = _Soak(arguments.length), arguments.seed
    try:
        while soak.seconds() < 60 * arguments.minutes and soak.lived != arguments.histories:
            soak.live(seed)
            seed += 1
    except KeyboardInterrupt:
        pass
    _say(soak)
    for fault, count in soak.tried.most_common():
        _say(f"  {count:8d}  {fault}")
    return 1 if soak.broken else 0


if __name__ == "__main__":
    sys.exit(main())
