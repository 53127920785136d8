"""List, for the loss of each zone, the pods that would fit on no other node.

Run it: ``python examples/without_a_zone.py FILE…``, after ``kschedcore demo --save shop`` for example as
``python examples/without_a_zone.py shop``. Exit status 1 when a pod would have no node.
"""

from __future__ import annotations

import sys

from kschedcore.testing import place

ZONE = "topology.kubernetes.io/zone"


def main(files: list[str]) -> int:
    """Take out one zone after another."""
    placements = place(files).placed
    homeless = 0
    for zone, pods in placements.by(ZONE).items():
        lost = placements.without(f"{ZONE}={zone}").unplaced
        homeless += len(lost)
        print(f"without {zone}: {len(pods)} pods move, {len(lost)} of all have no node")
        for pod in lost:
            print(f"  {pod.name}: {pod.decision.message if pod.decision else ''}")
    return 1 if homeless else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
