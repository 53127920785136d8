"""Measures the table of decisions in BENCHMARKS.md and writes it there.

    python -m bench.report --repeat 5 --write BENCHMARKS.md

Every row is the median of so many runs of ``bench/workloads.py``, each in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.workloads import WORKLOADS

BEGIN, END = "<!-- decisions: python -m bench.report -->", "<!-- end -->"
PODS = 10_000
FEWER = {"PreemptionBasic": 1_000}
"""Slow workloads, measured with fewer decisions."""
LIMITED = {"ResourceClaimTemplate": 5_000}
"""Workloads with capacity for fewer pods."""

Row = dict[str, Any]


def median_of(arguments: Sequence[str], repeat: int) -> Row:
    """A row whose figures are medians of runs."""
    command = [sys.executable, "-m", "bench.workloads", *arguments, "-o", "json"]
    rows = [
        json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        for _ in range(repeat)
    ]
    figures = {
        key: statistics.median(row[key] for row in rows)
        for key in ("pods_per_s", "p50_us", "p99_us")
        if rows[0][key] is not None
    }
    return {**rows[0], **figures}


def line(name: str, batch: Row | None, call: Row) -> str:
    """A row of the table."""
    together = "" if batch is None else f"{batch['pods_per_s']:,.0f}"
    return (
        f"| {name} | {together} | {call['pods_per_s']:,.0f} | {call['p50_us']:.0f} | {call['p99_us']:.0f} |"
    )


def table(names: Sequence[str], case: Path | None, repeat: int) -> str:
    """Measure all rows; report progress on standard error."""
    lines = ["| workload | batch, pods/s | call, pods/s | call, p50 µs | call, p99 µs |", "|---" * 5 + "|"]
    for name in names:
        chosen = ["--workload", name, "--pods", str(FEWER.get(name) or LIMITED.get(name, PODS))]
        batch = None if name in FEWER else median_of([*chosen, "--mode", "batch"], repeat)
        lines.append(line(name, batch, median_of([*chosen, "--mode", "call"], repeat)))
        print(lines[-1], file=sys.stderr, flush=True)
    if case is not None:
        both = [median_of(["--case", str(case), "--mode", mode], repeat) for mode in ("batch", "call")]
        lines.append(line(case.name.partition(".")[0], *both))
        print(lines[-1], file=sys.stderr, flush=True)
    return "\n".join(lines)


def main() -> None:
    """Measure, and print or write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--workloads", nargs="+", choices=WORKLOADS, default=list(WORKLOADS))
    parser.add_argument("--case", type=Path, help="a recorded case, the openb trace say, as a last row")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--write", type=Path, help="the file whose table is replaced; printed otherwise")
    given = parser.parse_args()
    measured = table(given.workloads, given.case, given.repeat)
    if given.write is None:
        print(measured)
        return
    text = given.write.read_text()
    pattern = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
    if not pattern.search(text):
        raise SystemExit(f"{given.write}: no place for the table; expected {BEGIN} and {END}")
    given.write.write_text(pattern.sub(lambda _: f"{BEGIN}\n\n{measured}\n\n{END}", text))


if __name__ == "__main__":
    main()
