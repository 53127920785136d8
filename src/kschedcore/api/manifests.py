"""Everything that was loaded: objects kept whole, with typed views of those that placement reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from kschedcore.api.defaulting import PodDefaults
from kschedcore.api.loading import Document, read_documents
from kschedcore.api.objects import (
    CSIDriver,
    CSINode,
    CSIStorageCapacity,
    Namespace,
    Node,
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
from kschedcore.api.pending import FINISHED, missing_pods, missing_replica_sets, template_of
from kschedcore.api.workloads import WORKLOAD_KINDS
from kschedcore.errors import ManifestError

__all__ = ["Manifests", "load"]

_LISTED: dict[str, type[View]] = {
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
"""Kinds whose objects placement rules look up."""

_CLUSTER_SCOPED = {
    "Node", "Namespace", "PersistentVolume", "StorageClass", "CSINode", "CSIDriver", "VolumeAttachment",
    "PriorityClass", "RuntimeClass", "ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition",
    "KubeSchedulerConfiguration", "IngressClass",
}  # fmt: skip

_CLUSTER_KEYS = {
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
        self._places: dict[Key, str] = {}

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
        """
        self = cls(namespace)
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
        for key, kind in _CLUSTER_KEYS.items():
            for number, data in enumerate(cluster.get(key) or (), 1):
                self._add(kind, {"kind": kind, **data}, Document(data, f"<{key}>", number))
        self.config = cluster.get("config")
        return self

    def add(self, document: Document) -> None:
        """Add what a document holds: an object, or a list of objects.

        Raises:
            ManifestError: It is neither, or a fault is in something that placement reads.
        """
        for data in _flatten(document):
            self._add(_kind_of(data, document), data, document)

    def _add(self, kind: str, data: Mapping[str, Any], document: Document) -> None:
        if kind == "KubeSchedulerConfiguration":
            self.config = data
            return
        key = self._key(kind, data, document)
        subject = f"{kind} {key[1]}/{key[2]}" if key[1] else f"{kind} {key[2]}"
        place = f"{document.source} document {document.number}"
        if key in self._places:
            raise ManifestError(
                f"stands here a second time; the first is in {self._places[key]}",
                source=document.source, document=document.number, line=document.line, subject=subject,
            )  # fmt: skip
        try:
            self._view(kind, key, data)
        except ManifestError as error:
            path = [
                int(p) if p.isdigit() else p
                for p in (error.path or "").replace("[", ".").replace("]", "").split(".")
            ]
            raise error.located(
                source=document.source, document=document.number, line=document.line_of(path), subject=subject
            ) from None
        self._places[key] = place
        self.objects[key] = data

    def _key(self, kind: str, data: Mapping[str, Any], document: Document) -> Key:
        metadata = data.get("metadata")
        name = metadata.get("name") if isinstance(metadata, Mapping) else None
        if not isinstance(name, str) or not name:
            found = "is missing" if name is None else f"is {name!r}"
            raise ManifestError(
                f"{found}; expected a name", source=document.source, document=document.number,
                line=document.line_of(["metadata", "name"]), subject=kind, path="metadata.name",
            )  # fmt: skip
        assert isinstance(metadata, Mapping)
        namespace = "" if kind in _CLUSTER_SCOPED else metadata.get("namespace") or self.namespace
        return kind, str(namespace), name

    def _view(self, kind: str, key: Key, data: Mapping[str, Any]) -> None:
        if kind == "Node":
            self.nodes.append(decode(Node, data))
        elif kind == "Pod":
            self.pods.append(decode(Pod, self._named(data, key[1])))
        elif kind == "Namespace":
            self.namespaces.append(decode(Namespace, data))
        elif kind in _LISTED:
            self._listed.append((kind, decode(_LISTED[kind], self._named(data, key[1]))))
        elif kind == "PriorityClass":
            self._classes.append(decode(PriorityClass, data))
        elif kind == "RuntimeClass":
            self._runtimes.append(decode(RuntimeClass, data))
        if kind in WORKLOAD_KINDS:
            template_of(data)
            self.workloads.append(self._named(data, key[1]))

    @staticmethod
    def _named(data: Mapping[str, Any], namespace: str) -> Mapping[str, Any]:
        """The object with its namespace spelled out."""
        if not namespace or data["metadata"].get("namespace"):
            return data
        return {**data, "metadata": {**data["metadata"], "namespace": namespace}}

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
        waiting = (pod for pod in self.pods if not pod.spec.node_name and pod.status.phase not in FINISHED)
        return self._completed(chain(waiting, missing_pods(self.workloads, self.pods)))

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

    def __repr__(self) -> str:
        kinds: dict[str, int] = {}
        for kind, _, _ in self.objects:
            kinds[kind] = kinds.get(kind, 0) + 1
        told = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
        return f"<Manifests: {told or 'nothing'}; {len(self.bound)} pods bound, {len(self.pending)} pending>"


def _flatten(document: Document) -> Iterator[Mapping[str, Any]]:
    data = document.data
    if isinstance(data, Mapping) and isinstance(data.get("kind"), str) and data["kind"].endswith("List"):
        items = data.get("items")
        if items is None and "items" in data:
            return
        if not isinstance(items, list):
            raise ManifestError(
                f"is {'missing' if items is None else 'a ' + type(items).__name__}; expected a list of objects",
                source=document.source, document=document.number, line=document.line, subject=data["kind"],
                path="items",
            )  # fmt: skip
        kind = data["kind"].removesuffix("List")
        for item in items:
            if isinstance(item, dict) and kind and "kind" not in item:
                item = {"apiVersion": data.get("apiVersion"), "kind": kind, **item}
            yield from _flatten(Document(item, document.source, document.number, None, document.line))
        return
    if not isinstance(data, Mapping):
        raise ManifestError(
            f"is a {type(data).__name__}; expected an object with apiVersion, kind and metadata",
            source=document.source, document=document.number, line=document.line,
        )  # fmt: skip
    yield data


def _kind_of(data: Mapping[str, Any], document: Document) -> str:
    for field in ("apiVersion", "kind"):
        value = data.get(field)
        if isinstance(value, str) and value:
            continue
        close = next((key for key in data if isinstance(key, str) and key.lower() == field.lower()), None)
        hint = f"; did you mean {field!r} instead of {close!r}?" if close and close != field else ""
        found = "is missing" if value is None else f"is {value!r}, expected a string"
        raise ManifestError(
            f"{found}{hint}", source=document.source, document=document.number,
            line=document.line_of([close] if close else []), path=field,
        )  # fmt: skip
    return str(data["kind"])


def load(*paths: str | Path, namespace: str = "default", stdin: BinaryIO | None = None) -> Manifests:
    """Read everything in some manifests, see :meth:`Manifests.load`."""
    return Manifests.load(*paths, namespace=namespace, stdin=stdin)
