"""Count the copies of a node that must be added until every pod has a node.

Run it: ``python examples/how_many_nodes.py NODE FILE…``, after ``kschedcore demo --save shop`` for example as
``python examples/how_many_nodes.py gpu-a1 shop/cluster.yaml shop/app.yaml``.
"""

from __future__ import annotations

import sys
from typing import Any

import kschedcore as ks

HOSTNAME = "kubernetes.io/hostname"


def another(node: dict[str, Any], number: int) -> dict[str, Any]:
    """Return a node of the same kind under a name of its own."""
    metadata = node["metadata"]
    name = f"{metadata['name']}-more-{number}"
    labels = {**metadata.get("labels", {}), HOSTNAME: name}
    return {**node, "metadata": {**metadata, "name": name, "labels": labels}}


def main(name: str, files: list[str]) -> None:
    """Add one node after another for as long as that helps."""
    cluster = ks.load(*files)
    kind = dict(cluster.objects["Node", "", name])
    engine = ks.Engine(cluster)
    waiting = engine.schedule(cluster.pending).unschedulable
    count = 0
    while waiting:
        engine.set_node(another(kind, count + 1))
        decisions = engine.schedule([decision.pod for decision in waiting])
        if not decisions.placed:
            break
        count += 1
        for decision in decisions.placed:
            print(f"node {count}: {decision.pod_name}")
        waiting = decisions.unschedulable
    print(f"{count} more like {name}, and {len(waiting)} pods without a node")
    for decision in waiting:
        print(f"{decision.pod_name}: {decision.message}")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
