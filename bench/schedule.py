"""Benchmark of ``kschedcore schedule`` on a big dump, without reading its JSON.

    python bench/schedule.py --nodes 5000 --pods 30000 --repeat 5

Makes a dump as ``kubectl get nodes,pods -A -o json`` would (half of the pods bound, half pending, a hundred templates),
and times, each in a process of its own:

- *command*: the whole command, as it is typed, its output thrown away;
- *parse*: reading the same JSON into plain objects (msgspec, which the command uses too);
- *naive load*: ``json.load``, and what a straightforward program then does with each object: copy what it needs, add
  requests up with ``decimal``, keep pods by node in dictionaries. It decides nothing.

The command's own time is *command* less *parse* less starting Python; the same is taken off the naive load.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

PARSE = """
import sys, msgspec
msgspec.json.decode(open(sys.argv[1], "rb").read())
"""

NAIVE = """
import json, sys
from collections import defaultdict
from decimal import Decimal
SUFFIXES = {"m": Decimal("0.001"), "Ki": 2**10, "Mi": 2**20, "Gi": 2**30}
def amount(text):
    for suffix, factor in SUFFIXES.items():
        if text.endswith(suffix):
            return Decimal(text[: -len(suffix)]) * factor
    return Decimal(text)
nodes, by_node, pending = {}, defaultdict(list), []
for item in json.load(open(sys.argv[1]))["items"]:
    metadata, spec = item["metadata"], item["spec"]
    if item["kind"] == "Node":
        allocatable = {name: amount(text) for name, text in item["status"]["allocatable"].items()}
        nodes[metadata["name"]] = {
            "labels": dict(metadata["labels"]), "taints": list(spec.get("taints", ())), "allocatable": allocatable}
        continue
    requests = defaultdict(Decimal)
    for container in spec["containers"]:
        for name, text in container["resources"]["requests"].items():
            requests[name] += amount(text)
    pod = {
        "key": (metadata["namespace"], metadata["name"]), "labels": dict(metadata["labels"]), "requests": requests,
        "affinity": spec.get("affinity"), "tolerations": list(spec.get("tolerations", ())),
        "priority": spec.get("priority", 0)}
    (by_node[spec["nodeName"]] if "nodeName" in spec else pending).append(pod)
for name, pods in by_node.items():
    used = defaultdict(Decimal)
    for pod in pods:
        for resource, requested in pod["requests"].items():
            used[resource] += requested
    nodes[name]["requested"] = used
"""


def dump(nodes: int, pods: int) -> dict[str, Any]:
    """Return a cluster as the API server lists it."""
    return {
        "apiVersion": "v1",
        "kind": "List",
        "items": [
            *map(node, range(nodes)),
            *(pod(i, i % nodes if i < pods // 2 else None) for i in range(pods)),
        ],
    }


def node(i: int) -> dict[str, Any]:
    """One of many nodes in three zones."""
    name = f"node-{i:05d}"
    amounts = {"cpu": "15800m", "memory": "62Gi", "ephemeral-storage": "90Gi", "pods": "110"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "uid": f"00000000-0000-0000-0001-{i:012d}",
            "creationTimestamp": "2026-01-01T00:00:00Z",
            "labels": {
                "kubernetes.io/arch": "amd64",
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
                "topology.kubernetes.io/zone": f"zone-{i % 3}",
            },
        },
        "spec": {"podCIDR": f"10.{i // 256}.{i % 256}.0/24"},
        "status": {
            "allocatable": amounts,
            "capacity": amounts,
            "conditions": [
                {
                    "type": "Ready",
                    "status": "True",
                    "lastHeartbeatTime": "2026-01-01T00:00:00Z",
                    "reason": "KubeletReady",
                }
            ],
            "images": [
                {"names": [f"registry.example.com/app:{image}"], "sizeBytes": 90_000_000}
                for image in range(5)
            ],
        },
    }


def pod(i: int, place: int | None) -> dict[str, Any]:
    """One of a hundred applications' pods, bound or pending."""
    app = f"app-{i % 100:02d}"
    spec: dict[str, Any] = {
        "containers": [
            {
                "name": "main",
                "image": f"registry.example.com/app:{i % 5}",
                "resources": {"requests": {"cpu": f"{50 + i % 100}m", "memory": f"{64 + i % 100}Mi"}},
                "volumeMounts": [{"name": "token", "mountPath": "/var/run/secrets", "readOnly": True}],
            }
        ],
        "tolerations": [{"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute"}],
        "volumes": [
            {"name": "token", "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}}
        ],
        "serviceAccountName": "default",
        "priority": 0,
    }
    if place is not None:
        spec["nodeName"] = f"node-{place:05d}"
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"{app}-{i:06d}",
            "namespace": "default",
            "uid": f"00000000-0000-0000-0002-{i:012d}",
            "creationTimestamp": "2026-01-01T00:00:00Z",
            "labels": {"app": app, "pod-template-hash": f"{i % 100:010d}"},
        },
        "spec": spec,
        "status": {"phase": "Pending" if place is None else "Running"},
    }


def timed(command: Sequence[str]) -> float:
    """Seconds that a command takes."""
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> None:
    """Make the dump, time everything in turn, print medians."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--nodes", type=int, default=5_000)
    parser.add_argument("--pods", type=int, default=30_000)
    parser.add_argument("--repeat", type=int, default=5)
    given = parser.parse_args()
    with TemporaryDirectory() as folder:
        path = str(Path(folder, "cluster.json"))
        Path(path).write_text(json.dumps(dump(given.nodes, given.pods)))
        commands = {
            "command": [sys.executable, "-m", "kschedcore", "schedule", "-f", path],
            "parse": [sys.executable, "-c", PARSE, path],
            "naive load": [sys.executable, "-c", NAIVE, path],
            "naive json.load": [sys.executable, "-c", "import json, sys; json.load(open(sys.argv[1]))", path],
            "python": [sys.executable, "-c", "pass"],
        }
        runs = {name: [timed(command) for _ in range(given.repeat)] for name, command in commands.items()}
        megabytes = Path(path).stat().st_size / 1e6
    seconds = {name: statistics.median(times) for name, times in runs.items()}
    own = seconds["command"] - seconds["parse"]
    naive = seconds["naive load"] - seconds["naive json.load"]
    print(f"nodes={given.nodes}  pods={given.pods}  dump_mb={megabytes:.0f}")
    for name, median in seconds.items():
        print(f"{name:16}{median:8.3f} s")
    print(
        f"the command's own{own:7.3f} s, with {given.pods - given.pods // 2} decisions and the table it prints"
    )
    print(f"the naive load's{naive:8.3f} s, with none")


if __name__ == "__main__":
    main()
