"""A whole cluster in a Python program, and kubectl's verbs for it."""

from __future__ import annotations

from kschedcore.cluster.cluster import Cluster

__all__ = ["Cluster"]
