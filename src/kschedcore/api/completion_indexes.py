"""Sets of completion indexes in a Job's status: ``0-4,7,9,10`` (``status.completedIndexes``)."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["format_indexes", "parse_indexes"]

_INTERVAL = re.compile(r"([0-9]{1,19})(?:-([0-9]{1,19}))?")


def parse_indexes(text: str, completions: int) -> set[int]:
    """Return the indexes below ``completions`` in ``text``.

    Indexes out of range and invalid intervals are ignored (``parseIndexesFromString``).
    """
    found: set[int] = set()
    for part in filter(None, text.split(",")):
        if interval := _INTERVAL.fullmatch(part):
            first, last = int(interval[1]), int(interval[2] or interval[1])
            found.update(range(first, min(last, completions - 1) + 1))
    return found


def format_indexes(indexes: Iterable[int]) -> str:
    """Return ordered indexes as text; three or more consecutive ones as an interval."""
    runs: list[list[int]] = []
    for index in sorted(indexes):
        if runs and runs[-1][-1] == index - 1:
            runs[-1].append(index)
        else:
            runs.append([index])
    return ",".join(f"{run[0]}-{run[-1]}" if len(run) > 2 else ",".join(map(str, run)) for run in runs)
