"""The table of kinds: names and scopes, registry behaviour of served kinds, and typed views for scheduling.

The fields of a kind and the merge keys of its lists are in the schema tables (:attr:`Kind.schema`); conditions of
changes are in its update validation. Rules: the API reference v1.36 and the strategies in ``pkg/registry``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from kschedcore.api import objects as views
from kschedcore.api.machinery.conversions import AUTOSCALING_V1, EVENTS_V1, Conversion
from kschedcore.api.machinery.resources import Resource
from kschedcore.api.objects import View
from kschedcore.api.schema import ObjectType, schema_for

__all__ = [
    "ALL_KINDS", "KINDS", "OTHER_VERSIONS", "VIEWS", "Generation", "Kind", "conversion_for", "is_cluster_scoped",
    "kind_by_path", "kind_by_resource", "resources", "stored_kind", "versions_of",
]  # fmt: skip

_NAME = ("metadata.name",)
_NAMESPACED_NAME = ("metadata.name", "metadata.namespace")


@dataclass(frozen=True)
class Generation:
    """The changes that ``metadata.generation`` of a kind counts.

    Attributes:
        first: The generation of a new object; 0 for none before the first change.
        changes: Whether changes outside ``metadata`` and ``status`` count.
        metadata: The parts of ``metadata`` whose changes count as well.
    """

    first: int = 1
    changes: bool = True
    metadata: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Kind:
    """One kind of the API.

    Attributes:
        resource: Group, version, kind, plural, and whether it is namespaced.
        served: Whether the API server serves it; for other kinds only the names and the scope are used.
        view: The typed view for the scheduler; None for kinds that it does not read.
        lookup: The group of kinds that plugins read together (``services``, ``storage``,
            ``budgets``, ``devices``, ``claims``): the engine counts the changes of a group.
        short_names: Short names for ``kubectl get``: ``po``.
        categories: Names of groups of kinds for ``kubectl get``: ``all``.
        subresources: ``status``, ``scale``, ``binding``, ``eviction``, ``finalize``.
        generation: What ``metadata.generation`` counts; None for kinds that have none.
        fields: Paths for field selectors besides ``metadata.name`` and ``metadata.namespace``.
        unknown_field: The error of a list with any other field selector; ``{}`` is replaced by the path.
        graceful: Whether deletion has a grace period (pods).
        orphans: Whether a deletion orphans dependents by default (``OrphanDependents``).
        answers_object: Whether deletion returns the object; a ``Status`` otherwise.
        create_on_update: Whether PUT creates a missing object (``AllowCreateOnUpdate``).
        templated: Whether many objects have the same spec (pods): it is read once, shared, and replaced
            rather than changed on its way to the store.
        unconditional_update: Whether PUT may omit resourceVersion (``AllowUnconditionalUpdate``).
        immutable: Paths of immutable fields.
        conversion: For a kind in another version than the stored one, how its objects are converted.
    """

    resource: Resource
    served: bool = True
    view: type[View] | None = None
    lookup: str = ""
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    generation: Generation | None = None
    fields: tuple[str, ...] = ()
    unknown_field: str = ""
    graceful: bool = False
    orphans: bool = False
    answers_object: bool = False
    create_on_update: bool = False
    templated: bool = False
    unconditional_update: bool = True
    immutable: tuple[str, ...] = ()
    conversion: Conversion | None = None

    @property
    def singular(self) -> str:
        """``pod``, the kind in lower case."""
        return self.resource.kind.lower()

    @property
    def list_kind(self) -> str:
        """``PodList``."""
        return f"{self.resource.kind}List"

    @cached_property
    def recorded_key(self) -> str:
        """The key of a recorded cluster's list of the kind: ``csiNodes``, ``storageClasses``."""
        kind, plural = self.resource.kind, self.resource.plural
        initial = len(kind) - len(kind.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
        lower = max(1, initial - 1) if initial < len(kind) else initial
        camel = kind[:lower].lower() + kind[lower:]
        common = next(
            (i for i, (a, b) in enumerate(zip(kind.lower(), plural, strict=False)) if a != b), len(kind)
        )
        return camel[:common] + plural[common:]

    @cached_property
    def schema(self) -> ObjectType:
        """The fields, merge keys and list types of the kind's objects."""
        found = schema_for(self.resource.api_version, self.resource.kind)
        if found is None:
            raise LookupError(f"no schema for {self.resource.api_version} {self.resource.kind}")
        return found

    @property
    def selectable_fields(self) -> tuple[str, ...]:
        """All paths for field selectors."""
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
_COUNTED = Generation()
_SCALED = ("status", "scale")
_ALL = ("all",)


def _core(kind: str, plural: str, *, namespaced: bool = True, **more: object) -> Kind:
    return Kind(Resource("", "v1", kind, plural, namespaced), **more)  # type: ignore[arg-type]


def _in(group: str, version: str, kind: str, plural: str, *, namespaced: bool = True, **more: object) -> Kind:
    return Kind(Resource(group, version, kind, plural, namespaced), **more)  # type: ignore[arg-type]


def _unserved(group: str, *, namespaced: bool, **plurals: str) -> Iterable[Kind]:
    return [
        _in(group, "v1", kind, plural, namespaced=namespaced, served=False)
        for kind, plural in plurals.items()
    ]


ALL_KINDS: tuple[Kind, ...] = (
    _core("ConfigMap", "configmaps", short_names=("cm",)),
    _core("Endpoints", "endpoints", short_names=("ep",), create_on_update=True),
    _core(
        "Event", "events", short_names=("ev",), fields=_EVENT_FIELDS, unknown_field=_CORE_UNKNOWN,
        create_on_update=True,
    ),
    _core("LimitRange", "limitranges", short_names=("limits",), create_on_update=True),
    _core(
        "Namespace", "namespaces", view=views.Namespace,
        namespaced=False, short_names=("ns",), subresources=("status", "finalize"),
        fields=("status.phase",), unknown_field=_CORE_UNKNOWN, answers_object=True,
    ),
    _core(
        "Node", "nodes", view=views.Node,
        namespaced=False, short_names=("no",), subresources=("status",),
        fields=("spec.unschedulable",), unknown_field=_CORE_UNKNOWN,
    ),
    _core(
        "PersistentVolume", "persistentvolumes", view=views.PersistentVolume, lookup="storage",
        namespaced=False, short_names=("pv",),
        subresources=("status",), answers_object=True,
    ),
    _core(
        "PersistentVolumeClaim", "persistentvolumeclaims", view=views.PersistentVolumeClaim, lookup="storage",
        short_names=("pvc",), subresources=("status",),
        answers_object=True,
    ),
    _core(
        "Pod", "pods", view=views.Pod,
        short_names=("po",), categories=_ALL, subresources=("status", "binding", "eviction", "resize"),
        fields=_POD_FIELDS, unknown_field=_CORE_UNKNOWN, graceful=True, answers_object=True,
        templated=True, generation=_COUNTED,
    ),
    _core("PodTemplate", "podtemplates", answers_object=True, generation=_COUNTED),
    _core(
        "ReplicationController", "replicationcontrollers", view=views.ReplicationController, lookup="services",
        short_names=("rc",),
        categories=_ALL, subresources=_SCALED,
        generation=_COUNTED, fields=("status.replicas",), unknown_field=_CORE_UNKNOWN, orphans=True,
    ),
    _core(
        "ResourceQuota", "resourcequotas", short_names=("quota",), subresources=("status",),
        answers_object=True,
    ),
    _core("Secret", "secrets", fields=("type",), unknown_field=_CORE_UNKNOWN, immutable=("type",)),
    _core(
        "Service", "services", view=views.Service, lookup="services", short_names=("svc",),
        categories=_ALL, subresources=("status",), answers_object=True,
        create_on_update=True, fields=("spec.clusterIP", "spec.type"), unknown_field=_CORE_UNKNOWN,
    ),
    _core("ServiceAccount", "serviceaccounts", short_names=("sa",), answers_object=True),
    _in("apps", "v1", "ControllerRevision", "controllerrevisions"),
    _in(
        "apps", "v1", "DaemonSet", "daemonsets", short_names=("ds",),
        categories=_ALL, subresources=("status",),
        generation=_COUNTED,
        immutable=_SELECTOR,
    ),
    _in(
        "apps", "v1", "Deployment", "deployments", short_names=("deploy",),
        categories=_ALL, subresources=_SCALED,
        generation=Generation(metadata=("annotations",)),
        immutable=_SELECTOR,
    ),
    _in(
        "apps", "v1", "ReplicaSet", "replicasets", view=views.ReplicaSet, lookup="services",
        short_names=("rs",), categories=_ALL, subresources=_SCALED,
        generation=_COUNTED, fields=("status.replicas",),
        unknown_field="field label not supported for ReplicaSet: {}",
        immutable=_SELECTOR,
    ),
    _in(
        "apps", "v1", "StatefulSet", "statefulsets", view=views.StatefulSet, lookup="services",
        short_names=("sts",),
        categories=_ALL, subresources=_SCALED,
        generation=_COUNTED, fields=("status.successful",),
        unknown_field="field label not supported for appsv1.StatefulSet: {}",
    ),
    _in(
        "autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", short_names=("hpa",),
        categories=_ALL,
        subresources=("status",),
    ),
    _in(
        "batch", "v1", "CronJob", "cronjobs", short_names=("cj",), categories=_ALL,
        subresources=("status",), generation=_COUNTED,
    ),
    _in(
        "batch", "v1", "Job", "jobs",
        categories=_ALL, subresources=("status",), generation=_COUNTED, orphans=True,
        fields=("status.successful",), unknown_field='field label "{}" not supported for Job',
        immutable=_JOB_FIXED,
    ),
    _in("coordination.k8s.io", "v1", "Lease", "leases", create_on_update=True, unconditional_update=False),
    _in("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices",
        generation=Generation(metadata=("labels",))),
    _in(
        "networking.k8s.io", "v1", "Ingress", "ingresses", short_names=("ing",), subresources=("status",),
        generation=_COUNTED,
    ),
    _in("networking.k8s.io", "v1", "IngressClass", "ingressclasses", namespaced=False, generation=_COUNTED),
    _in(
        "networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies", short_names=("netpol",),
        generation=_COUNTED,
    ),
    _in(
        "node.k8s.io", "v1", "RuntimeClass", "runtimeclasses", view=views.RuntimeClass,
        namespaced=False, immutable=("handler",),
    ),
    _in(
        "policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets", view=views.PodDisruptionBudget, lookup="budgets",
        short_names=("pdb",),
        subresources=("status",), generation=_COUNTED, unconditional_update=False,
    ),
    _in(
        "resource.k8s.io", "v1", "DeviceClass", "deviceclasses", view=views.DeviceClass, lookup="devices",
        namespaced=False, generation=_COUNTED,
    ),
    _in(
        "resource.k8s.io", "v1", "ResourceClaim", "resourceclaims", view=views.ResourceClaim, lookup="claims",
        subresources=("status",), answers_object=True,
    ),
    _in(
        "resource.k8s.io", "v1", "ResourceClaimTemplate", "resourceclaimtemplates",
        view=views.ResourceClaimTemplate, lookup="claim templates", answers_object=True,
    ),
    _in(
        "resource.k8s.io", "v1", "ResourceSlice", "resourceslices", view=views.ResourceSlice, lookup="devices",
        namespaced=False, generation=_COUNTED, fields=("spec.nodeName", "spec.driver"), answers_object=True,
    ),
    _in(
        "scheduling.k8s.io", "v1", "PriorityClass", "priorityclasses", view=views.PriorityClass,
        namespaced=False, short_names=("pc",),
        generation=Generation(changes=False),
        immutable=("preemptionPolicy",),
    ),
    _in(
        "storage.k8s.io", "v1", "CSIDriver", "csidrivers", view=views.CSIDriver, lookup="storage",
        namespaced=False, generation=Generation(first=0), answers_object=True,
        unconditional_update=False),
    _in(
        "storage.k8s.io", "v1", "CSINode", "csinodes", view=views.CSINode, lookup="storage",
        namespaced=False, answers_object=True,
        unconditional_update=False),
    _in(
        "storage.k8s.io", "v1", "CSIStorageCapacity", "csistoragecapacities",
        view=views.CSIStorageCapacity, lookup="storage",
        unconditional_update=False,
    ),
    _in(
        "storage.k8s.io", "v1", "StorageClass", "storageclasses", view=views.StorageClass, lookup="storage",
        namespaced=False, short_names=("sc",),
        answers_object=True,
        immutable=("volumeBindingMode",),
    ),
    _in(
        "storage.k8s.io", "v1", "VolumeAttachment", "volumeattachments", view=views.VolumeAttachment, lookup="storage",
        namespaced=False,
        subresources=("status",), answers_object=True, unconditional_update=False,
    ),
    _core("ComponentStatus", "componentstatuses", namespaced=False, short_names=("cs",), served=False),
    *_unserved(
        "admissionregistration.k8s.io", namespaced=False,
        MutatingAdmissionPolicy="mutatingadmissionpolicies",
        MutatingAdmissionPolicyBinding="mutatingadmissionpolicybindings",
        MutatingWebhookConfiguration="mutatingwebhookconfigurations",
        ValidatingAdmissionPolicy="validatingadmissionpolicies",
        ValidatingAdmissionPolicyBinding="validatingadmissionpolicybindings",
        ValidatingWebhookConfiguration="validatingwebhookconfigurations",
    ),
    *_unserved("apiextensions.k8s.io", namespaced=False, CustomResourceDefinition="customresourcedefinitions"),
    *_unserved("apiregistration.k8s.io", namespaced=False, APIService="apiservices"),
    *_unserved("certificates.k8s.io", namespaced=False, CertificateSigningRequest="certificatesigningrequests"),
    *_unserved(
        "flowcontrol.apiserver.k8s.io", namespaced=False,
        FlowSchema="flowschemas", PriorityLevelConfiguration="prioritylevelconfigurations",
    ),
    *_unserved("networking.k8s.io", namespaced=False, IPAddress="ipaddresses", ServiceCIDR="servicecidrs"),
    *_unserved(
        "rbac.authorization.k8s.io", namespaced=False,
        ClusterRole="clusterroles", ClusterRoleBinding="clusterrolebindings",
    ),
    *_unserved("rbac.authorization.k8s.io", namespaced=True, Role="roles", RoleBinding="rolebindings"),
    *_unserved("storage.k8s.io", namespaced=False, VolumeAttributesClass="volumeattributesclasses"),
)  # fmt: skip
"""All kinds of Kubernetes v1.36."""

OTHER_VERSIONS: tuple[Kind, ...] = (
    _in(
        "autoscaling", "v1", "HorizontalPodAutoscaler", "horizontalpodautoscalers", short_names=("hpa",),
        categories=_ALL, subresources=("status",), conversion=AUTOSCALING_V1,
    ),
    _in(
        "events.k8s.io", "v1", "Event", "events", short_names=("ev",), create_on_update=True, conversion=EVENTS_V1,
    ),
)  # fmt: skip
"""Kinds in the versions that are served beside the one in which their objects are stored."""

KINDS: tuple[Kind, ...] = tuple(kind for kind in ALL_KINDS if kind.served)
"""All served kinds."""

VIEWS: dict[str, type[View]] = {kind.resource.kind: kind.view for kind in KINDS if kind.view is not None}
"""Kind -> its typed view, for the kinds that the scheduler reads."""

_CONVERSIONS = {(kind.resource.api_version, kind.resource.kind): kind.conversion for kind in OTHER_VERSIONS}
_CLUSTER_SCOPED = frozenset(kind.resource.kind for kind in ALL_KINDS if not kind.resource.namespaced)
_BY_RESOURCE = {kind.resource.qualified: kind for kind in KINDS}
_BY_PATH = {(kind.resource.api_version, kind.resource.plural): kind for kind in (*KINDS, *OTHER_VERSIONS)}


def kind_by_resource(qualified: str) -> Kind:
    """Return the kind of a qualified plural (``pods``, ``deployments.apps``); LookupError if none is served."""
    return _BY_RESOURCE[qualified]


def kind_by_path(api_version: str, plural: str) -> Kind | None:
    """Return the kind served at ``apps/v1`` as ``deployments``, or None."""
    return _BY_PATH.get((api_version, plural))


def stored_kind(kind: Kind) -> Kind:
    """Return the kind in the version in which its objects are stored."""
    return kind if kind.conversion is None else _BY_RESOURCE[kind.conversion.stored]


def versions_of(kind: Kind) -> tuple[Kind, ...]:
    """Return the kinds in other versions than ``kind``'s that the same stored objects are served as."""
    stored = stored_kind(kind)
    others = (each for each in OTHER_VERSIONS if stored_kind(each) is stored)
    return tuple(each for each in (stored, *others) if each is not kind)


def conversion_for(api_version: str, kind: str) -> Conversion | None:
    """Return how objects of a kind in a version are converted; None when they are stored as they are."""
    return _CONVERSIONS.get((api_version, kind))


def is_cluster_scoped(kind: str) -> bool:
    """Return whether a kind is cluster-scoped; custom kinds are assumed to be namespaced."""
    return kind in _CLUSTER_SCOPED


def resources(*, namespaced: bool | None = None) -> Iterable[Resource]:
    """Return the served resources, or those of one scope."""
    for kind in KINDS:
        if namespaced in (None, kind.resource.namespaced):
            yield kind.resource
