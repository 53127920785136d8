"""The persistent volume controller: binds claims and volumes, and reclaims released volumes.

Rules: "Persistent Volumes" in the reference (binding, delayed binding, reclaiming).
"""

from __future__ import annotations

from collections.abc import Iterable

from kschedcore.api.machinery.frozen import plain
from kschedcore.api.machinery.types import CLUSTER_SCOPE, Object
from kschedcore.api.volumes import BIND_COMPLETED, IS_DEFAULT_CLASS, NO_PROVISIONER, SELECTED_NODE
from kschedcore.client.informer import Change, Informers, key_of
from kschedcore.controllers.controller import Controller, Key, Requeue, Watch, watch_objects
from kschedcore.rules.admission.default_classes import default_class
from kschedcore.rules.claim_matching import (
    class_of,
    find_volume,
    is_reserved_for,
    mismatch,
)

__all__ = ["PersistentVolumeController", "selected_node"]

BOUND_BY_CONTROLLER = "pv.kubernetes.io/bound-by-controller"

_CLAIMS, _VOLUMES, _CLASSES = "persistentvolumeclaims", "persistentvolumes", "storageclasses.storage.k8s.io"


class PersistentVolumeController(Controller):
    """Binds claims and volumes (``v1``), each to one other.

    A volume is reserved before its claim is bound, so that no two claims are bound to one volume. Keys with a
    namespace are claims, keys without are volumes.
    """

    name = "persistentvolume-controller"

    def watches(self) -> Iterable[Watch]:
        """Return claims and volumes, each of which concerns the other, and classes, which concern waiting claims."""
        return (
            watch_objects(_CLAIMS),
            Watch(_CLAIMS, _volume_of),
            watch_objects(_VOLUMES),
            Watch(_VOLUMES, self._claims_for),
            Watch(_CLASSES, self._waiting),
        )

    def _waiting(self, change: Change) -> Iterable[Key]:
        """Return the claims that wait for the class, or for a default class."""
        name = change.object["metadata"]["name"]
        return [key_of(claim) for claim in self._unbound() if class_of(claim) in (name, "")]

    def _claims_for(self, change: Change) -> Iterable[Key]:
        volume = change.object
        reference = volume["spec"].get("claimRef")
        if reference:
            return ((reference.get("namespace", ""), reference.get("name", "")),)
        return [key_of(claim) for claim in self._unbound() if class_of(claim) == class_of(volume)]

    def _unbound(self) -> list[Object]:
        return [claim for claim in self.informers[_CLAIMS].all() if not _is_bound(claim)]

    def reconcile(self, key: Key) -> Requeue | None:
        """Reconcile one claim or one volume."""
        namespace, name = key
        if namespace:
            claim = self.informers[_CLAIMS].get(namespace, name)
            if claim is not None and not claim["metadata"].get("deletionTimestamp"):
                self._claim(claim)
        else:
            volume = self.informers[_VOLUMES].get(CLUSTER_SCOPE, name)
            if volume is not None:
                self._volume(volume)
        return None

    def _claim(self, claim: Object) -> None:
        if _is_bound(claim):
            self._bound_claim(claim)
            return
        if claim["spec"].get("volumeName"):
            self._claim_of_named_volume(claim, claim["spec"]["volumeName"])
            return
        storage_class = self.informers[_CLASSES].get(CLUSTER_SCOPE, class_of(claim))
        node = selected_node(claim, self.informers)
        delayed = _delays(storage_class, claim)
        volume = find_volume(claim, self.informers[_VOLUMES].all(), node, delayed=delayed)
        if volume is not None:
            self._bind(claim, volume)
            return
        if self._assign_default_class(claim):
            return
        self._pend(claim)
        self._say_why_unbound(claim, storage_class)

    def _claim_of_named_volume(self, claim: Object, name: str) -> None:
        """Bind a claim to the volume that it names, if the volume is free and satisfies it."""
        volume = self.informers[_VOLUMES].get(CLUSTER_SCOPE, name)
        if volume is None or (volume["spec"].get("claimRef") and not is_reserved_for(volume, claim)):
            self._pend(claim)
            return
        why = "" if volume["spec"].get("claimRef") else mismatch(volume, claim)
        if not why:
            self._bind(claim, volume)
            return
        message = f'Cannot bind to requested volume "{name}": {why}'
        self.events.event(claim, "Warning", "VolumeMismatch", message)
        self._pend(claim)

    def _pend(self, claim: Object) -> None:
        if claim.get("status", {}).get("phase") != "Pending":
            self._claim_status(claim, {"phase": "Pending"})

    def _assign_default_class(self, claim: Object) -> bool:
        """Give a claim that names no class the default one; return whether there is one (KEP-3333)."""
        if claim["spec"].get("storageClassName") is not None or class_of(claim):
            return False
        name = default_class(self.informers[_CLASSES].all(), IS_DEFAULT_CLASS)
        if name is None:
            return False
        self.client.update({**claim, "spec": {**claim["spec"], "storageClassName": name}}, _CLAIMS)
        return True

    def _say_why_unbound(self, claim: Object, storage_class: Object | None) -> None:
        if _delays(storage_class, claim):
            message = "waiting for first consumer to be created before binding"
            self.events.event(claim, "Normal", "WaitForFirstConsumer", message)
        elif storage_class is None:
            message = "no persistent volumes available for this claim and no storage class is set"
            if class_of(claim):
                message = f'storageclass.storage.k8s.io "{class_of(claim)}" not found'
            self.events.event(
                claim, "Warning" if class_of(claim) else "Normal",
                "ProvisioningFailed" if class_of(claim) else "FailedBinding", message,
            )  # fmt: skip
        elif storage_class["provisioner"] == NO_PROVISIONER:
            message = "storageclass has no provisioner, and no persistent volume suits the claim"
            self.events.event(claim, "Normal", "FailedBinding", message)

    def _bound_claim(self, claim: Object) -> None:
        volume = self.informers[_VOLUMES].get(CLUSTER_SCOPE, claim["spec"].get("volumeName", ""))
        if volume is not None and (not volume["spec"].get("claimRef") or is_reserved_for(volume, claim)):
            self._bind(claim, volume)
        elif claim.get("status", {}).get("phase") != "Lost":
            self._claim_status(claim, {"phase": "Lost"})
            message = "Bound claim has lost its PersistentVolume. Data on the volume is lost!"
            if volume is not None:
                message = "Two claims are bound to the same volume, this one is bound incorrectly"
            self.events.event(claim, "Warning", "ClaimLost" if volume is None else "ClaimMisbound", message)

    def _bind(self, claim: Object, volume: Object) -> None:
        """Reserve the volume, then bind the claim; both steps are idempotent."""
        metadata = claim["metadata"]
        reference = {
            "kind": "PersistentVolumeClaim",
            "apiVersion": "v1",
            "namespace": metadata["namespace"],
            "name": metadata["name"],
            "uid": metadata["uid"],
        }
        before = volume["spec"].get("claimRef")
        if not before or before.get("uid") != metadata["uid"]:
            after = plain(volume)
            after["spec"]["claimRef"] = {**reference, "resourceVersion": metadata["resourceVersion"]}
            if not before:
                after["metadata"].setdefault("annotations", {})[BOUND_BY_CONTROLLER] = "yes"
            volume = self.client.update(after, _VOLUMES)
        self._volume_phase(volume, "Bound")
        if not _is_bound(claim) or claim["spec"].get("volumeName") != volume["metadata"]["name"]:
            after = plain(claim)
            annotations = after["metadata"].setdefault("annotations", {})
            if not after["spec"].get("volumeName"):
                annotations[BOUND_BY_CONTROLLER] = "yes"
            annotations[BIND_COMPLETED] = "yes"
            after["spec"]["volumeName"] = volume["metadata"]["name"]
            claim = self.client.update(after, _CLAIMS)
        self._claim_status(claim, {
            "phase": "Bound",
            "accessModes": list(volume["spec"].get("accessModes", ())),
            "capacity": dict(volume["spec"].get("capacity", {})),
        })  # fmt: skip

    def _claim_status(self, claim: Object, status: Object) -> Object:
        if {**claim.get("status", {}), **status} == claim.get("status"):
            return claim
        return self.client.update_status({**claim, "status": {**claim.get("status", {}), **status}}, _CLAIMS)

    def _volume(self, volume: Object) -> None:
        reference = volume["spec"].get("claimRef")
        if not reference:
            self._volume_phase(volume, "Available")
            return
        claim = self.informers[_CLAIMS].get(reference.get("namespace", ""), reference.get("name", ""))
        if not reference.get("uid"):
            # A user reserved the volume for a claim that is not bound to it yet.
            self._volume_phase(volume, "Available")
            return
        if claim is not None and claim["metadata"]["uid"] == reference["uid"]:
            if claim["spec"].get("volumeName") == volume["metadata"]["name"]:
                self._volume_phase(volume, "Bound")
            return
        if volume.get("status", {}).get("phase") != "Failed":
            self._volume_phase(volume, "Released")
        if volume["spec"].get("persistentVolumeReclaimPolicy") == "Delete":
            metadata = volume["metadata"]
            if not metadata.get("deletionTimestamp"):
                self.client.delete(_VOLUMES, CLUSTER_SCOPE, metadata["name"], uid=metadata["uid"])

    def _volume_phase(self, volume: Object, phase: str) -> None:
        if volume.get("status", {}).get("phase") != phase:
            self.client.update_status(
                {**volume, "status": {**volume.get("status", {}), "phase": phase}}, _VOLUMES
            )


def selected_node(claim: Object, informers: Informers) -> Object | None:
    """Return the node that the scheduler has selected for a claim."""
    name = claim["metadata"].get("annotations", {}).get(SELECTED_NODE)
    return None if name is None else informers["nodes"].get(CLUSTER_SCOPE, name)


def _is_bound(claim: Object) -> bool:
    return BIND_COMPLETED in claim["metadata"].get("annotations", {})


def _delays(storage_class: Object | None, claim: Object) -> bool:
    """Return whether binding waits for a pod with the claim to have a node (WaitForFirstConsumer)."""
    if storage_class is None or storage_class.get("volumeBindingMode") != "WaitForFirstConsumer":
        return False
    return SELECTED_NODE not in claim["metadata"].get("annotations", {})


def _volume_of(change: Change) -> Iterable[Key]:
    """Return the key of a claim's volume, if the claim was deleted or bound."""
    name = change.object["spec"].get("volumeName")
    return (("", name),) if name else ()
