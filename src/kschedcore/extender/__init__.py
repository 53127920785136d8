"""The other side of the extender protocol: a kube-scheduler asks, an engine answers."""
