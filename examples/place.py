"""Print the node of each pod, in three lines.

Usage: python examples/place.py cluster.yaml app.yaml
"""

from __future__ import annotations

import sys

import kschedcore as ks


def main(paths: list[str]) -> None:
    """Place the pending pods of manifests; print their nodes and the utilisation."""
    cluster = ks.load(*paths)
    engine = ks.Engine(cluster)
    decisions = engine.schedule(cluster.pending)

    for decision in decisions:
        print(decision.pod_name, "->", decision.node or decision.message)
    for node in engine.nodes().select(["name", "requested/cpu", "allocatable/cpu"]).to_pylist():
        print(f"{node['name']}: {node['requested/cpu']} of {node['allocatable/cpu']} millicores")


if __name__ == "__main__":
    main(sys.argv[1:])
