"""The cluster's objects other than nodes and pods that plugins read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from kschedcore._native.transactions import Journal
from kschedcore.api.machinery import kinds
from kschedcore.api.machinery.kinds import KINDS, is_cluster_scoped
from kschedcore.api.objects import (
    CSIDriver,
    CSINode,
    CSIStorageCapacity,
    PersistentVolume,
    PersistentVolumeClaim,
    PodDisruptionBudget,
    ReplicaSet,
    ReplicationController,
    ResourceClaimTemplate,
    Service,
    StatefulSet,
    StorageClass,
    VolumeAttachment,
)
from kschedcore.engine.devices.state import Devices

if TYPE_CHECKING:
    from kschedcore._native.core import Core

GROUPS = {kind.resource.kind: kind.lookup for kind in KINDS if kind.lookup}
"""Kind -> the group of kinds whose changes are counted together."""

VIEWS = {kind: kinds.VIEWS[kind] for kind in GROUPS}
"""Kind -> its typed view."""

_OF_DEVICES = frozenset({"devices", "claims"})
"""The groups that :class:`Devices` is notified of."""


class Listers:
    """Objects by kind, namespace and name, with a version per group of kinds.

    Args:
        journal: The undo log.
        core: The native state.

    Attributes:
        versions: Group -> a counter of changes of its objects.
        changes: A counter of changes of all objects.
        devices: The devices and claims.
    """

    def __init__(self, journal: Journal, core: Core) -> None:
        self._journal = journal
        self.versions = dict.fromkeys(GROUPS.values(), 0)
        self.changes = 0
        self._objects: dict[str, dict[tuple[str, str], Any]] = {kind: {} for kind in GROUPS}
        self.devices = Devices(core, self._objects.__getitem__)

    def set(self, kind: str, item: Any) -> None:
        """Add an object, or replace the one of the same namespace and name."""
        objects, key = self._objects[kind], self._key(kind, item)
        before = objects.get(key)
        if before is None:
            self._journal.record(self.remove, kind, key[1], key[0])
        else:
            self._journal.record(self.set, kind, before)
        objects[key] = item
        self._changed(kind, before, item)

    def remove(self, kind: str, name: str, namespace: str = "default") -> bool:
        """Remove an object; return whether it existed."""
        place = "" if is_cluster_scoped(kind) else namespace
        objects = self._objects[kind]
        if (place, name) not in objects:
            return False
        item = objects[place, name]
        self._journal.record(self._put_back, kind, dict(objects) if self._journal.is_open else {}, item)
        del objects[place, name]
        self._changed(kind, item, None)
        return True

    def _put_back(self, kind: str, objects: dict[tuple[str, str], Any], item: Any) -> None:
        """Restore a removed object at its position among the objects of its kind."""
        before = self._objects[kind].get(self._key(kind, item))
        self._objects[kind] = objects
        self._changed(kind, before, item)

    def recover(self) -> None:
        """Count every group as changed, since an interrupted change may not have been counted."""
        for group in self.versions:
            self.versions[group] += 1
        self.changes += 1
        self.devices.recover()

    def _changed(self, kind: str, old: Any, new: Any) -> None:
        group = GROUPS[kind]
        self.versions[group] += 1
        self.changes += 1
        if group in _OF_DEVICES:
            self.devices.changed(kind, old, new)

    @staticmethod
    def _key(kind: str, item: Any) -> tuple[str, str]:
        namespace = "" if is_cluster_scoped(kind) else item.metadata.namespace or "default"
        return namespace, item.metadata.name

    def _in(self, kind: str, namespace: str) -> Iterable[Any]:
        return (item for (place, _), item in self._objects[kind].items() if place == namespace)

    def services(self, namespace: str) -> Iterable[Service]:
        """Return the services of a namespace."""
        return self._in("Service", namespace)

    def replication_controller(self, namespace: str, name: str) -> ReplicationController | None:
        """Return a ReplicationController by name."""
        return self._objects["ReplicationController"].get((namespace, name))

    def replica_set(self, namespace: str, name: str) -> ReplicaSet | None:
        """Return a ReplicaSet by name."""
        return self._objects["ReplicaSet"].get((namespace, name))

    def stateful_set(self, namespace: str, name: str) -> StatefulSet | None:
        """Return a StatefulSet by name."""
        return self._objects["StatefulSet"].get((namespace, name))

    def persistent_volumes(self) -> Iterable[PersistentVolume]:
        """Return all PersistentVolumes."""
        return self._objects["PersistentVolume"].values()

    def persistent_volume(self, name: str) -> PersistentVolume | None:
        """Return a PersistentVolume by name."""
        return self._objects["PersistentVolume"].get(("", name))

    def persistent_volume_claim(self, namespace: str, name: str) -> PersistentVolumeClaim | None:
        """Return a PersistentVolumeClaim by namespace and name."""
        return self._objects["PersistentVolumeClaim"].get((namespace, name))

    def storage_class(self, name: str) -> StorageClass | None:
        """Return a StorageClass by name."""
        return self._objects["StorageClass"].get(("", name))

    def csi_node(self, name: str) -> CSINode | None:
        """Return the CSINode of a node."""
        return self._objects["CSINode"].get(("", name))

    def csi_nodes(self) -> Iterable[CSINode]:
        """Return all CSINodes."""
        return self._objects["CSINode"].values()

    def csi_driver(self, name: str) -> CSIDriver | None:
        """Return a CSIDriver by name."""
        return self._objects["CSIDriver"].get(("", name))

    def storage_capacities(self) -> Iterable[CSIStorageCapacity]:
        """Return all CSIStorageCapacities."""
        return self._objects["CSIStorageCapacity"].values()

    def volume_attachments(self) -> Iterable[VolumeAttachment]:
        """Return all VolumeAttachments."""
        return self._objects["VolumeAttachment"].values()

    def claim_template(self, namespace: str, name: str) -> ResourceClaimTemplate | None:
        """Return a ResourceClaimTemplate by namespace and name."""
        return self._objects["ResourceClaimTemplate"].get((namespace, name))

    def disruption_budgets(self) -> Iterable[PodDisruptionBudget]:
        """Return all PodDisruptionBudgets."""
        return self._objects["PodDisruptionBudget"].values()
