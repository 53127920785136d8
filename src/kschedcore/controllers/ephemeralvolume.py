"""The ephemeral volume controller: creates the claims of generic ephemeral volumes (KEP-1698)."""

from __future__ import annotations

from collections.abc import Iterable

from kschedcore.api.machinery.status import StatusError
from kschedcore.api.machinery.types import Object
from kschedcore.client.informer import Change, controller_of
from kschedcore.controllers.controller import Controller, Key, Requeue, Watch
from kschedcore.controllers.refmanager import controller_reference

__all__ = ["EphemeralVolumeController"]

_CLAIMS = "persistentvolumeclaims"


class EphemeralVolumeController(Controller):
    """Creates a claim, owned by the pod, for each ephemeral volume of a pod that has none."""

    name = "ephemeral-volume-controller"

    def watches(self) -> Iterable[Watch]:
        """Return pods with ephemeral volumes, and their deleted claims."""
        return Watch("pods", _with_volumes), Watch(_CLAIMS, _owner_of_gone)

    def reconcile(self, key: Key) -> Requeue | None:
        """Create the missing claims of one pod."""
        pod = self.informers["pods"].get(*key)
        if pod is None or pod["metadata"].get("deletionTimestamp"):
            return None
        for volume in _ephemeral_volumes(pod):
            self._ensure(pod, volume)
        return None

    def _ensure(self, pod: Object, volume: Object) -> None:
        namespace, name = pod["metadata"]["namespace"], f"{pod['metadata']['name']}-{volume['name']}"
        found = self.informers[_CLAIMS].get(namespace, name)
        if found is not None:
            owner = controller_of(found)
            if owner is None or owner["uid"] != pod["metadata"]["uid"]:
                message = (
                    f"PVC {namespace}/{name} was not created for pod {namespace}/{pod['metadata']['name']}"
                )
                raise StatusError(409, "Conflict", f"{message} (pod is not owner)")
            return
        template = volume["ephemeral"].get("volumeClaimTemplate", {})
        given = template.get("metadata", {})
        metadata = {key: given[key] for key in ("annotations", "labels") if given.get(key)}
        claim = {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {**metadata, "name": name, "ownerReferences": [_owner_reference(pod)]},
            "spec": template.get("spec", {}),
        }
        try:
            self.client.create(_CLAIMS, namespace, claim)
        except StatusError as refusal:
            message = f"ephemeral volume {volume['name']}: create PVC {name}: {refusal.message}"
            self.events.event(pod, "Warning", "FailedCreate", message)
            raise


def _owner_reference(pod: Object) -> Object:
    # Objects from a list come without their kind.
    return controller_reference({"apiVersion": "v1", "kind": "Pod", **pod})


def _ephemeral_volumes(pod: Object) -> list[Object]:
    return [volume for volume in pod["spec"].get("volumes", ()) if volume.get("ephemeral")]


def _with_volumes(change: Change) -> Iterable[Key]:
    pod = change.new
    if pod is None or change.old is not None or not _ephemeral_volumes(pod):
        return ()
    return ((pod["metadata"]["namespace"], pod["metadata"]["name"]),)


def _owner_of_gone(change: Change) -> Iterable[Key]:
    owner = controller_of(change.object) if change.new is None else None
    if owner is None or owner["kind"] != "Pod":
        return ()
    return ((change.object["metadata"]["namespace"], owner["name"]),)
