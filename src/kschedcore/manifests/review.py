"""Admission of the pods that controllers create from manifests, and of the claims that they create for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from kschedcore.api.machinery.field_errors import FieldError
from kschedcore.api.machinery.frozen import FrozenDict
from kschedcore.api.machinery.kinds import KINDS, kind_by_resource
from kschedcore.api.machinery.remembered import remembered
from kschedcore.api.machinery.resources import Resource
from kschedcore.api.machinery.status import invalid
from kschedcore.api.machinery.types import ReadOnlyObject
from kschedcore.api.objects import Pod
from kschedcore.manifests.claims import ephemeral_claims
from kschedcore.manifests.creating import created_object
from kschedcore.manifests.pod_specs import Admission, PodSpecs
from kschedcore.manifests.quotas import Quotas
from kschedcore.manifests.stateful_sets import claims_of_ordinal
from kschedcore.rules.admission.limit_range import claim_problems
from kschedcore.rules.validation.kinds import validate_create

__all__ = ["Refusal", "Review"]

Key = tuple[str, str, str]

CLAIMS = "PersistentVolumeClaim"


class Refusal(NamedTuple):
    """A pod of a workload that is not created.

    Attributes:
        pod: The pod.
        message: The admission plugin's message.
        plugin: The admission plugin that refuses the pod; empty if the controller does not create it.
    """

    pod: Pod
    message: str
    plugin: str

    @property
    def reason(self) -> str:
        """The plugin and the message."""
        return f"refused by {self.plugin}: {self.message}" if self.plugin else f"not created: {self.message}"


class Review:
    """Admission of new pods, one after the other, each charged to the quotas.

    Args:
        admission: The plugins that validate pods.
        specs: The specs of the pods' views.
        stored: Kind -> complete objects as an API server stores them.
        objects: All complete objects of the manifests.
        workloads: Complete workload objects.

    Attributes:
        claims: The claims that controllers created so far, whole.
    """

    def __init__(
        self,
        admission: Admission,
        specs: PodSpecs,
        stored: Mapping[str, list[ReadOnlyObject]],
        objects: Mapping[Key, ReadOnlyObject],
        workloads: Iterable[ReadOnlyObject],
    ) -> None:
        self._admission = admission
        self._specs = specs
        self._objects = objects
        self._quotas = Quotas(stored.get("ResourceQuota", ()), self._existing())
        self._sets = {
            (each["metadata"].get("namespace") or "default", each["metadata"]["name"]): each
            for each in workloads
            if each["kind"] == "StatefulSet" and (each.get("spec") or {}).get("volumeClaimTemplates")
        }
        self._has_claim = {
            (each["metadata"].get("namespace") or "default", each["metadata"]["name"])
            for each in stored.get(CLAIMS, ())
        }
        self._classes = stored.get("StorageClass", [])
        self.claims: list[ReadOnlyObject] = []

    def _existing(self) -> Iterator[tuple[Resource, ReadOnlyObject]]:
        """Yield the existing objects that count towards quotas."""
        for (name, _, _), obj in self._objects.items():
            resource = _RESOURCES.get((obj.get("apiVersion", ""), name))
            if resource is None:
                continue
            new = (
                name == "Pod"
                and not obj["metadata"].get("uid")
                and not (obj.get("status") or {}).get("phase")
            )
            if new and not (obj.get("spec") or {}).get("nodeName"):
                continue
            yield resource, obj

    def refusal(self, pod: Pod) -> Refusal | None:
        """Return why a pod is refused; None for one that exists, or that is admitted and charged."""
        exists = bool(pod.metadata.uid or pod.status.phase)
        namespace = pod.metadata.namespace or "default"
        claims = self._missing_claims(pod, namespace)
        spec = None if exists else self._specs.admitted(pod.spec)
        if spec is not None and self._admission.limits(namespace):
            if errors := _faults(spec):
                message = invalid(_PODS, "", errors).message.removeprefix('Pod "" is invalid: ')
                return Refusal(pod, message, "validation")
            if why := self._admission.refusal(spec, namespace):
                return Refusal(pod, why, "LimitRanger")
        for claim in claims:
            if (refusal := self._claim_refusal(pod, claim, namespace)) is not None:
                return None if exists else refusal
        if spec is not None and (why := self._quotas.problem(_PODS, _charged(pod, spec), namespace)):
            return Refusal(pod, why, "ResourceQuota")
        if any(volume.ephemeral for volume in pod.spec.volumes or ()):
            # A claim that is refused leaves a pod that waits for it.
            for claim in ephemeral_claims([pod], self._classes, self._has_claim):
                self._claim_refusal(pod, claim, namespace)
        return None

    def _missing_claims(self, pod: Pod, namespace: str) -> list[ReadOnlyObject]:
        """Return the missing claims of a pod of a StatefulSet."""
        if not self._sets:
            return []
        owner = next((each for each in pod.metadata.owner_references or () if each.controller), None)
        ordinal = pod.metadata.name.rpartition("-")[2]
        owning = self._sets.get((namespace, owner.name)) if owner and owner.kind == "StatefulSet" else None
        if owning is None or not ordinal.isdecimal():
            return []
        whole = {**owning, "metadata": {**owning["metadata"], "namespace": namespace}}
        wanted = claims_of_ordinal(whole, int(ordinal))
        lacking = [each for each in wanted if (namespace, each["metadata"]["name"]) not in self._has_claim]
        return [created_object(each) or each for each in lacking]

    def _claim_refusal(self, pod: Pod, claim: ReadOnlyObject, namespace: str) -> Refusal | None:
        """Return why a claim is refused; None for one that is created, which is charged."""
        name = claim["metadata"]["name"]
        problems = list(claim_problems(dict(claim), self._admission.limits(namespace)))
        if problems:
            return Refusal(pod, f'persistentvolumeclaims "{name}" is forbidden: {problems[0]}', "LimitRanger")
        if why := self._quotas.problem(_CLAIMS, claim, namespace):
            return Refusal(pod, f'persistentvolumeclaims "{name}" is forbidden: {why}', "ResourceQuota")
        self.claims.append(claim)
        self._has_claim.add((namespace, name))
        return None


_RESOURCES = {(each.resource.api_version, each.resource.kind): each.resource for each in KINDS}
_PODS = kind_by_resource("pods").resource
_CLAIMS = kind_by_resource("persistentvolumeclaims").resource


@remembered
def _faults(spec: FrozenDict) -> tuple[FieldError, ...]:
    """Return the faults of a pod with an admitted spec: the defaults of limits may contradict its requests."""
    metadata = {"name": "pod", "namespace": "default"}
    return tuple(validate_create("Pod", {"metadata": metadata, "spec": spec}, namespaced=True))


def _charged(pod: Pod, spec: FrozenDict) -> ReadOnlyObject:
    return {"metadata": {"name": pod.metadata.name}, "spec": spec, "status": {}}
