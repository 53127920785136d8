"""The shop moves in for real: a whole cluster in simulated time, minutes of it in a moment."""

import kschedcore as ks

with ks.Cluster.simulated(nodes="cluster.yaml", namespace="shop", seed=7) as cluster:
    print(cluster.apply("app.yaml"))
    cluster.run_until_settled()
    print(cluster.table("pods"), end="\n\n")

    print(cluster.set_image("deployment/web", web="registry.example.com/shop/web:1.9"))
    print(cluster.rollout_status("deployment/web"), end="\n\n")

    cluster.fail_node("web-a1")
    cluster.run_for("7m")
    print(cluster.table("pods", selector="app=web"), end="\n\n")

    for event in cluster.events("deployment/web") + cluster.events("node/web-a1"):
        print(event["lastTimestamp"], event["reason"], event["message"])
