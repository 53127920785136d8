"""PodTopologyLabels: copies the zone and region labels of a node to its pods (KEP-4742)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kschedcore.api.machinery.types import CLUSTER_SCOPE
from kschedcore.apiserver.admission.plugins.base import BasePlugin
from kschedcore.apiserver.admission.types import AdmissionRequest, ObjectReader

__all__ = ["PodTopologyLabels", "with_topology"]

_COPIED = ("topology.kubernetes.io/zone", "topology.kubernetes.io/region")


class PodTopologyLabels(BasePlugin):
    """Copies the labels of the node when a pod is created with a node, or bound (:func:`with_topology`)."""

    kinds = ("Pod",)

    def __init__(self, reader: ObjectReader) -> None:
        self._reader = reader

    def may_change(self, request: AdmissionRequest) -> bool:
        """Return whether the pod lacks topology labels of its node."""
        pod = request.object
        if pod is None or request.subresource or not (node := pod["spec"].get("nodeName")):
            return False
        labels = pod["metadata"].get("labels", {})
        return with_topology(labels, self._reader, node) is not labels

    def admit(self, request: AdmissionRequest) -> None:
        """Label a pod that has a node."""
        pod = request.object
        if pod is not None and not request.subresource and (node := pod["spec"].get("nodeName")):
            labels = pod["metadata"].get("labels", {})
            completed = with_topology(labels, self._reader, node)
            if completed is not labels:
                pod["metadata"]["labels"] = completed


def with_topology(labels: Mapping[str, str], reader: ObjectReader, name: str) -> Any:
    """Return a pod's labels with missing topology labels of its node; the same object if none is missing."""
    node = reader.get("nodes", CLUSTER_SCOPE, name)
    if node is None:
        return labels
    of_node = node["metadata"].get("labels", {})
    missing = {key: of_node[key] for key in _COPIED if key in of_node and key not in labels}
    return {**labels, **missing} if missing else labels
