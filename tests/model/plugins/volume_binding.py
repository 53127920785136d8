"""VolumeBinding: bound volumes must be reachable, and unbound claims must find or get a volume here."""

from dataclasses import dataclass

from tests.model import quantity
from tests.model.framework import SKIP, Plugin, Prepared, Status
from tests.model.labels import Json, label_selector, node_selector_matches, topology_terms_match
from tests.model.plugins.volumes import (
    BIND_COMPLETED,
    SELECTED_NODE,
    ClaimVolume,
    claim_volumes,
    class_name,
    not_found,
    waits_for_first_consumer,
)
from tests.model.snapshot import NodeInfo, Objects, Snapshot, key_of, labels_of

NO_PROVISIONER = "kubernetes.io/no-provisioner"

VOLUME_MISSING = "node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)"
NODE_CONFLICT = "node(s) didn't match PersistentVolume's node affinity"
NOTHING_TO_BIND = "node(s) didn't find available persistent volumes to bind"
NO_SPACE = "node(s) did not have enough free storage"


@dataclass(frozen=True)
class PodClaims:
    """The pod's claims, bound and to be bound once a node is chosen."""

    bound: list[Json]
    delayed: list[Json]
    objects: Objects


def is_bound(claim: Json) -> bool:
    annotations = claim["metadata"].get("annotations") or {}
    return bool(claim["spec"].get("volumeName")) and BIND_COMPLETED in annotations


def reachable(volume: Json, info: NodeInfo) -> bool:
    """`spec.nodeAffinity` of the volume, on the node's labels."""
    required = (volume["spec"].get("nodeAffinity") or {}).get("required")
    return required is None or node_selector_matches(required, info.labels)


def storage(amounts: Json | None) -> int:
    return quantity.whole(quantity.parse((amounts or {}).get("storage") or 0))


def requested(claim: Json) -> int:
    return storage((claim["spec"].get("resources") or {}).get("requests"))


def is_reserved_for(volume: Json, claim: Json) -> bool:
    reference = volume["spec"].get("claimRef") or {}
    same = (reference.get("namespace"), reference.get("name")) == key_of(claim)
    return same and reference.get("uid") in (None, "", claim["metadata"].get("uid"))


def find_matching_volume(claim: Json, volumes: list[Json], taken: set[str], info: NodeInfo) -> Json | None:
    """A volume reserved for the claim, else the smallest that suits it and reaches the node."""
    candidates = [v for v in volumes if v["metadata"]["name"] not in taken and _could_hold(v, claim)]
    for volume in candidates:
        if is_reserved_for(volume, claim):
            return volume if reachable(volume, info) else None
    suiting = [v for v in candidates if _is_free_for(v, claim) and reachable(v, info)]
    return min(suiting, key=lambda v: storage(v["spec"].get("capacity")), default=None)


def _could_hold(volume: Json, claim: Json) -> bool:
    spec, wanted = volume["spec"], claim["spec"]
    return (
        (not spec.get("claimRef") or is_reserved_for(volume, claim))
        and storage(spec.get("capacity")) >= requested(claim)
        and (spec.get("volumeMode") or "Filesystem") == (wanted.get("volumeMode") or "Filesystem")
        and (spec.get("volumeAttributesClassName") or "") == (wanted.get("volumeAttributesClassName") or "")
        and not volume["metadata"].get("deletionTimestamp")
    )


def _is_free_for(volume: Json, claim: Json) -> bool:
    selector = claim["spec"].get("selector")
    return (
        (volume.get("status") or {}).get("phase") == "Available"
        and (selector is None or label_selector(selector)(labels_of(volume)))
        and class_name(volume) == class_name(claim)
        and set(claim["spec"].get("accessModes") or []) <= set(volume["spec"].get("accessModes") or [])
    )


