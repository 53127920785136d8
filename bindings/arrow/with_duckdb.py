"""Nodes and bound pods from duckdb, decisions and the node table queried by duckdb."""

import duckdb

from kschedcore import Engine

connection = duckdb.connect()
nodes = connection.sql("""
    SELECT * FROM (VALUES ('a', 4000, 110, 'z1'), ('b', 8000, 110, NULL))
    AS t(name, "allocatable/cpu", "allocatable/pods", "label/zone")
""")
bound = connection.sql("""SELECT 'web-0' AS name, 'b' AS node, 6000 AS "requests/cpu" """)
container = {"name": "web", "image": "web", "resources": {"requests": {"cpu": "3"}}}
pending = [{"metadata": {"name": f"web-{number}"}, "spec": {"containers": [container]}} for number in (1, 2)]

engine = Engine()
engine.add_nodes(nodes)
engine.add_pods(bound)
connection.register("decisions", engine.schedule(pending).to_arrow())
connection.register("after", engine.nodes())

for pod, node in connection.sql("SELECT pod, node FROM decisions").fetchall():
    print(f"{pod} -> {node}")
for name, requested in connection.sql('SELECT name, "requested/cpu" FROM after ORDER BY name').fetchall():
    print(f"{name}: {requested} millicores requested")
