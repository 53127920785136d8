"""Nodes, bound and pending pods from polars, decisions and the node table back into polars."""

import polars as pl

from kschedcore import Engine

nodes = pl.DataFrame(
    {
        "name": ["a", "b"],
        "allocatable/cpu": [4000, 8000],
        "allocatable/pods": [110, 110],
        "label/zone": ["z1", None],
    }
)
bound = pl.DataFrame({"name": ["web-0"], "node": ["b"], "requests/cpu": [6000]})
pending = pl.DataFrame({"name": ["web-1", "web-2"], "requests/cpu": [3000, 3000]})

engine = Engine()
engine.add_nodes(nodes)
engine.add_pods(bound)
decisions = pl.DataFrame(engine.place(pending))

for pod, node in decisions.select("pod", "node").rows():
    print(f"{pod} -> {node}")
for name, requested in pl.DataFrame(engine.nodes()).select("name", "requested/cpu").rows():
    print(f"{name}: {requested} millicores requested")
