"""VolumeBinding: bound volumes must be reachable, and unbound claims bindable, on the node."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kschedcore._native.plugins.volume_binding import MISSING_VOLUME
from kschedcore._native.plugins.volume_binding import VolumeBinding as Kernel
from kschedcore.api.machinery.field_errors import FieldError, in_field_order, invalid
from kschedcore.api.objects import PersistentVolume, PersistentVolumeClaim, Pod, StorageClass
from kschedcore.api.quantity import value
from kschedcore.api.selectors import label_selector
from kschedcore.api.volumes import BIND_COMPLETED, NO_PROVISIONER, SELECTED_NODE
from kschedcore.engine.columns.selectors import Term, label_requirements, node_terms
from kschedcore.engine.config.args import Args, UtilizationShapePoint
from kschedcore.engine.events import STORAGE, Events, node_created_or_relabelled, written
from kschedcore.engine.listers import Listers
from kschedcore.engine.plugin import Plugin, PodContext, Status
from kschedcore.engine.volumes import (
    WAIT_FOR_FIRST_CONSUMER,
    ClaimRef,
    claims_of,
    class_of,
    namespace_of,
    not_found,
    own_claim_written,
    requested_storage,
    storage_class_of,
)

UNBOUND_IMMEDIATE = "pod has unbound immediate PersistentVolumeClaims"


class VolumeBindingArgs(Args, frozen=True):
    """Arguments of VolumeBinding; ``shape`` belongs to the feature gate StorageCapacityScoring, which is off."""

    bind_timeout_seconds: int = 600
    shape: tuple[UtilizationShapePoint, ...] | None = None

    def errors(self, path: str) -> Iterable[FieldError]:
        """Yield the errors (``ValidateVolumeBindingArgs``)."""
        if self.bind_timeout_seconds < 0:
            problem = "invalid BindTimeoutSeconds, should not be a negative value"
            yield invalid(f"{path}.bindTimeoutSeconds", self.bind_timeout_seconds, problem)
        if self.shape is not None:
            points = [{"utilization": point.utilization, "score": point.score} for point in self.shape]
            problem = "unexpected field `shape`, remove it or turn on the feature gate StorageCapacityScoring"
            yield invalid(f"{path}.shape", in_field_order(points), problem)


def _is_bound(claim: PersistentVolumeClaim) -> bool:
    return bool(claim.spec.volume_name) and BIND_COMPLETED in (claim.metadata.annotations or {})


def _waits(claim: PersistentVolumeClaim, listers: Listers) -> bool:
    storage_class = storage_class_of(claim, listers)
    return storage_class is not None and storage_class.volume_binding_mode == WAIT_FOR_FIRST_CONSUMER


class VolumeBinding(Plugin):
    """Rejects nodes where a pod's volumes cannot be reached, bound or provisioned."""

    name = "VolumeBinding"
    args_type = VolumeBindingArgs
    points = frozenset({"preFilter", "filter", "preScore", "score", "reserve", "preBind"})

    def events(self) -> Events:
        """Register new and relabelled nodes, the pod's claims, and the other storage resources."""
        storage = dict.fromkeys(STORAGE, written)
        return {**storage, "nodes": node_created_or_relabelled, "persistentvolumeclaims": own_claim_written}

    def watches(self, pod: Pod) -> frozenset[str]:
        """Depend on claims, volumes and classes."""
        return frozenset({"storage"}) if pod.spec.volumes else frozenset()

    def pre_filter(self, context: PodContext) -> Status | frozenset[str] | None:
        """Reject a pod with a claim that does not exist, or is neither bound nor waits for its first consumer."""
        immediate = False
        for reference in claims_of(context.pod):
            claim = context.listers.persistent_volume_claim(namespace_of(context.pod), reference.name)
            problem = self._problem(context.pod, reference, claim)
            if problem:
                return Status("UnschedulableAndUnresolvable", self.name, (problem,))
            assert claim is not None  # or there would have been a problem
            immediate |= not _is_bound(claim) and bool(
                claim.spec.volume_name or not _waits(claim, context.listers)
            )
        if immediate:
            return Status("UnschedulableAndUnresolvable", self.name, (UNBOUND_IMMEDIATE,))
        return None

    @staticmethod
    def _problem(pod: Pod, reference: ClaimRef, claim: PersistentVolumeClaim | None) -> str:
        """Return why a claim cannot be used, or an empty string."""
        name = reference.name
        if claim is None:
            if reference.ephemeral:
                return f'waiting for ephemeral volume controller to create the persistentvolumeclaim "{name}"'
            return not_found(name)
        if claim.status.phase == "Lost":
            bound_to = claim.spec.volume_name or ""
            return f'persistentvolumeclaim "{name}" bound to non-existent persistentvolume "{bound_to}"'
        if claim.metadata.deletion_timestamp is not None:
            return f'persistentvolumeclaim "{name}" is being deleted'
        owners = claim.metadata.owner_references or ()
        if reference.ephemeral and not any(o.controller and o.uid == pod.metadata.uid for o in owners):
            namespace = namespace_of(pod)
            whose = f"{namespace}/{pod.metadata.name}"
            return f"PVC {namespace}/{name} was not created for pod {whose} (pod is not owner)"
        return ""

    def filter(self, context: PodContext) -> Kernel | None:
        """Compile the affinities of bound volumes, and the volumes and provisioners for unbound claims."""
        listers = context.listers
        references = list(claims_of(context.pod))
        if not references:
            return None
        claims = [listers.persistent_volume_claim(namespace_of(context.pod), r.name) for r in references]
        existing = [claim for claim in claims if claim is not None]
        waiting = [claim for claim in existing if not _is_bound(claim)]
        promised = [claim for claim in waiting if _selected_node(claim) is not None]
        matched = sorted((c for c in waiting if _selected_node(c) is None), key=requested_storage)
        numbers = {volume.metadata.name: i for i, volume in enumerate(listers.persistent_volumes())}
        return Kernel(
            context.core.nodes,
            context.core.reasons,
            [_affinity_of_bound(claim, listers) for claim in existing if _is_bound(claim)],
            sorted({node for node in map(_selected_node, promised) if node is not None}),
            [_compiled(claim, listers, numbers) for claim in (*promised, *matched)],
            len(numbers),
        )


