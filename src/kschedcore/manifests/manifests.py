"""Everything that was loaded: objects kept whole, with typed views of those that placement reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from kschedcore.api.machinery.frozen import FrozenDict
from kschedcore.api.machinery.kinds import KINDS, VIEWS, is_cluster_scoped
from kschedcore.api.machinery.remembered import shared
from kschedcore.api.objects import (
    Namespace,
    Node,
    ObjectMeta,
    PersistentVolumeClaim,
    Pod,
    PodSpec,
    PriorityClass,
    ReplicaSet,
    ResourceClaimTemplate,
    RuntimeClass,
    View,
    decode,
)
from kschedcore.api.phases import FINISHED
from kschedcore.api.schema.decode import DecodeError
from kschedcore.api.templates import template_of
from kschedcore.errors import ManifestError, NotFoundError
from kschedcore.manifests.claims import ephemeral_claims
from kschedcore.manifests.collection import collection_put_off
from kschedcore.manifests.creating import created_object, exists, plain_json
from kschedcore.manifests.daemons import daemon_pods_of, nodes_with_daemon
from kschedcore.manifests.device_claims import claims_to_make, with_claim_statuses
from kschedcore.manifests.documents import Whole, objects_in
from kschedcore.manifests.loading import Document, read_documents
from kschedcore.manifests.pending import missing_pods, missing_replica_sets
from kschedcore.manifests.pod_specs import Admission, restored_spec, view_of
from kschedcore.manifests.units import suspicious_units
from kschedcore.manifests.workloads import WORKLOAD_KINDS
from kschedcore.rules.bounds import check, check_workload
from kschedcore.rules.creation import create_pod_spec

__all__ = ["CLUSTER_KEYS", "Manifests", "load"]

CONFIGURATION = "KubeSchedulerConfiguration"

OBJECTS = "<objects>"
"""The source of objects that a program made."""

CLUSTER_KEYS = {kind.recorded_key: kind.resource.kind for kind in KINDS if kind.view is not None}
"""Keys of a recorded cluster, whose objects may leave out their kind."""

Key = tuple[str, str, str]
"""(kind, namespace, name)."""


class Manifests:
    """What manifests say, in the order in which they were read.

    Attributes:
        objects: Every object whole, by (kind, namespace, name); of cluster-scoped kinds the namespace is empty.
        nodes: Nodes.
        pods: Pods that stand in the manifests themselves.
        namespaces: Namespaces.
        workloads: Whole Deployments, ReplicaSets, StatefulSets, Jobs and replication controllers.
        config: A KubeSchedulerConfiguration, if one was among them.
        warnings: What is probably not meant, each with its place.
    """

    def __init__(self, namespace: str = "default") -> None:
        self.namespace = namespace
        self.objects: dict[Key, Mapping[str, Any]] = {}
        self.nodes: list[Node] = []
        self.pods: list[Pod] = []
        self.namespaces: list[Namespace] = []
        self.workloads: list[Mapping[str, Any]] = []
        self._listed: list[tuple[str, Any]] = []
        self._priority_classes: list[Mapping[str, Any]] = []
        self._runtime_classes: list[Mapping[str, Any]] = []
        self._limit_ranges: list[Mapping[str, Any]] = []
        self._daemon_sets: list[Mapping[str, Any]] = []
        self.warnings: list[str] = []
        # By the id of a view: the view, which keeps its id from being reused, and the spec that it shows.
        self._specs: dict[int, tuple[PodSpec, FrozenDict]] = {}
        self._admitted: dict[int, tuple[PodSpec, FrozenDict]] = {}
        self._recorded = False
        self.config: Mapping[str, Any] | None = None
        self._wholes: dict[Key, Whole] = {}

    # -- filling ----------------------------------------------------------------------------------

    @classmethod
    def load(cls, *paths: str | Path, namespace: str = "default", stdin: BinaryIO | None = None) -> Manifests:
        """Read files, folders or ``-`` for standard input.

        Args:
            paths: Where the manifests are.
            namespace: The namespace of objects that name none.
            stdin: What ``-`` reads from.

        Raises:
            NotFoundError: A path does not exist.
            ManifestError: Something in it is not what it claims to be.
            UsageError: Something is no path.
        """
        self = cls(namespace)
        with collection_put_off():
            for document in read_documents(paths, stdin):
                self.add(document)
        return self

    @classmethod
    def from_objects(cls, objects: Iterable[Mapping[str, Any]], namespace: str = "default") -> Manifests:
        """Take objects that are in memory already."""
        self = cls(namespace)
        for number, data in enumerate(objects, 1):
            self.add(Document(data, OBJECTS, number))
        return self

    @classmethod
    def from_cluster(cls, cluster: Mapping[str, Any]) -> Manifests:
        """Take a recorded cluster: lists of objects by kind, which may leave out ``apiVersion`` and ``kind``."""
        self = cls()
        self._recorded = True
        for key, kind in CLUSTER_KEYS.items():
            for number, data in enumerate(cluster.get(key) or (), 1):
                self.add(Document({"apiVersion": "v1", "kind": kind, **data}, f"<{key}>", number))
        self.config = cluster.get("config")
        return self

    def add(self, document: Document) -> None:
        """Add what a document holds: an object, or a list of objects.

        Raises:
            ManifestError: It is neither, stands there already, or a fault is in something that placement reads.
        """
        self.warnings += [f"{document.source}: {warning}" for warning in document.warnings]
        for whole in objects_in(document, self.namespace):
            self._add(whole)

    def _add(self, whole: Whole) -> None:
        key = whole.kind, whole.namespace, whole.name
        if key in self._wholes:
            first = self._wholes[key]
            if is_the_same(first.data, whole.data):
                return
            raise whole.located(ManifestError(f"stands here a second time; the first is in {first.place}"))
        self._wholes[key] = whole
        try:
            self._view(whole, *self._entered(whole))
        except ManifestError as error:
            raise whole.located(error) from None
        self.objects[key] = whole.data

    def _entered(self, whole: Whole) -> tuple[Mapping[str, Any], Mapping[str, Any] | None]:
        """Return an object as it stands and, unless it exists already, as an API server would store it."""
        data = whole.data
        if self._recorded or exists(data):
            return data, None
        data = plain_json(data) if whole.document.source == OBJECTS else data
        created = created_object(data)
        where = f"{whole.document.source}: {whole.kind} {whole.name}"
        self.warnings += [f"{where}: {warning}" for warning in suspicious_units(data)]
        return data, created

    def _view(self, whole: Whole, data: Mapping[str, Any], created: Mapping[str, Any] | None) -> None:
        kind = whole.kind
        if kind in VIEWS:
            self._keep(kind, data, created)
        if kind in WORKLOAD_KINDS:
            if created is None and not self._recorded:
                check_workload(data)
            self.workloads.append(data)
        if kind == "LimitRange":
            self._limit_ranges.append(data if created is None else created)
        if kind == "DaemonSet":
            self._daemon_sets.append(data if created is None else created)
        if kind == CONFIGURATION:
            self.config = data

    def _keep(self, kind: str, data: Mapping[str, Any], created: Mapping[str, Any] | None) -> None:
        view: Any
        if kind == "Pod" and created is not None:
            view = decode(Pod, {"metadata": data["metadata"]})
            view = msgspec.structs.replace(view, spec=self._completed_spec(created["spec"]))
        else:
            view = decode(VIEWS[kind], data if created is None else created)
            if created is None and not self._recorded:
                check(view)
        match view:
            case Pod():
                self.pods.append(view if created is not None else self._restored(view, data))
            case Node():
                self.nodes.append(view)
            case Namespace():
                self.namespaces.append(view)
            case PriorityClass():
                self._priority_classes.append(data if created is None else created)
            case RuntimeClass():
                self._runtime_classes.append(data if created is None else created)
            case _:
                self._listed.append((kind, view))

    def _restored(self, pod: Pod, data: Mapping[str, Any]) -> Pod:
        """Return a pod that exists: its spec as it stands, unless it lacks what decoding fills in."""
        spec = data.get("spec") or {}
        complete = None if self._recorded else restored_spec(spec)
        if complete is not None:
            pod = msgspec.structs.replace(pod, spec=view_of(complete))
        if not self._recorded and pod.spec.priority is None:
            # No API server resolved its class: the manifest was written by hand, or trimmed.
            self._specs[id(pod.spec)] = pod.spec, complete or shared(spec)
        return pod

    def _completed_spec(self, spec: FrozenDict) -> PodSpec:
        """Return the view of a created pod's spec, and remember the spec itself for admission."""
        view = view_of(spec)
        self._specs[id(view)] = view, spec
        return view

    # -- reading ----------------------------------------------------------------------------------

    @property
    def bound(self) -> list[Pod]:
        """Pods that have a node and have not finished."""
        return self._completed(
            pod for pod in self.pods if pod.spec.node_name and pod.status.phase not in FINISHED
        )

    @property
    def pending(self) -> list[Pod]:
        """Pods without a node: those of the manifests, then those that its workloads still lack.

        Raises:
            ManifestError: A workload's template cannot be read as that of a pod.
        """
        templates = self._claim_templates()
        return [with_claim_statuses(pod, templates) for pod, refusal in self._reviewed() if not refusal]

    def _claim_templates(self) -> dict[tuple[str, str], ResourceClaimTemplate]:
        """Return the templates from which claims are made; those of a recorded cluster make none."""
        views = [view for _, view in self._listed if isinstance(view, ResourceClaimTemplate)]
        if self._recorded:
            return {}
        return {(each.metadata.namespace or self.namespace, each.metadata.name): each for each in views}

    @property
    def refused(self) -> list[tuple[Pod, str]]:
        """Pods that admission would refuse, which so would not exist, each with the reason.

        Raises:
            ManifestError: A workload's template cannot be read as that of a pod.
        """
        return [(pod, refusal) for pod, refusal in self._reviewed() if refusal] if self._limit_ranges else []

    def _reviewed(self) -> Iterator[tuple[Pod, str]]:
        """Yield the pods that are to be scheduled, each with why admission refuses it."""
        missing = missing_pods(self.workloads, self.pods, self._template_spec)
        pods = self._completed(chain(self._waiting(), self._daemon_pods(), missing))
        admission = self._admission()
        for pod in pods:
            new = not pod.metadata.uid and not pod.status.phase
            known = self._admitted.get(id(pod.spec)) if new and self._limit_ranges else None
            yield (
                pod,
                "" if known is None else admission.refusal(known[1], pod.metadata.namespace or "default"),
            )

    def _admission(self) -> Admission:
        return Admission(self._priority_classes, self._runtime_classes, self._limit_ranges)

    def _daemon_pods(self) -> Iterator[Pod]:
        """Yield the pods that DaemonSets lack, node by node.

        Raises:
            ManifestError: A template cannot be read as that of a pod.
        """
        for daemon_set in self._daemon_sets:
            template = (daemon_set.get("spec") or {}).get("template") or {}
            try:
                spec = create_pod_spec(template.get("spec") or {})
            except DecodeError as error:
                raise ManifestError(str(error), path=f"spec.template.{error.path}") from None
            placed = nodes_with_daemon(daemon_set, self.pods)
            lacking = [node for node in self.nodes if node.metadata.name not in placed]
            whole = {**daemon_set, "spec": {"template": {**template, "spec": spec}}}
            for pod in daemon_pods_of(whole, lacking):
                metadata = decode(ObjectMeta, pod["metadata"])
                yield Pod(metadata=metadata, spec=self._completed_spec(shared(pod["spec"])))

    @property
    def nominated(self) -> list[Pod]:
        """Pods without a node for which room is made on one (``status.nominatedNodeName``)."""
        return self._completed(pod for pod in self._waiting() if pod.status.nominated_node_name)

    def _waiting(self) -> Iterator[Pod]:
        return (pod for pod in self.pods if not pod.spec.node_name and pod.status.phase not in FINISHED)

    @property
    def listed(self) -> list[tuple[str, Any]]:
        """(kind, view) of further objects that placement rules look up.

        ReplicaSets, and claims from templates, that their controllers have yet to make are included.
        """
        made: list[tuple[str, Any]] = [
            ("ReplicaSet", decode(ReplicaSet, each)) for each in missing_replica_sets(self.workloads)
        ]
        made += (("PersistentVolumeClaim", each) for each in self._ephemeral_claims())
        templates = self._claim_templates()
        pods = [pod for pod, refusal in self._reviewed() if not refusal] if templates else []
        made += (("ResourceClaim", claim) for pod in pods for claim in claims_to_make(pod, templates))
        return [*self._listed, *made]

    def _ephemeral_claims(self) -> Iterator[PersistentVolumeClaim]:
        """Yield the claims that the ephemeral volume controller has yet to create, for pods that are new."""
        if self._recorded:
            return
        templates = chain(self.workloads, self._daemon_sets)
        specs = chain((pod.spec for pod in self.pods), (template_of(each).spec for each in templates))
        if not any(volume.ephemeral for spec in specs for volume in spec.volumes or ()):
            return
        classes = [view for kind, view in self._listed if kind == "StorageClass"]
        claims = {
            (namespace, name) for kind, namespace, name in self.objects if kind == "PersistentVolumeClaim"
        }
        yield from ephemeral_claims((pod for pod in self.pending if not pod.metadata.uid), classes, claims)

    def _template_spec(self, workload: Mapping[str, Any]) -> PodSpec:
        """Return the spec of the pods of a workload.

        Raises:
            ManifestError: A field has the wrong type.
        """
        template = template_of(workload)
        if self._recorded:
            return template.spec
        spec = ((workload.get("spec") or {}).get("template") or {}).get("spec") or {}
        try:
            return self._completed_spec(create_pod_spec(spec))
        except DecodeError as error:
            raise ManifestError(str(error), path=f"spec.template.{error.path}") from None

    def _completed(self, pods: Iterable[Pod]) -> list[Pod]:
        """Return the pods as an API server would admit them; those that exist as they are."""
        if self._recorded:
            return list(pods)
        admission = self._admission()
        completed: dict[tuple[int, str], PodSpec] = {}
        result = []
        for pod in pods:
            namespace = pod.metadata.namespace or "default"
            key = id(pod.spec), namespace
            if key not in completed:
                known = self._specs.get(key[0])
                if known is None:
                    completed[key] = pod.spec
                else:
                    admitted = admission.admit(known[1], namespace)
                    view = completed[key] = view_of(admitted)
                    self._admitted[id(view)] = view, admitted
            spec = completed[key]
            result.append(pod if spec is pod.spec else msgspec.structs.replace(pod, spec=spec))
        return result

    @property
    def sources(self) -> set[str]:
        """The files (and ``<stdin>``) that hold objects."""
        return {whole.document.source for whole in self._wholes.values()}

    @property
    def others(self) -> list[Mapping[str, Any]]:
        """Whole objects of the kinds that neither placement nor :attr:`workloads` looks at."""
        known = VIEWS.keys() | WORKLOAD_KINDS | {CONFIGURATION, "LimitRange", "DaemonSet"}
        return [data for (kind, _, _), data in self.objects.items() if kind not in known]

    def raw(self, view: View) -> Mapping[str, Any]:
        """Return the whole object that a view shows.

        Raises:
            NotFoundError: It does not stand in the manifests itself, as a pod that a workload lacks.
        """
        kind, metadata = type(view).__name__, getattr(view, "metadata", ObjectMeta())
        namespace = "" if is_cluster_scoped(kind) else metadata.namespace or self.namespace
        found = self.objects.get((kind, namespace, metadata.name))
        if found is None:
            raise NotFoundError(f"{kind} {metadata.name!r} does not stand in the manifests")
        return found

    def _kinds(self) -> list[tuple[str, int]]:
        return sorted(Counter(kind for kind, _, _ in self.objects).items())

    def _repr_html_(self) -> str:
        rows = [*self._kinds(), ("pods bound", len(self.bound)), ("pods pending", len(self.pending))]
        cells = "".join(f"<tr><td>{escape(name)}</td><td>{count}</td></tr>" for name, count in rows)
        return f"<table><tr><th>Manifests</th><th></th></tr>{cells}</table>"

    def __repr__(self) -> str:
        counts = ", ".join(f"{count} {kind}" for kind, count in self._kinds())
        return (
            f"<Manifests: {counts or 'nothing'}; {len(self.bound)} pods bound, {len(self.pending)} pending>"
        )


def is_the_same(first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
    """Whether two objects of the same kind, namespace and name are one that a dump holds twice."""
    if first == second or first["kind"] == "Event":
        return True
    mine, other = first.get("metadata") or {}, second.get("metadata") or {}
    identity = ("uid", "resourceVersion")
    return bool(mine.get("uid")) and [mine.get(each) for each in identity] == [
        other.get(each) for each in identity
    ]


def load(*paths: str | Path, namespace: str = "default", stdin: BinaryIO | None = None) -> Manifests:
    """Read everything in some manifests, see :meth:`Manifests.load`."""
    return Manifests.load(*paths, namespace=namespace, stdin=stdin)
