"""VolumeZone: volumes labelled with a zone or region need a node of it."""

from tests.model.framework import SKIP, Plugin, Prepared, Status
from tests.model.labels import Json
from tests.model.plugins.volumes import class_name, named_claims, not_found
from tests.model.snapshot import NodeInfo, Snapshot, labels_of

GA_LABELS = {
    "failure-domain.beta.kubernetes.io/zone": "topology.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/region": "topology.kubernetes.io/region",
}
TOPOLOGY_LABELS = (*GA_LABELS, *GA_LABELS.values())


class VolumeZone(Plugin):
    name = "VolumeZone"
    extension_points = frozenset({"preFilter", "filter"})

    def pre_filter(self, pod: Json, snapshot: Snapshot) -> Prepared:
        wanted: list[tuple[str, frozenset[str]]] = []
        objects = snapshot.objects
        for key in named_claims(pod):
            claim = objects.persistent_volume_claims.get(key)
            if claim is None:
                return Prepared(rejected=self.unresolvable(not_found(key)))
            name = claim["spec"].get("volumeName")
            if not name:
                reason = self._unbound_problem(claim, snapshot)
                if reason:
                    return Prepared(rejected=self.unresolvable(reason))
                continue
            volume = objects.persistent_volumes.get(name)
            if volume is None:
                return Prepared(rejected=self.unresolvable(f'persistentvolume "{name}" not found'))
            labels = labels_of(volume)
            zones = {k: frozenset(labels[k].split("__")) for k in TOPOLOGY_LABELS if k in labels}
            wanted += [(k, allowed) for k, allowed in zones.items() if "" not in allowed]
        return Prepared(wanted) if wanted else SKIP

    @staticmethod
    def _unbound_problem(claim: Json, snapshot: Snapshot) -> str | None:
        """An unbound claim is fine only while its class waits for the pod's node."""
        name = class_name(claim)
        if not name:
            return "PersistentVolumeClaim had no pv name and storageClass name"
        storage_class = snapshot.objects.storage_classes.get(name)
        if storage_class is None:
            return f'storageclass.storage.k8s.io "{name}" not found'
        mode = storage_class.get("volumeBindingMode")
        if mode is None:
            return f'VolumeBindingMode not set for StorageClass "{name}"'
        return None if mode == "WaitForFirstConsumer" else "PersistentVolume had no name"

    def filter(self, state: list[tuple[str, frozenset[str]]], pod: Json, info: NodeInfo) -> Status | None:
        """A node without any such label is in no zone, and every volume may go there."""
        if not any(key in info.labels for key in TOPOLOGY_LABELS):
            return None
        for key, allowed in state:
            value = info.labels.get(key, info.labels.get(GA_LABELS.get(key, key)))
            if value not in allowed:
                return self.unresolvable("node(s) had no available volume zone")
        return None
