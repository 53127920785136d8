"""The one table of kinds: what the API serves, and how each kind behaves in the registry.

What a kind's fields are, how its lists merge and what its objects look like is said by the schema tables
(:attr:`Kind.schema`); what may change only under some conditions is said by its update validation. Rules: the
API reference v1.34 and the strategies in ``pkg/registry``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from kschedcore.api.machinery.resources import Resource
from kschedcore.api.schema import ObjectType, schema_for

__all__ = ["KINDS", "Kind", "kind_by_path", "kind_by_resource", "resources"]

_NAME = ("metadata.name",)
_NAMESPACED_NAME = ("metadata.name", "metadata.namespace")


@dataclass(frozen=True, eq=False)
class Kind:
    """One served kind.

    Attributes:
        resource: Group, version, kind, plural, and whether it lives in namespaces.
        short_names: What ``kubectl get`` also takes: ``po``.
        categories: What ``kubectl get`` takes for several kinds together: ``all``.
        subresources: ``status``, ``scale``, ``binding``, ``eviction``, ``finalize``.
        generation: Whether ``metadata.generation`` counts changes of what the object asks for.
        counts_annotations: Whether changed annotations count as well (deployments).
        fields: Paths that field selectors know beside ``metadata.name`` and ``metadata.namespace``.
        unknown_field: What a list with another field selector is told; ``{}`` stands for the path.
        graceful: Whether deletion may wait (pods).
        orphans: Whether dependents are orphaned when a deletion does not say (``OrphanDependents``).
        answers_object: Whether deletion answers with the object; a ``Status`` otherwise.
        create_on_update: Whether PUT creates what is missing (``AllowCreateOnUpdate``).
        templated: Whether many objects have the same spec (pods): it is read once, shared, and replaced
            rather than changed on its way to the store.
        unconditional_update: Whether PUT may leave resourceVersion out (``AllowUnconditionalUpdate``).
        immutable: Paths of fields that keep their first value.
    """

    resource: Resource
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    generation: bool = False
    counts_annotations: bool = False
    fields: tuple[str, ...] = ()
    unknown_field: str = ""
    graceful: bool = False
    orphans: bool = False
    answers_object: bool = False
    create_on_update: bool = False
    templated: bool = False
    unconditional_update: bool = True
    immutable: tuple[str, ...] = ()

    @property
    def singular(self) -> str:
        """``pod``, the kind in lower case, as everywhere in the API."""
        return self.resource.kind.lower()

    @property
    def list_kind(self) -> str:
        """``PodList``."""
        return f"{self.resource.kind}List"

    @cached_property
    def schema(self) -> ObjectType:
        """The fields, merge keys and list types of the kind's objects."""
        found = schema_for(self.resource.api_version, self.resource.kind)
        if found is None:
            raise LookupError(f"no schema for {self.resource.api_version} {self.resource.kind}")
        return found

    @property
    def selectable_fields(self) -> tuple[str, ...]:
        """Every path that a field selector may name."""
        return (*(_NAMESPACED_NAME if self.resource.namespaced else _NAME), *self.fields)


_POD_FIELDS = (
    "spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName",
    "spec.hostNetwork",    "status.phase", "status.podIP", "status.podIPs", "status.nominatedNodeName",
)  # fmt: skip
_EVENT_FIELDS = (
    "involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid",
    "involvedObject.apiVersion", "involvedObject.resourceVersion", "involvedObject.fieldPath", "reason",
    "reportingComponent", "source", "type",
)  # fmt: skip
_CORE_UNKNOWN = "field label not supported: {}"
_SELECTOR = ("spec.selector",)
_JOB_FIXED = (
    "spec.selector", "spec.completionMode", "spec.podFailurePolicy", "spec.backoffLimitPerIndex",
    "spec.successPolicy", "spec.managedBy",
)  # fmt: skip
_SCALED = ("status", "scale")
_ALL = ("all",)


def _core(kind: str, plural: str, *, namespaced: bool = True, **more: object) -> Kind:
    return Kind(Resource("", "v1", kind, plural, namespaced), **more)  # type: ignore[arg-type]


def _in(group: str, version: str, kind: str, plural: str, *, namespaced: bool = True, **more: object) -> Kind:
    return Kind(Resource(group, version, kind, plural, namespaced), **more)  # type: ignore[arg-type]


