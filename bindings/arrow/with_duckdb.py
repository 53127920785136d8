"""Nodes, bound and pending pods from duckdb, decisions and the node table queried by duckdb."""

import duckdb

from kschedcore import Engine

connection = duckdb.connect()
nodes = connection.sql("""
    SELECT * FROM (VALUES ('a', 4000, 110, 'z1'), ('b', 8000, 110, NULL))
    AS t(name, "allocatable/cpu", "allocatable/pods", "label/zone")
""")
bound = connection.sql("""SELECT 'web-0' AS name, 'b' AS node, 6000 AS "requests/cpu" """)
pending = connection.sql("""SELECT 'web-' || n AS name, 3000 AS "requests/cpu" FROM range(1, 3) AS t(n)""")

engine = Engine()
engine.add_nodes(nodes)
engine.add_pods(bound)
connection.register("decisions", engine.place(pending))
connection.register("after", engine.nodes())

for pod, node in connection.sql("SELECT pod, node FROM decisions").fetchall():
    print(f"{pod} -> {node}")
for name, requested in connection.sql('SELECT name, "requested/cpu" FROM after ORDER BY name').fetchall():
    print(f"{name}: {requested} millicores requested")
