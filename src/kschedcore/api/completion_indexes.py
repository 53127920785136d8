"""Sets of completion indexes as a Job's status writes them: ``0-4,7,9,10`` (``status.completedIndexes``)."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["format_indexes", "parse_indexes"]

_INTERVAL = re.compile(r"([0-9]{1,19})(?:-([0-9]{1,19}))?")


def parse_indexes(text: str, completions: int) -> set[int]:
    """Return the indexes below ``completions`` that ``text`` names.

    What is out of range is left out, and so is a part that is no interval (``parseIndexesFromString``).
    """
    found: set[int] = set()
    for part in filter(None, text.split(",")):
        if interval := _INTERVAL.fullmatch(part):
            first, last = int(interval[1]), int(interval[2] or interval[1])
            found.update(range(first, min(last, completions - 1) + 1))
    return found


def format_indexes(indexes: Iterable[int]) -> str:
    """Indexes in order; three and more in a row as an interval."""
    runs: list[list[int]] = []
    for index in sorted(indexes):
        if runs and runs[-1][-1] == index - 1:
            runs[-1].append(index)
        else:
            runs.append([index])
    return ",".join(f"{run[0]}-{run[-1]}" if len(run) > 2 else ",".join(map(str, run)) for run in runs)