def _selected_node(claim: PersistentVolumeClaim) -> str | None:
    """Return the selected-node annotation of a claim."""
    return (claim.metadata.annotations or {}).get(SELECTED_NODE)


def _affinity_of_bound(claim: PersistentVolumeClaim, listers: Listers) -> list[Term] | str | None:
    volume = listers.persistent_volume(claim.spec.volume_name or "")
    return MISSING_VOLUME if volume is None else _affinity(volume)


def _affinity(volume: PersistentVolume) -> list[Term] | None:
    """Return the terms of a volume's node affinity, or None when every node reaches it."""
    affinity = volume.spec.node_affinity
    return None if affinity is None or affinity.required is None else node_terms(affinity.required)


def _compiled(claim: PersistentVolumeClaim, listers: Listers, numbers: dict[str, int]) -> dict[str, Any]:
    """Return an unbound claim as the kernel takes it."""
    candidates = [v for v in listers.persistent_volumes() if _could_hold(v, claim)]
    candidates.sort(key=lambda v: v.metadata.name)
    reserved = [v for v in candidates if _is_reserved(v, claim)]
    free = [v for v in candidates if not _is_reserved(v, claim) and _is_free(v, claim)]
    volumes = [*reserved, *sorted(free, key=_capacity)]
    storage_class = storage_class_of(claim, listers)
    provisioner = (storage_class.provisioner if storage_class else "") or NO_PROVISIONER
    return {
        "match": _selected_node(claim) is None,
        "volumes": [(numbers[volume.metadata.name], _affinity(volume)) for volume in volumes],
        "reserved": len(reserved),
        "provisionable": provisioner != NO_PROVISIONER,
        "topologies": _topologies(storage_class),
        "capacities": _capacities(claim, storage_class, listers),
    }


def _capacity(volume: PersistentVolume) -> int:
    return value((volume.spec.capacity or {}).get("storage", 0))


def _is_reserved(volume: PersistentVolume, claim: PersistentVolumeClaim) -> bool:
    reference = volume.spec.claim_ref
    if reference is None or reference.name != claim.metadata.name:
        return False
    if (reference.namespace or "") != (claim.metadata.namespace or "default"):
        return False
    return reference.uid in (None, "", claim.metadata.uid)


def _could_hold(volume: PersistentVolume, claim: PersistentVolumeClaim) -> bool:
    """Return whether a volume matches a claim: not bound to another, not terminating, size, modes and class match."""
    spec, wanted = volume.spec, claim.spec
    return (
        class_of(volume) == class_of(claim)
        and (spec.claim_ref is None or _is_reserved(volume, claim))
        and volume.metadata.deletion_timestamp is None
        and _capacity(volume) >= requested_storage(claim)
        and (spec.volume_mode or "Filesystem") == (wanted.volume_mode or "Filesystem")
        and (spec.volume_attributes_class_name or "") == (wanted.volume_attributes_class_name or "")
    )


def _is_free(volume: PersistentVolume, claim: PersistentVolumeClaim) -> bool:
    """Return whether an unclaimed volume matches a claim."""
    selector = claim.spec.selector
    return (
        volume.status.phase == "Available"
        and (selector is None or label_selector(selector).matches(volume.metadata.labels or {}))
        and set(claim.spec.access_modes or ()) <= set(volume.spec.access_modes or ())
    )


def _requests_storage(claim: PersistentVolumeClaim) -> bool:
    return claim.spec.resources is not None and "storage" in (claim.spec.resources.requests or {})


def _topologies(storage_class: StorageClass | None) -> list[Term] | None:
    """Return the terms of ``allowedTopologies``, or None; a term without expressions matches no node."""
    terms = (storage_class.allowed_topologies if storage_class else None) or ()
    return [[(e.key, "In", e.values or ()) for e in t.match_label_expressions or ()] for t in terms] or None


def _capacities(
    claim: PersistentVolumeClaim, storage_class: StorageClass | None, listers: Listers
) -> list[list[Term]] | None:
    """Return the nodes where the driver has capacity for a claim; None: all, or not tracked (KEP-1472)."""
    if storage_class is None or not _requests_storage(claim):
        return None
    driver = listers.csi_driver(storage_class.provisioner)
    if driver is None or not driver.spec.storage_capacity:
        return None
    selectors: list[list[Term]] = []
    for published in listers.storage_capacities():
        size = published.capacity if published.maximum_volume_size is None else published.maximum_volume_size
        if (
            published.storage_class_name == storage_class.metadata.name
            and size is not None
            and value(size) >= requested_storage(claim)
            and published.node_topology is not None
        ):
            requirements = label_requirements(published.node_topology)
            if not requirements:
                return None
            selectors.append([list(requirements)])
    return selectors
