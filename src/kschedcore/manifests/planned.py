"""The pods to schedule: pending pods, and those that controllers create from workloads.

Pods pass admission as in an API server (priority, runtime class, limit ranges, tolerations, quotas) and get
the claims and volumes that controllers create for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import msgspec

from kschedcore.api.machinery.frozen import FrozenDict
from kschedcore.api.machinery.remembered import shared
from kschedcore.api.machinery.types import ReadOnlyObject
from kschedcore.api.objects import (
    Node,
    ObjectMeta,
    PersistentVolume,
    PersistentVolumeClaim,
    Pod,
    PodSpec,
    ReplicaSet,
    ResourceClaimTemplate,
    decode,
)
from kschedcore.api.phases import FINISHED
from kschedcore.api.schema.decode import DecodeError
from kschedcore.api.templates import template_of
from kschedcore.errors import ManifestError
from kschedcore.manifests.autoscaling import autoscaled
from kschedcore.manifests.claim_binding import bind_claims
from kschedcore.manifests.cron_jobs import next_runs
from kschedcore.manifests.daemons import daemon_pods_of, nodes_with_daemon
from kschedcore.manifests.device_claims import claims_to_make, with_claim_statuses
from kschedcore.manifests.pending import missing_pods, missing_replica_sets
from kschedcore.manifests.pod_specs import Admission, PodSpecs, view_of
from kschedcore.manifests.review import Refusal, Review
from kschedcore.rules.creation import create_pod_spec

__all__ = ["Planned", "PodPlanner"]

Key = tuple[str, str, str]

CLAIMS = "PersistentVolumeClaim"
VOLUMES = "PersistentVolume"


@dataclass
class Planned:
    """The pods to schedule, and the objects created for them.

    Attributes:
        pods: The pods without a node, existing ones first.
        refused: Pods that admission refuses.
        created: (kind, view) of objects that controllers create or change for the pods.
        replaced: (kind, namespace, name) of objects of the manifests that ``created`` has in a new state.
    """

    pods: list[Pod] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    created: list[tuple[str, Any]] = field(default_factory=list)
    replaced: set[Key] = field(default_factory=set)


@dataclass(frozen=True)
class PodPlanner:
    """Computes the pods to schedule.

    Attributes:
        pods: The pods of the manifests.
        nodes: The nodes.
        workloads: Complete workload objects.
        stored: Kind -> complete objects as an API server stores them, of kinds that affect pods.
        objects: All complete objects of the manifests.
        specs: The specs of the pods' views.
        recorded: Whether the objects are a recorded cluster, in which controllers and admission have run already.
    """

    pods: list[Pod]
    nodes: list[Node]
    workloads: list[ReadOnlyObject]
    stored: Mapping[str, list[ReadOnlyObject]]
    objects: Mapping[Key, ReadOnlyObject]
    specs: PodSpecs
    recorded: bool

    def planned(self) -> Planned:
        """Return the pods to be scheduled.

        Raises:
            ManifestError: A workload's pod template is invalid.
        """
        if self.recorded:
            missing = missing_pods(self.workloads, self.pods, lambda _, spec: decode(PodSpec, spec))
            replica_sets = [
                ("ReplicaSet", decode(ReplicaSet, each)) for each in missing_replica_sets(self.workloads)
            ]
            return Planned([*self.waiting(), *missing], created=list(replica_sets))
        workloads = self._sized_workloads()
        planned = Planned()
        planned.created += (
            ("ReplicaSet", decode(ReplicaSet, each)) for each in missing_replica_sets(workloads)
        )
        review = Review(self.admission(), self.specs, self.stored, self.objects, workloads)
        missing = missing_pods(workloads, self.pods, self._template_spec)
        for pod in self.completed(chain(self.waiting(), self._daemon_pods(), missing)):
            refusal = review.refusal(pod)
            if refusal is None:
                planned.pods.append(pod)
            else:
                planned.refused.append(refusal)
        self._add_claims(planned, review.claims)
        self._add_device_claims(planned)
        return planned

    def waiting(self) -> Iterator[Pod]:
        """Yield the pending pods of the manifests: without a node, and not being deleted."""
        return (
            pod
            for pod in self.pods
            if not pod.spec.node_name
            and pod.status.phase not in FINISHED
            and (self.recorded or pod.metadata.deletion_timestamp is None)
        )

    def _sized_workloads(self) -> list[ReadOnlyObject]:
        """Return the workloads with the Jobs of CronJobs, scaled by their autoscalers."""
        runs = next_runs(self.stored.get("CronJob", ()), self.workloads)
        return autoscaled(chain(self.workloads, runs), self.stored.get("HorizontalPodAutoscaler", ()))

    # -- admission --------------------------------------------------------------------------------

    def admission(self) -> Admission:
        """Return the admission plugins that mutate and validate pods."""
        return Admission(
            self.stored.get("PriorityClass", []),
            self.stored.get("RuntimeClass", []),
            self.stored.get("LimitRange", []),
        )

    def completed(self, pods: Iterable[Pod]) -> list[Pod]:
        """Return the pods as an API server would admit them; existing ones unchanged."""
        if self.recorded:
            return list(pods)
        admission = self.admission()
        completed: dict[tuple[int, str], PodSpec] = {}
        result = []
        for pod in pods:
            namespace = pod.metadata.namespace or "default"
            key = id(pod.spec), namespace
            if key not in completed:
                spec = self.specs.raw(pod.spec)
                completed[key] = (
                    pod.spec if spec is None else self._admitted(admission.admit(spec, namespace))
                )
            spec_view = completed[key]
            result.append(pod if spec_view is pod.spec else msgspec.structs.replace(pod, spec=spec_view))
        return result

    def _admitted(self, spec: FrozenDict) -> PodSpec:
        view = view_of(spec)
        self.specs.admit(view, spec)
        return view

    # -- pods of controllers ----------------------------------------------------------------------

    def _daemon_pods(self) -> Iterator[Pod]:
        """Yield the missing pods of DaemonSets, node by node.

        Raises:
            ManifestError: A pod template is invalid.
        """
        for daemon_set in self.stored.get("DaemonSet", ()):
            template = (daemon_set.get("spec") or {}).get("template") or {}
            spec = _created_spec(template.get("spec") or {})
            placed = nodes_with_daemon(daemon_set, self.pods)
            lacking = [node for node in self.nodes if node.metadata.name not in placed]
            whole = {**daemon_set, "spec": {"template": {**template, "spec": spec}}}
            for pod in daemon_pods_of(whole, lacking):
                metadata = decode(ObjectMeta, pod["metadata"])
                yield Pod(metadata=metadata, spec=self.specs.view(shared(pod["spec"])))

    def _template_spec(self, workload: ReadOnlyObject, spec: ReadOnlyObject) -> PodSpec:
        """Return the view of a pod's spec.

        Raises:
            ManifestError: A field of the workload's template has the wrong type.
        """
        template_of(workload)
        return self.specs.view(_created_spec(spec))

    def pods_like(self, wanted: Iterable[ReadOnlyObject], workload: ReadOnlyObject) -> list[Pod]:
        """Return the views of pods that a controller creates for a workload, admitted.

        Args:
            wanted: The pods, complete.
            workload: The workload.

        Raises:
            ManifestError: A field of the workload's template has the wrong type.
        """
        return self.completed(
            Pod(
                metadata=decode(ObjectMeta, each["metadata"]),
                spec=self._template_spec(workload, each["spec"]),
            )
            for each in wanted
        )

    # -- claims -----------------------------------------------------------------------------------

    def _add_claims(self, planned: Planned, created: list[ReadOnlyObject]) -> None:
        """Add the claims that controllers create, and the claims and volumes that are bound to each other."""
        made: dict[tuple[str, str], Any] = {
            (each["metadata"]["namespace"], each["metadata"]["name"]): each for each in created
        }
        claims = [*self.stored.get(CLAIMS, ()), *made.values()]
        classes = self.stored.get("StorageClass", ())
        bindings = bind_claims(claims, self.stored.get(VOLUMES, ()), classes)
        for claim, volume in bindings:
            namespace, name = claim["metadata"]["namespace"], claim["metadata"]["name"]
            made[namespace, name] = claim
            planned.replaced |= {(CLAIMS, namespace, name), (VOLUMES, "", volume["metadata"]["name"])}
            planned.created.append((VOLUMES, decode(PersistentVolume, volume)))
        planned.created += ((CLAIMS, decode(PersistentVolumeClaim, each)) for each in made.values())

    def _add_device_claims(self, planned: Planned) -> None:
        """Add the ResourceClaims that are created from templates, and name them in the pods' statuses."""
        views = [decode(ResourceClaimTemplate, each) for each in self.stored.get("ResourceClaimTemplate", ())]
        templates = {(each.metadata.namespace or "default", each.metadata.name): each for each in views}
        if not templates:
            return
        for pod in planned.pods:
            planned.created += (("ResourceClaim", claim) for claim in claims_to_make(pod, templates))
        planned.pods = [with_claim_statuses(pod, templates) for pod in planned.pods]


def _created_spec(spec: ReadOnlyObject) -> FrozenDict:
    try:
        return create_pod_spec(spec)
    except DecodeError as error:
        raise ManifestError(str(error), path=f"spec.template.{error.path}") from None
