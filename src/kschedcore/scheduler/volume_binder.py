"""VolumeBinding's PreBind: select the node for a pod's unbound claims, and wait until they are bound.

A claim of a class with WaitForFirstConsumer gets the annotation ``volume.kubernetes.io/selected-node``; the volume
controllers bind it or provision a volume. Until then the pod is requeued, and tried again when one of its claims has
changed. The annotation then restricts it to the same node.
"""

from __future__ import annotations

from collections.abc import Iterator

from kschedcore.api.machinery.types import DEFAULT_NAMESPACE, Object
from kschedcore.api.objects import Pod
from kschedcore.api.volumes import BIND_COMPLETED, SELECTED_NODE
from kschedcore.client.informer import Informers
from kschedcore.client.verbs import Client
from kschedcore.engine.volumes import claims_of
from kschedcore.errors import KschedcoreError

__all__ = ["UnboundVolumesError", "VolumeBinder"]

_CLAIMS = "persistentvolumeclaims"


class UnboundVolumesError(KschedcoreError):
    """The pod's volumes are not bound yet."""


class VolumeBinder:
    """Selects nodes for claims.

    Args:
        client: Writes the annotations.
        informers: The claims.
    """

    def __init__(self, client: Client, informers: Informers) -> None:
        self._client = client
        self._informers = informers

    def has_work(self, pod: Pod) -> bool:
        """Return whether the pod has a claim that is not bound yet."""
        return any(self._unbound(pod))

    def select_node(self, pod: Pod, node: str) -> None:
        """Select the node for each claim of the pod that is not bound yet.

        Raises:
            UnboundVolumesError: There is such a claim.
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
        namespace = pod.metadata.namespace or DEFAULT_NAMESPACE
        for reference in claims_of(pod):
            claim = self._informers[_CLAIMS].get(namespace, reference.name)
            if claim is not None and BIND_COMPLETED not in claim["metadata"].get("annotations", {}):
                yield claim
