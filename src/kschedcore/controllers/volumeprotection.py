"""Storage protection: finalizers keep claims used by pods, and bound volumes, from being deleted."""

from __future__ import annotations

from collections.abc import Iterable

from kschedcore.api.machinery.types import Object
from kschedcore.api.phases import has_ended
from kschedcore.client.informer import Change
from kschedcore.controllers.controller import Context, Controller, Key, Requeue, Watch, watch_objects

__all__ = ["ClaimProtectionController", "VolumeProtectionController"]

_CLAIM_FINALIZER = "kubernetes.io/pvc-protection"
_VOLUME_FINALIZER = "kubernetes.io/pv-protection"
_CLAIMS, _VOLUMES = "persistentvolumeclaims", "persistentvolumes"


class ClaimProtectionController(Controller):
    """Adds a finalizer to claims, and removes it from deleted claims that no pod uses any more."""

    name = "persistentvolumeclaim-protection-controller"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.informers["pods"].add_index("claim", claims_of)

    def watches(self) -> Iterable[Watch]:
        """Return claims, and pods, which concern their claims."""
        return watch_objects(_CLAIMS), Watch("pods", _released)

    def reconcile(self, key: Key) -> Requeue | None:
        """Reconcile one claim."""
        claim = self.informers[_CLAIMS].get(*key)
        if claim is not None:
            used = any(_uses(pod) for pod in self.informers["pods"].by("claim", key))
            _protect(self, _CLAIMS, claim, _CLAIM_FINALIZER, used=used)
        return None


class VolumeProtectionController(Controller):
    """Adds a finalizer to volumes, and removes it from deleted volumes that are not bound any more."""

    name = "persistentvolume-protection-controller"

    def watches(self) -> Iterable[Watch]:
        """Return volumes."""
        return (watch_objects(_VOLUMES),)

    def reconcile(self, key: Key) -> Requeue | None:
        """Reconcile one volume."""
        volume = self.informers[_VOLUMES].get(*key)
        if volume is not None:
            used = volume.get("status", {}).get("phase") == "Bound"
            _protect(self, _VOLUMES, volume, _VOLUME_FINALIZER, used=used)
        return None


def claims_of(pod: Object) -> Iterable[Key]:
    """Return the claims of a pod's volumes, those of ephemeral volumes included."""
    namespace, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
    for volume in pod["spec"].get("volumes", ()):
        if "persistentVolumeClaim" in volume:
            yield namespace, volume["persistentVolumeClaim"]["claimName"]
        elif "ephemeral" in volume:
            yield namespace, f"{name}-{volume['name']}"


def _uses(pod: Object) -> bool:
    # Pods without a node and finished pods do not use claims.
    return bool(pod["spec"].get("nodeName")) and not has_ended(pod)


def _released(change: Change) -> Iterable[Key]:
    old, new = change.old, change.new
    if new is not None and (_uses(new) or (old is not None and not _uses(old))):
        return ()
    return claims_of(change.object)


def _protect(controller: Controller, resource: str, obj: Object, finalizer: str, *, used: bool) -> None:
    metadata = obj["metadata"]
    finalizers = list(metadata.get("finalizers", ()))
    if metadata.get("deletionTimestamp"):
        if finalizer not in finalizers or used:
            return
        finalizers.remove(finalizer)
    elif finalizer in finalizers:
        return
    else:
        finalizers.append(finalizer)
    controller.client.update({**obj, "metadata": {**metadata, "finalizers": finalizers}}, resource)
