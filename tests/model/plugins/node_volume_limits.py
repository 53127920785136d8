"""NodeVolumeLimits: how many volumes of a CSI driver a node can attach."""

from collections import Counter

from tests.model.framework import SKIP, Plugin, Prepared, Status
from tests.model.labels import Json
from tests.model.plugins.volumes import claim_volumes, class_name
from tests.model.snapshot import Key, NodeInfo, Objects, Snapshot

Handle = tuple[str, str]


def driver_and_handle(claim_key: Key, claim: Json, objects: Objects) -> Handle | None:
    """The CSI volume behind a claim; before one is provisioned, the class's driver and a name of its own."""
    volume = objects.persistent_volumes.get((claim.get("spec") or {}).get("volumeName") or "")
    if volume is None:
        storage_class = objects.storage_classes.get(class_name(claim))
        return (storage_class["provisioner"], f"claim {'/'.join(claim_key)}") if storage_class else None
    csi = volume["spec"].get("csi")
    return (csi["driver"], csi["volumeHandle"]) if csi else None


def attached(pod: Json, objects: Objects) -> set[Handle]:
    """The CSI volumes of a pod whose claims exist."""
    found = set()
    for key, _ in claim_volumes(pod):
        claim = objects.persistent_volume_claims.get(key)
        handle = driver_and_handle(key, claim, objects) if claim else None
        if handle:
            found.add(handle)
    return found


class NodeVolumeLimits(Plugin):
    name = "NodeVolumeLimits"
    extension_points = frozenset({"preFilter", "filter"})

    def pre_filter(self, pod: Json, snapshot: Snapshot) -> Prepared:
        return Prepared(snapshot.objects) if any(claim_volumes(pod)) else SKIP

    def filter(self, state: Objects, pod: Json, info: NodeInfo) -> Status | None:
        """A volume that the node has attached already costs nothing more."""
        for key, _ in claim_volumes(pod):
            if key not in state.persistent_volume_claims:
                return self.unresolvable(
                    f'looking up PVC {"/".join(key)}: persistentvolumeclaim "{key[1]}" not found'
                )
        limits = self._limits(state, info)
        present: set[Handle] = set().union(
            *(attached(other, state) for other in info.pods)
        ) | self._elsewhere(state, info)
        added = Counter(driver for driver, _ in attached(pod, state) - present)
        taken = Counter(driver for driver, _ in present)
        if any(taken[driver] + more > limits[driver] for driver, more in added.items() if driver in limits):
            return self.unschedulable("node(s) exceed max volume count")
        return None

    @staticmethod
    def _limits(objects: Objects, info: NodeInfo) -> dict[str, int]:
        """From the node's CSINode; a driver without a count has no limit."""
        drivers = (objects.csi_nodes.get(info.name) or {"spec": {}})["spec"].get("drivers") or []
        counts = {driver["name"]: (driver.get("allocatable") or {}).get("count") for driver in drivers}
        return {name: count for name, count in counts.items() if count is not None}

    @staticmethod
    def _elsewhere(objects: Objects, info: NodeInfo) -> set[Handle]:
        """Attachments to this node that no running pod accounts for."""
        found = set()
        for attachment in objects.volume_attachments.values():
            spec = attachment["spec"]
            volume = objects.persistent_volumes.get(
                (spec.get("source") or {}).get("persistentVolumeName") or ""
            )
            csi = (volume or {"spec": {}})["spec"].get("csi")
            if spec.get("nodeName") == info.name and csi:
                found.add((csi["driver"], csi["volumeHandle"]))
        return found
