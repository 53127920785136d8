"""Serve a cluster's API over HTTPS, for kubectl, helm and every other client."""

from kschedcore.serving.server import ServedCluster, serve

__all__ = ["ServedCluster", "serve"]
