"""VolumeRestrictions: disks that attach once, and claims that one pod may use (ReadWriteOncePod)."""

from dataclasses import dataclass

from tests.model.framework import SKIP, Plugin, Prepared, Status
from tests.model.labels import Json
from tests.model.plugins.volumes import named_claims, not_found, volumes_of
from tests.model.snapshot import NodeInfo, Snapshot

SINGLE_ATTACH = ("gcePersistentDisk", "awsElasticBlockStore", "iscsi", "rbd")


@dataclass
class ClaimsInUse:
    """The pod's ReadWriteOncePod claims, and how many uses of them stand in the way."""

    names: frozenset[str]
    uses: int


def disks_conflict(kind: str, one: Json, other: Json) -> bool:
    """Whether two volumes are one disk that two pods may not share; all but EBS may be shared read-only."""
    if kind == "awsElasticBlockStore":
        return bool(one["volumeID"] == other["volumeID"])
    if one.get("readOnly") and other.get("readOnly"):
        return False
    match kind:
        case "gcePersistentDisk":
            return bool(one["pdName"] == other["pdName"])
        case "iscsi":
            return bool(one["iqn"] == other["iqn"])
    same_image = (one.get("pool") or "rbd", one["image"]) == (other.get("pool") or "rbd", other["image"])
    return same_image and bool(set(one["monitors"]) & set(other["monitors"]))


class VolumeRestrictions(Plugin):
    name = "VolumeRestrictions"
    extension_points = frozenset({"preFilter", "filter"})

    def pre_filter(self, pod: Json, snapshot: Snapshot) -> Prepared:
        once = set()
        for claim in named_claims(pod):
            found = snapshot.objects.persistent_volume_claims.get(claim)
            if found is None:
                return Prepared(rejected=self.unresolvable(not_found(claim)))
            if "ReadWriteOncePod" in (found["spec"].get("accessModes") or []):
                once.add(claim)
        used = {claim for info in snapshot.nodes for other in info.pods for claim in named_claims(other)}
        state = ClaimsInUse(frozenset(name for _, name in once), len(once & used))
        has_disks = any(volume.get(kind) for volume in volumes_of(pod) for kind in SINGLE_ATTACH)
        return Prepared(state) if has_disks or state.uses else SKIP

    def add_pod(self, state: ClaimsInUse, pod: Json, added: Json, info: NodeInfo) -> None:
        state.uses += self._uses(state, added)

    def remove_pod(self, state: ClaimsInUse, pod: Json, removed: Json, info: NodeInfo) -> None:
        state.uses -= self._uses(state, removed)

    @staticmethod
    def _uses(state: ClaimsInUse, other: Json) -> int:
        """By name alone, as kube-scheduler does when it tries what an eviction would change."""
        return sum(1 for _, name in named_claims(other) if name in state.names)

    def filter(self, state: ClaimsInUse, pod: Json, info: NodeInfo) -> Status | None:
        if any(self._is_taken(volume, info) for volume in volumes_of(pod)):
            return self.unschedulable("node(s) had no available disk")
        if state.uses > 0:
            return self.unschedulable(
                "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already"
                " in-use by another pod"
            )
        return None

    @staticmethod
    def _is_taken(volume: Json, info: NodeInfo) -> bool:
        return any(
            disks_conflict(kind, volume[kind], other[kind])
            for kind in SINGLE_ATTACH
            if volume.get(kind)
            for running in info.pods
            for other in volumes_of(running)
            if other.get(kind)
        )