class VolumeBinding(Plugin):
    name = "VolumeBinding"
    extension_points = frozenset({"preFilter", "filter"})

    def pre_filter(self, pod: Json, snapshot: Snapshot) -> Prepared:
        objects = snapshot.objects
        keys = list(claim_volumes(pod))
        if not keys:
            return SKIP
        for each in keys:
            problem = self._problem(pod, each, objects)
            if problem:
                return Prepared(rejected=self.unresolvable(problem))
        claims = [objects.persistent_volume_claims[each.claim] for each in keys]
        bound = [claim for claim in claims if is_bound(claim)]
        unbound = [claim for claim in claims if not is_bound(claim)]
        delayed = [
            c for c in unbound if waits_for_first_consumer(c, objects) and not c["spec"].get("volumeName")
        ]
        if len(delayed) < len(unbound):
            return Prepared(rejected=self.unresolvable("pod has unbound immediate PersistentVolumeClaims"))
        return Prepared(PodClaims(bound, delayed, objects))

    @staticmethod
    def _problem(pod: Json, volume: ClaimVolume, objects: Objects) -> str | None:
        """The reason why a claim cannot be used at all."""
        name = volume.claim[1]
        claim = objects.persistent_volume_claims.get(volume.claim)
        if claim is None:
            if volume.ephemeral:
                return f'waiting for ephemeral volume controller to create the persistentvolumeclaim "{name}"'
            return not_found(volume.claim)
        if (claim.get("status") or {}).get("phase") == "Lost":
            bound_to = claim["spec"].get("volumeName") or ""
            return f'persistentvolumeclaim "{name}" bound to non-existent persistentvolume "{bound_to}"'
        if claim["metadata"].get("deletionTimestamp"):
            return f'persistentvolumeclaim "{name}" is being deleted'
        owners = claim["metadata"].get("ownerReferences") or []
        owned = any(o.get("controller") and o.get("uid") == pod["metadata"].get("uid") for o in owners)
        if volume.ephemeral and not owned:
            full = "/".join(volume.claim)
            return f"PVC {full} was not created for pod {'/'.join(key_of(pod))} (pod is not owner)"
        return None

    def filter(self, state: PodClaims, pod: Json, info: NodeInfo) -> Status | None:
        reasons = [*self._unbound_problems(state, info), *self._bound_problem(state, info)]
        return self.unresolvable(*reasons) if reasons else None

    @staticmethod
    def _bound_problem(state: PodClaims, info: NodeInfo) -> list[str]:
        """The first bound claim whose volume is missing or out of reach."""
        for claim in state.bound:
            volume = state.objects.persistent_volumes.get(claim["spec"]["volumeName"])
            if volume is None:
                return [VOLUME_MISSING]
            if not reachable(volume, info):
                return [NODE_CONFLICT]
        return []

    def _unbound_problems(self, state: PodClaims, info: NodeInfo) -> list[str]:
        """Claims meant for another node; then static volumes, smallest claim first; then provisioning."""
        selected = [(c["metadata"].get("annotations") or {}).get(SELECTED_NODE) for c in state.delayed]
        if any(node is not None and node != info.name for node in selected):
            return [NOTHING_TO_BIND]
        to_provision = [c for c, node in zip(state.delayed, selected, strict=True) if node is not None]
        to_match = [c for c, node in zip(state.delayed, selected, strict=True) if node is None]
        taken: set[str] = set()
        for claim in sorted(to_match, key=requested):
            volumes = self._volumes_of_class(state.objects, class_name(claim))
            volume = find_matching_volume(claim, volumes, taken, info)
            if volume is None:
                to_provision.append(claim)
            else:
                taken.add(volume["metadata"]["name"])
        return self._provisioning_problem(state.objects, to_provision, info)

    @staticmethod
    def _volumes_of_class(objects: Objects, name: str) -> list[Json]:
        return [v for _, v in sorted(objects.persistent_volumes.items()) if class_name(v) == name]

    def _provisioning_problem(self, objects: Objects, claims: list[Json], info: NodeInfo) -> list[str]:
        for claim in claims:
            storage_class = objects.storage_classes[class_name(claim)]
            if (storage_class.get("provisioner") or NO_PROVISIONER) == NO_PROVISIONER:
                return [NOTHING_TO_BIND]
            if not topology_terms_match(storage_class.get("allowedTopologies"), info.labels):
                return [NOTHING_TO_BIND]
            if not self._has_capacity(objects, claim, storage_class, info):
                return [NO_SPACE]
        return []

    @staticmethod
    def _has_capacity(objects: Objects, claim: Json, storage_class: Json, info: NodeInfo) -> bool:
        """Only drivers that publish CSIStorageCapacity objects are held to them (KEP-1472)."""
        driver = objects.csi_drivers.get(storage_class["provisioner"])
        if driver is None or not (driver.get("spec") or {}).get("storageCapacity"):
            return True
        for published in objects.csi_storage_capacities.values():
            size = published.get("maximumVolumeSize") or published.get("capacity")
            topology = published.get("nodeTopology")
            if (
                published.get("storageClassName") == storage_class["metadata"]["name"]
                and size is not None
                and quantity.whole(quantity.parse(size)) >= requested(claim)
                and topology is not None
                and label_selector(topology)(info.labels)
            ):
                return True
        return False
