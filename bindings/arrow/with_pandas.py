"""Nodes and bound pods from pandas, decisions and the node table back into pandas."""

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
container = {"name": "web", "image": "web", "resources": {"requests": {"cpu": "3"}}}
pending = [{"metadata": {"name": f"web-{number}"}, "spec": {"containers": [container]}} for number in (1, 2)]

engine = Engine()
engine.add_nodes(nodes)
engine.add_pods(bound)
decisions = engine.schedule(pending).to_arrow().to_pandas()
after = engine.nodes().to_pandas()

for pod, node in zip(decisions["pod"], decisions["node"].fillna("nowhere"), strict=True):
    print(f"{pod} -> {node}")
for name, requested in zip(after["name"], after["requested/cpu"], strict=True):
    print(f"{name}: {requested} millicores requested")
