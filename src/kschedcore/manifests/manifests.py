"""Everything that was loaded: objects kept whole, with typed views of those that placement reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from kschedcore.api.objects import (
    CSIDriver,
    CSINode,
    CSIStorageCapacity,
    Namespace,
    Node,
    ObjectMeta,
    PersistentVolume,
    PersistentVolumeClaim,
    Pod,
    PodDisruptionBudget,
    PodSpec,
    PriorityClass,
    ReplicaSet,
    ReplicationController,
    RuntimeClass,
    Service,
    StatefulSet,
    StorageClass,
    View,
    VolumeAttachment,
    decode,
)
from kschedcore.api.phases import FINISHED
from kschedcore.errors import ManifestError, NotFoundError
from kschedcore.manifests.collection import collection_put_off
from kschedcore.manifests.documents import CLUSTER_SCOPED, Whole, objects_in
from kschedcore.manifests.loading import Document, read_documents
from kschedcore.manifests.pending import missing_pods, missing_replica_sets
from kschedcore.manifests.workloads import WORKLOAD_KINDS
from kschedcore.rules.checks import check, check_workload
from kschedcore.rules.defaulting import PodDefaults

__all__ = ["CLUSTER_KEYS", "VIEWS", "Manifests", "load"]

CONFIGURATION = "KubeSchedulerConfiguration"

VIEWS: dict[str, type[View]] = {
    "Pod": Pod,
    "Node": Node,
    "Namespace": Namespace,
    "PriorityClass": PriorityClass,
    "RuntimeClass": RuntimeClass,
    "Service": Service,
    "ReplicationController": ReplicationController,
    "ReplicaSet": ReplicaSet,
    "StatefulSet": StatefulSet,
    "PersistentVolume": PersistentVolume,
    "PersistentVolumeClaim": PersistentVolumeClaim,
    "StorageClass": StorageClass,
    "CSINode": CSINode,
    "CSIDriver": CSIDriver,
    "CSIStorageCapacity": CSIStorageCapacity,
    "VolumeAttachment": VolumeAttachment,
    "PodDisruptionBudget": PodDisruptionBudget,
}
"""Kinds that placement looks at."""

CLUSTER_KEYS = {
    "nodes": "Node",
    "pods": "Pod",
    "namespaces": "Namespace",
    "services": "Service",
    "replicationControllers": "ReplicationController",
    "replicaSets": "ReplicaSet",
    "statefulSets": "StatefulSet",
    "persistentVolumes": "PersistentVolume",
    "persistentVolumeClaims": "PersistentVolumeClaim",
    "storageClasses": "StorageClass",
    "csiNodes": "CSINode",
    "csiDrivers": "CSIDriver",
    "csiStorageCapacities": "CSIStorageCapacity",
    "volumeAttachments": "VolumeAttachment",
    "podDisruptionBudgets": "PodDisruptionBudget",
    "priorityClasses": "PriorityClass",
    "runtimeClasses": "RuntimeClass",
}
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
    """

    def __init__(self, namespace: str = "default") -> None:
        self.namespace = namespace
        self.objects: dict[Key, Mapping[str, Any]] = {}
        self.nodes: list[Node] = []
        self.pods: list[Pod] = []
        self.namespaces: list[Namespace] = []
        self.workloads: list[Mapping[str, Any]] = []
        self._listed: list[tuple[str, Any]] = []
        self._classes: list[PriorityClass] = []
        self._runtimes: list[RuntimeClass] = []
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
            self.add(Document(data, "<objects>", number))
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
        for whole in objects_in(document, self.namespace):
            self._add(whole)

    def _add(self, whole: Whole) -> None:
        key = whole.kind, whole.namespace, whole.name
        if key in self._wholes:
            first = self._wholes[key]
            raise whole.located(ManifestError(f"stands here a second time; the first is in {first.place}"))
        self._wholes[key] = whole
        try:
            self._view(whole.kind, whole.data)
        except ManifestError as error:
            raise whole.located(error) from None
        self.objects[key] = whole.data

    def _view(self, kind: str, data: Mapping[str, Any]) -> None:
        if kind in VIEWS:
            view = decode(VIEWS[kind], data)
            if not self._recorded:
                check(view)
            self._keep(kind, view)
        if kind in WORKLOAD_KINDS:
            if not self._recorded:
                check_workload(data)
            self.workloads.append(data)
        if kind == CONFIGURATION:
            self.config = data

    def _keep(self, kind: str, view: Any) -> None:
        match view:
            case Pod():
                self.pods.append(view)
            case Node():
                self.nodes.append(view)
            case Namespace():
                self.namespaces.append(view)
            case PriorityClass():
                self._classes.append(view)
            case RuntimeClass():
                self._runtimes.append(view)
            case _:
                self._listed.append((kind, view))

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
        return self._completed(chain(self._waiting(), missing_pods(self.workloads, self.pods)))

    @property
    def nominated(self) -> list[Pod]:
        """Pods without a node for which room is made on one (``status.nominatedNodeName``)."""
        return self._completed(pod for pod in self._waiting() if pod.status.nominated_node_name)

    def _waiting(self) -> Iterator[Pod]:
        return (pod for pod in self.pods if not pod.spec.node_name and pod.status.phase not in FINISHED)

    @property
    def listed(self) -> list[tuple[str, Any]]:
        """(kind, view) of further objects that placement rules look up, ReplicaSets yet to be made included."""
        made = [("ReplicaSet", decode(ReplicaSet, each)) for each in missing_replica_sets(self.workloads)]
        return [*self._listed, *made]

    def _completed(self, pods: Iterable[Pod]) -> list[Pod]:
        """Return the pods as the API server would pass them on; those of a recorded cluster as they are."""
        if self._recorded:
            return list(pods)
        defaults = PodDefaults(self._classes, self._runtimes)
        completed: dict[int, tuple[PodSpec, PodSpec]] = {}  # a spec's id stays its own while the spec is held
        result = []
        for pod in pods:
            if id(pod.spec) not in completed:
                completed[id(pod.spec)] = pod.spec, defaults.complete(pod.spec)
            spec = completed[id(pod.spec)][1]
            result.append(pod if spec is pod.spec else msgspec.structs.replace(pod, spec=spec))
        return result

    @property
    def others(self) -> list[Mapping[str, Any]]:
        """Whole objects of the kinds that neither placement nor :attr:`workloads` looks at."""
        known = VIEWS.keys() | WORKLOAD_KINDS | {CONFIGURATION}
        return [data for (kind, _, _), data in self.objects.items() if kind not in known]

    def raw(self, view: View) -> Mapping[str, Any]:
        """Return the whole object that a view shows.

        Raises:
            NotFoundError: It does not stand in the manifests itself, as a pod that a workload lacks.
        """
        kind, metadata = type(view).__name__, getattr(view, "metadata", ObjectMeta())
        namespace = "" if kind in CLUSTER_SCOPED else metadata.namespace or self.namespace
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
        told = ", ".join(f"{count} {kind}" for kind, count in self._kinds())
        return f"<Manifests: {told or 'nothing'}; {len(self.bound)} pods bound, {len(self.pending)} pending>"


def load(*paths: str | Path, namespace: str = "default", stdin: BinaryIO | None = None) -> Manifests:
    """Read everything in some manifests, see :meth:`Manifests.load`."""
    return Manifests.load(*paths, namespace=namespace, stdin=stdin)
