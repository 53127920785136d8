"""Benchmark of building a state of many nodes and bound pods from Arrow tables: time and memory.

    python bench/growth.py --nodes 1000 10000 100000 --pods-per-node 10

Prints a line a size: seconds to take in the nodes and the pods, seconds of a first decision (a full pass), and
the most memory that the process had, its own tables included.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from resource import RUSAGE_SELF, getrusage

import numpy as np
import pyarrow as pa

from kschedcore import Engine

SIZES = (1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000)
APPS = 50


def node_table(count: int) -> pa.Table:
    """Nodes as scheduler_perf makes them: 4 cpu, 32 GiB, 110 pods; 3 zones."""
    names = [f"node-{i:06d}" for i in range(count)]
    return pa.table(
        {
            "name": names,
            "allocatable/cpu": np.full(count, 4_000),
            "allocatable/memory": np.full(count, 32 << 30),
            "allocatable/pods": np.full(count, 110),
            "label/kubernetes.io/hostname": names,
            "label/topology.kubernetes.io/zone": [f"zone{i % 3}" for i in range(count)],
        }
    )


def pod_table(nodes: int, count: int) -> pa.Table:
    """Pods of 1,000 shapes: 20 requests and 50 labels, spread over all nodes."""
    number = np.arange(count)
    apps = pa.array([f"app-{i}" for i in range(APPS)])
    hosts = pa.array([f"node-{i:06d}" for i in range(nodes)])
    return pa.table(
        {
            "name": [f"pod-{i:07d}" for i in range(count)],
            "node": pa.DictionaryArray.from_arrays(pa.array((number % nodes).astype(np.int32)), hosts),
            "requests/cpu": 100 + number // APPS % 20,
            "requests/memory": np.full(count, 500 << 20),
            "label/app": pa.DictionaryArray.from_arrays(pa.array((number % APPS).astype(np.int32)), apps),
        }
    )


def measure(nodes: int, pods: int) -> None:
    """Build one state, check that everything is in it, and print what it cost."""
    tables = node_table(nodes), pod_table(nodes, pods)
    engine = Engine()
    start = time.perf_counter()
    engine.add_nodes(tables[0])
    with_nodes = time.perf_counter()
    engine.add_pods(tables[1])
    built = time.perf_counter()
    pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"resources": {"requests": {"cpu": "100m"}}}]}}
    decision = engine.decide(pod)
    decided = time.perf_counter()
    assert decision.feasible == nodes
    assert engine.utilisation()["pods"]["requested"] == pods
    memory = getrusage(RUSAGE_SELF).ru_maxrss // 1024
    print(
        f"nodes={nodes}  pods={pods}  nodes_s={with_nodes - start:.3f}  pods_s={built - with_nodes:.3f}"
        f"  first_decision_ms={(decided - built) * 1e3:.1f}  rss_mb={memory}",
        flush=True,
    )


def main() -> None:
    """Measure each size in a process of its own, so that memory is its own."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--nodes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--pods-per-node", type=int, default=10)
    given = parser.parse_args()
    if len(given.nodes) == 1:
        measure(given.nodes[0], given.nodes[0] * given.pods_per_node)
        return
    for nodes in given.nodes:
        command = [sys.executable, __file__, "--nodes", nodes, "--pods-per-node", given.pods_per_node]
        subprocess.run([str(each) for each in command], check=True)


if __name__ == "__main__":
    main()
