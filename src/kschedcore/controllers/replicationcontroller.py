"""The ReplicationController controller."""

from __future__ import annotations

from kschedcore.controllers.replicaset import ReplicaSetController

__all__ = ["ReplicationControllerController"]


class ReplicationControllerController(ReplicaSetController):
    """Keeps the pods and the counts in the status of ReplicationControllers (``v1``)."""

    name = "replication-controller"
    resource = "replicationcontrollers"
    counts_terminating = False
