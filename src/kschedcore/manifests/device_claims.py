"""The ResourceClaims that the ResourceClaim controller would create for pods from templates (KEP-4381)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from kschedcore.api.machinery.types import DEFAULT_NAMESPACE
from kschedcore.api.objects import (
    ObjectMeta,
    OwnerReference,
    Pod,
    PodResourceClaimStatus,
    ResourceClaim,
    ResourceClaimTemplate,
)
from kschedcore.api.objects.devices import ResourceClaimSpec

__all__ = ["claim_of", "claims_to_make", "with_claim_statuses"]

Templates = Mapping[tuple[str, str], ResourceClaimTemplate]
"""(namespace, name) -> template."""


def _missing(pod: Pod, templates: Templates) -> Iterator[tuple[str, ResourceClaimTemplate]]:
    """Yield the claims of a pod that do not exist yet, by their names in the pod."""
    made = {each.name for each in pod.status.resource_claim_statuses or ()}
    for reference in pod.spec.resource_claims or ():
        name = reference.resource_claim_template_name
        template = templates.get((pod.metadata.namespace or "default", name)) if name else None
        if template is not None and reference.name not in made:
            yield reference.name, template


def _name(pod: Pod, reference: str) -> str:
    """Return a claim's name; the controller would generate a random suffix."""
    return f"{pod.metadata.name}-{reference}"


def with_claim_statuses(pod: Pod, templates: Templates) -> Pod:
    """Return a pod with the names of the claims that the controller would create in its status."""
    if pod.spec.resource_claims is None:
        return pod
    made = tuple(
        PodResourceClaimStatus(name=reference, resource_claim_name=_name(pod, reference))
        for reference, _ in _missing(pod, templates)
    )
    if not made:
        return pod
    known = pod.status.resource_claim_statuses or ()
    status = msgspec.structs.replace(pod.status, resource_claim_statuses=(*known, *made))
    return msgspec.structs.replace(pod, status=status)


def claims_to_make(pod: Pod, templates: Templates) -> Iterator[ResourceClaim]:
    """Yield the claims that the controller would create for a pod."""
    for reference, template in _missing(pod, templates):
        yield claim_of(pod, _name(pod, reference), template.spec.spec)


def claim_of(
    pod: Pod, name: str, spec: ResourceClaimSpec | None = None, annotations: dict[str, str] | None = None
) -> ResourceClaim:
    """Return a claim that a pod owns."""
    owner = OwnerReference(
        api_version="v1",
        kind="Pod",
        name=pod.metadata.name,
        uid=pod.metadata.uid,
        controller=True,
        block_owner_deletion=True,
    )
    metadata = ObjectMeta(
        name=name,
        namespace=pod.metadata.namespace or DEFAULT_NAMESPACE,
        annotations=annotations,
        owner_references=(owner,),
    )
    return ResourceClaim(metadata=metadata, spec=spec or ResourceClaimSpec())
