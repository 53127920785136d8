"""Nodes, bound and pending pods from pandas, decisions and the node table back into pandas."""

import pandas as pd

from kschedcore import Engine

nodes = pd.DataFrame(
    {
        "name": ["a", "b"],
        "allocatable/cpu": [4000, 8000],
        "allocatable/pods": [110, 110],
        "label/zone": ["z1", None],
    }
)
bound = pd.DataFrame({"name": ["web-0"], "node": ["b"], "requests/cpu": [6000]})
pending = pd.DataFrame({"name": ["web-1", "web-2"], "requests/cpu": [3000, 3000]})

engine = Engine()
engine.add_nodes(nodes)
engine.add_pods(bound)
decisions = engine.place(pending).to_pandas()
after = engine.nodes().to_pandas()

for pod, node in zip(decisions["pod"], decisions["node"].fillna("nowhere"), strict=True):
    print(f"{pod} -> {node}")
for name, requested in zip(after["name"], after["requested/cpu"], strict=True):
    print(f"{name}: {requested} millicores requested")
