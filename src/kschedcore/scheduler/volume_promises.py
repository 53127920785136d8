"""Volumes of a pod that has a node: claims are promised to the node, and the pod waits until they are bound.

This is the binding half of VolumeBinding. A claim of a class that waits for its first consumer is given the
annotation ``volume.kubernetes.io/selected-node``; the volume controllers bind it or have a volume made. Until
then the pod goes back to the queue, and is tried again when a claim of it has changed: it then finds the claims
promised, so that only the same node will do.
"""

from __future__ import annotations

from collections.abc import Iterator

from kschedcore.api.machinery.types import Object
from kschedcore.api.objects import Pod
from kschedcore.client.informer import Informers
from kschedcore.client.verbs import Client
from kschedcore.engine.binding import key_of
from kschedcore.engine.volumes import BIND_COMPLETED, SELECTED_NODE, claims_of
from kschedcore.errors import KschedcoreError

__all__ = ["UnboundVolumesError", "VolumePromises"]

_CLAIMS = "persistentvolumeclaims"


class UnboundVolumesError(KschedcoreError):
    """The pod's volumes are not bound yet."""


class VolumePromises:
    """Promises claims to nodes.

    Args:
        client: Writes the promises.
        informers: Where claims are found.
    """

    def __init__(self, client: Client, informers: Informers) -> None:
        self._client = client
        self._informers = informers

    def keep(self, pod: Pod, node: str) -> None:
        """Promise what is not bound yet to the node.

        Raises:
            UnboundVolumesError: Something was not.
        """
        unbound = list(self._unbound(pod))
        for claim in unbound:
            metadata = claim["metadata"]
            if metadata.get("annotations", {}).get(SELECTED_NODE) != node:
                patch = {"metadata": {"annotations": {SELECTED_NODE: node}}}
                self._client.patch(_CLAIMS, metadata["namespace"], metadata["name"], patch)
        if unbound:
            names = ", ".join(claim["metadata"]["name"] for claim in unbound)
            raise UnboundVolumesError(f"waiting for claims to be bound: {names}")

    def _unbound(self, pod: Pod) -> Iterator[Object]:
        if not pod.spec.volumes:
            return
        namespace, _ = key_of(pod)
        for reference in claims_of(pod):
            claim = self._informers[_CLAIMS].get(namespace, reference.name)
            if claim is not None and BIND_COMPLETED not in claim["metadata"].get("annotations", {}):
                yield claim
