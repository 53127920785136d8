"""Benchmark of decisions over the size of clusters: pods a second over numbers of nodes, as a table and a plot.

    python -m bench.curves --repeat 5 --plot docs/images/growth.svg

Each point is the median of so many runs of ``bench/workloads.py``, which checks its decisions against uncached ones.
The plot needs matplotlib (``pip install --group bench``).
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.workloads import WORKLOADS, measure

SIZES = (1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000)
NAMES = (
    "SchedulingBasic",
    "SchedulingPodAntiAffinity",
    "TopologySpreading",
    "SchedulingPreferredPodAffinity",
    "MixedSchedulingBasePod",
)
INIT_PODS, PODS = 1_000, 5_000

Curve = list[tuple[int, float]]


def curve(name: str, sizes: Sequence[int], repeat: int) -> Iterator[tuple[int, float]]:
    """(nodes, pods a second) of one workload."""
    for nodes in sizes:
        speeds = [
            measure(name, WORKLOADS[name](nodes, INIT_PODS), PODS, "batch")["pods_per_s"]
            for _ in range(repeat)
        ]
        yield nodes, statistics.median(speeds)


def table(curves: dict[str, Curve], sizes: Sequence[int]) -> str:
    """The curves in Markdown, a row a size."""
    lines = [f"| nodes | {' | '.join(curves)} |", "|---" * (len(curves) + 1) + "|"]
    for row, nodes in enumerate(sizes):
        speeds = " | ".join(f"{points[row][1]:,.0f}" for points in curves.values())
        lines.append(f"| {nodes:,} | {speeds} |")
    return "\n".join(lines)


def plot(curves: dict[str, Curve], path: Path) -> None:
    """Draw them, both axes logarithmic."""
    import matplotlib as mpl
    from matplotlib import pyplot as plt

    # The same figures give the same bytes.
    mpl.rcParams["svg.hashsalt"] = "kschedcore"
    figure, axes = plt.subplots(figsize=(8, 4.5), layout="constrained")
    for name, points in curves.items():
        axes.loglog(*zip(*points, strict=True), marker="o", markersize=4, label=name)
    axes.set(xlabel="nodes", ylabel="pods placed a second", title="Decisions as clusters grow (one core)")
    axes.grid(visible=True, which="major", alpha=0.3)
    axes.legend(fontsize="small")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    """Measure, print, draw."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--workloads", nargs="+", choices=WORKLOADS, default=NAMES)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--plot", type=Path, help="where to write a picture (svg, png)")
    given = parser.parse_args()
    curves = {name: list(curve(name, given.sizes, given.repeat)) for name in given.workloads}
    print(table(curves, given.sizes))
    if given.plot:
        plot(curves, given.plot)


if __name__ == "__main__":
    main()
