"""A provisioner for claims of all classes that name one, like external CSI provisioners."""

from __future__ import annotations

from collections.abc import Iterable

from kschedcore.api.machinery.types import CLUSTER_SCOPE, Object
from kschedcore.api.volumes import BIND_COMPLETED, NO_PROVISIONER, SELECTED_NODE
from kschedcore.client.informer import Change, key_of
from kschedcore.controllers.controller import Controller, Key, Requeue, Watch, watch_objects
from kschedcore.controllers.persistentvolume.binder import selected_node
from kschedcore.rules.claim_matching import class_of, find_volume, provisioned_volume

__all__ = ["PersistentVolumeProvisioner"]

STORAGE_PROVISIONER = "volume.kubernetes.io/storage-provisioner"

_CLAIMS, _VOLUMES, _CLASSES = "persistentvolumeclaims", "persistentvolumes", "storageclasses.storage.k8s.io"
_ZONE = "topology.kubernetes.io/zone"


class PersistentVolumeProvisioner(Controller):
    """Creates a volume for each unbound claim whose class has a provisioner.

    Volumes have no storage: they are created at once, of any size. A volume for a pod's node is reachable from that
    node's zone, if nodes have zones.
    """

    name = "persistentvolume-provisioner"

    def watches(self) -> Iterable[Watch]:
        """Return claims, and classes, which concern waiting claims."""
        return watch_objects(_CLAIMS), Watch(_CLASSES, self._waiting)

    def _waiting(self, change: Change) -> Iterable[Key]:
        name = change.object["metadata"]["name"]
        return [key_of(claim) for claim in self.informers[_CLAIMS].all() if class_of(claim) == name]

    def reconcile(self, key: Key) -> Requeue | None:
        """Provision a volume for a claim that needs one."""
        claim = self.informers[_CLAIMS].get(*key)
        if claim is None or claim["metadata"].get("deletionTimestamp") or claim["spec"].get("volumeName"):
            return None
        annotations = claim["metadata"].get("annotations", {})
        storage_class = self.informers[_CLASSES].get(CLUSTER_SCOPE, class_of(claim))
        if (
            storage_class is None
            or storage_class["provisioner"] == NO_PROVISIONER
            or BIND_COMPLETED in annotations
        ):
            return None
        delayed = storage_class.get("volumeBindingMode") == "WaitForFirstConsumer"
        if delayed and SELECTED_NODE not in annotations:
            return None
        node = selected_node(claim, self.informers)
        if find_volume(claim, self.informers[_VOLUMES].all(), node) is not None:
            return None
        name = f"pvc-{claim['metadata']['uid']}"
        if self.informers[_VOLUMES].get(CLUSTER_SCOPE, name) is not None:
            return None
        self._announce(claim, storage_class["provisioner"])
        zone = None if node is None else node["metadata"].get("labels", {}).get(_ZONE)
        self.client.create(_VOLUMES, CLUSTER_SCOPE, provisioned_volume(name, claim, storage_class, zone))
        message = f"Successfully provisioned volume {name}"
        self.events.event(claim, "Normal", "ProvisioningSucceeded", message)
        return None

    def _announce(self, claim: Object, provisioner: str) -> None:
        if claim["metadata"].get("annotations", {}).get(STORAGE_PROVISIONER) != provisioner:
            namespace, name = key_of(claim)
            patch = {"metadata": {"annotations": {STORAGE_PROVISIONER: provisioner}}}
            self.client.patch(_CLAIMS, namespace, name, patch)