KINDS: tuple[Kind, ...] = (
    _core("ConfigMap", "configmaps", short_names=("cm",)),
    _core("Endpoints", "endpoints", short_names=("ep",), create_on_update=True),
    _core(
        "Event", "events", short_names=("ev",), fields=_EVENT_FIELDS, unknown_field=_CORE_UNKNOWN,
        create_on_update=True,
    ),
    _core("LimitRange", "limitranges", short_names=("limits",), create_on_update=True),
    _core(
        "Namespace", "namespaces", namespaced=False, short_names=("ns",), subresources=("status", "finalize"),
        fields=("status.phase",), unknown_field=_CORE_UNKNOWN, answers_object=True,
    ),
    _core(
        "Node", "nodes", namespaced=False, short_names=("no",), subresources=("status",),
        fields=("spec.unschedulable",), unknown_field=_CORE_UNKNOWN,
    ),
    _core(
        "PersistentVolume", "persistentvolumes", namespaced=False, short_names=("pv",),
        subresources=("status",), answers_object=True,
    ),
    _core(
        "PersistentVolumeClaim", "persistentvolumeclaims", short_names=("pvc",), subresources=("status",),
        answers_object=True,
    ),
    _core(
        "Pod", "pods", short_names=("po",), categories=_ALL, subresources=("status", "binding", "eviction", "resize"),
        fields=_POD_FIELDS, unknown_field=_CORE_UNKNOWN, graceful=True, answers_object=True,
        templated=True, generation=True,
    ),
    _core("PodTemplate", "podtemplates", answers_object=True, generation=True),
    _core(
        "ReplicationController", "replicationcontrollers", short_names=("rc",),
        categories=_ALL, subresources=_SCALED,
        generation=True, fields=("status.replicas",), unknown_field=_CORE_UNKNOWN, orphans=True,
    ),
    _core(
        "ResourceQuota", "resourcequotas", short_names=("quota",), subresources=("status",),
        answers_object=True,
    ),
    _core("Secret", "secrets", fields=("type",), unknown_field=_CORE_UNKNOWN, immutable=("type",)),
    _core(
        "Service", "services", short_names=("svc",),
        categories=_ALL, subresources=("status",), answers_object=True,
        create_on_update=True, fields=("spec.clusterIP", "spec.type"), unknown_field=_CORE_UNKNOWN,
    ),
    _core("ServiceAccount", "serviceaccounts", short_names=("sa",), answers_object=True),
    _in("apps", "v1", "ControllerRevision", "controllerrevisions"),
    _in(
        "apps", "v1", "DaemonSet", "daemonsets", short_names=("ds",),
        categories=_ALL, subresources=("status",),
        generation=True,
        immutable=_SELECTOR,
    ),
    _in(
        "apps", "v1", "Deployment", "deployments", short_names=("deploy",),
        categories=_ALL, subresources=_SCALED,
        generation=True, counts_annotations=True,
        immutable=_SELECTOR,
    ),
    _in(
        "apps", "v1", "ReplicaSet", "replicasets", short_names=("rs",), categories=_ALL, subresources=_SCALED,
        generation=True, fields=("status.replicas",),
        unknown_field="field label not supported for ReplicaSet: {}",
        immutable=_SELECTOR,
    ),
    _in(
        "apps", "v1", "StatefulSet", "statefulsets", short_names=("sts",),
        categories=_ALL, subresources=_SCALED,
        generation=True, fields=("status.successful",),
        unknown_field="field label not supported for appsv1.StatefulSet: {}",
    ),
    _in(
        "autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", short_names=("hpa",),
        categories=_ALL,
        subresources=("status",),
    ),
    _in(
        "batch", "v1", "CronJob", "cronjobs", short_names=("cj",), categories=_ALL,
        subresources=("status",), generation=True,
    ),
    _in(
        "batch", "v1", "Job", "jobs",
        categories=_ALL, subresources=("status",), generation=True, orphans=True,
        fields=("status.successful",), unknown_field='field label "{}" not supported for Job',
        immutable=_JOB_FIXED,
    ),
    _in("coordination.k8s.io", "v1", "Lease", "leases", create_on_update=True, unconditional_update=False),
    _in("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices", generation=True),
    _in(
        "networking.k8s.io", "v1", "Ingress", "ingresses", short_names=("ing",), subresources=("status",),
        generation=True,
    ),
    _in("networking.k8s.io", "v1", "IngressClass", "ingressclasses", namespaced=False, generation=True),
    _in(
        "networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies", short_names=("netpol",),
        generation=True,
    ),
    _in("node.k8s.io", "v1", "RuntimeClass", "runtimeclasses", namespaced=False, immutable=("handler",)),
    _in(
        "policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets", short_names=("pdb",),
        subresources=("status",), generation=True, unconditional_update=False,
    ),
    _in("resource.k8s.io", "v1", "DeviceClass", "deviceclasses", namespaced=False, generation=True),
    _in(
        "resource.k8s.io", "v1", "ResourceClaim", "resourceclaims", subresources=("status",),
        answers_object=True,
    ),
    _in("resource.k8s.io", "v1", "ResourceClaimTemplate", "resourceclaimtemplates", answers_object=True),
    _in(
        "resource.k8s.io", "v1", "ResourceSlice", "resourceslices", namespaced=False, generation=True,
        fields=("spec.nodeName", "spec.driver"), answers_object=True,
    ),
    _in(
        "scheduling.k8s.io", "v1", "PriorityClass", "priorityclasses", namespaced=False, short_names=("pc",),
        generation=True,
        immutable=("preemptionPolicy",),
    ),
    _in("storage.k8s.io", "v1", "CSIDriver", "csidrivers", namespaced=False, answers_object=True,
        unconditional_update=False),
    _in("storage.k8s.io", "v1", "CSINode", "csinodes", namespaced=False, answers_object=True,
        unconditional_update=False),
    _in("storage.k8s.io", "v1", "CSIStorageCapacity", "csistoragecapacities", unconditional_update=False),
    _in(
        "storage.k8s.io", "v1", "StorageClass", "storageclasses", namespaced=False, short_names=("sc",),
        answers_object=True,
        immutable=("volumeBindingMode",),
    ),
    _in(
        "storage.k8s.io", "v1", "VolumeAttachment", "volumeattachments", namespaced=False,
        subresources=("status",), answers_object=True, unconditional_update=False,
    ),
)  # fmt: skip
"""Every served kind."""

_BY_RESOURCE = {kind.resource.qualified: kind for kind in KINDS}
_BY_PATH = {(kind.resource.api_version, kind.resource.plural): kind for kind in KINDS}


def kind_by_resource(qualified: str) -> Kind:
    """The kind of a qualified plural (``pods``, ``deployments.apps``); LookupError when none is served."""
    return _BY_RESOURCE[qualified]


def kind_by_path(api_version: str, plural: str) -> Kind | None:
    """The kind served at ``apps/v1`` as ``deployments``, or None."""
    return _BY_PATH.get((api_version, plural))


def resources(*, namespaced: bool | None = None) -> Iterable[Resource]:
    """The served resources, or those of one scope."""
    for kind in KINDS:
        if namespaced in (None, kind.resource.namespaced):
            yield kind.resource
