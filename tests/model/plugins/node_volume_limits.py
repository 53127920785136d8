"""NodeVolumeLimits: how many volumes of a CSI driver a node can attach."""

from collections import Counter

from tests.model.framework import SKIP, Plugin, Prepared, Status
from tests.model.labels import Json
from tests.model.plugins.volumes import claim_volumes, class_name, volumes_of
from tests.model.snapshot import Key, NodeInfo, Objects, Snapshot

Handle = tuple[str, str]

MIGRATED = {
    "kubernetes.io/aws-ebs": "ebs.csi.aws.com",
    "kubernetes.io/gce-pd": "pd.csi.storage.gke.io",
    "kubernetes.io/azure-disk": "disk.csi.azure.com",
    "kubernetes.io/cinder": "cinder.csi.openstack.org",
    "kubernetes.io/portworx-volume": "pxd.portworx.com",
}
"""In-tree provisioner: the CSI driver that replaced it."""


def driver_and_handle(claim_key: Key, claim: Json, objects: Objects) -> Handle | None:
    """The CSI volume behind a claim; before one is provisioned, the class's driver and a name of its own."""
    volume = objects.persistent_volumes.get((claim.get("spec") or {}).get("volumeName") or "")
    if volume is None:
        storage_class = objects.storage_classes.get(class_name(claim))
        if storage_class is None:
            return None
        provisioner = storage_class["provisioner"]
        if provisioner in ("kubernetes.io/azure-file", "kubernetes.io/vsphere-volume"):
            return None
        return str(MIGRATED.get(provisioner, provisioner)), f"claim {'/'.join(claim_key)}"
    csi = volume["spec"].get("csi")
    if csi:
        return csi["driver"], csi["volumeHandle"]
    return migrated(volume["spec"], (volume["metadata"].get("labels") or {}))


def migrated(source: Json, labels: dict[str, str]) -> Handle | None:
    """An in-tree volume as its CSI driver knows it (csi-translation-lib)."""
    if "awsElasticBlockStore" in source:
        disk = source["awsElasticBlockStore"]["volumeID"]
        if disk.startswith("aws://"):
            disk = disk.rsplit("/", 1)[1]
            if not disk.startswith("vol-"):
                return None
        return "ebs.csi.aws.com", disk
    if "gcePersistentDisk" in source:
        zones = (
            labels.get("failure-domain.beta.kubernetes.io/zone")
            or labels.get("topology.kubernetes.io/zone")
            or "UNSPECIFIED"
        ).split("__")
        place = f"zones/{zones[0]}"
        if len(zones) > 1:
            regions = {"-".join(zone.split("-")[:2]) for zone in zones}
            if len(regions) > 1 or any(len(zone.split("-")) != 3 for zone in zones):
                return None
            place = f"regions/{min(regions)}"
        name = source["gcePersistentDisk"]["pdName"]
        return "pd.csi.storage.gke.io", f"projects/UNSPECIFIED/{place}/disks/{name}"
    if "azureDisk" in source:
        disk = source["azureDisk"]
        return ("disk.csi.azure.com", disk["diskURI"]) if disk.get("kind", "Managed") == "Managed" else None
    if "cinder" in source:
        return "cinder.csi.openstack.org", source["cinder"]["volumeID"]
    if "portworxVolume" in source:
        return "pxd.portworx.com", source["portworxVolume"]["volumeID"]
    return None


def attached(pod: Json, objects: Objects) -> set[Handle]:
    """The CSI volumes of a pod whose claims exist, and its own in-tree disks."""
    found = {handle for volume in volumes_of(pod) if (handle := migrated(volume, {}))}
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
        own = any(migrated(volume, {}) for volume in volumes_of(pod))
        return Prepared(snapshot.objects) if own or any(claim_volumes(pod)) else SKIP

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
