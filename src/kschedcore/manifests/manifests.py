"""Loaded manifests: complete objects, with typed views of those that the engine reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import replace
from functools import partial
from html import escape
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from kschedcore.api.machinery.kinds import KINDS, VIEWS, is_cluster_scoped
from kschedcore.api.machinery.remembered import shared
from kschedcore.api.objects import (
    Namespace,
    Node,
    ObjectMeta,
    Pod,
    PriorityClass,
    RuntimeClass,
    View,
    decode,
)
from kschedcore.api.phases import FINISHED
from kschedcore.errors import ManifestError, NotFoundError
from kschedcore.manifests.collection import collection_put_off
from kschedcore.manifests.creating import created_object, exists, plain_json
from kschedcore.manifests.documents import Whole, objects_in
from kschedcore.manifests.fields import FieldValidation, refuse_fields, unknown_fields
from kschedcore.manifests.loading import Document, read_documents
from kschedcore.manifests.planned import Planned, PodPlanner
from kschedcore.manifests.pod_specs import PodSpecs, restored_spec, view_of
from kschedcore.manifests.replacing import applied
from kschedcore.manifests.review import Refusal
from kschedcore.manifests.units import suspicious_units
from kschedcore.manifests.workloads import WORKLOAD_KINDS
from kschedcore.rules.bounds import check, check_workload

__all__ = ["CLUSTER_KEYS", "Manifests", "load"]

CONFIGURATION = "KubeSchedulerConfiguration"

_DECIDING = frozenset({
    "CronJob", "DaemonSet", "HorizontalPodAutoscaler", "LimitRange", "PersistentVolume", "PersistentVolumeClaim",
    "PriorityClass", "ResourceClaimTemplate", "ResourceQuota", "RuntimeClass", "StorageClass",
})  # fmt: skip
"""Kinds, besides workloads, that admission and controllers read when they create pods."""

OBJECTS = "<objects>"
"""The source of objects that a program passed."""

CLUSTER_KEYS = {kind.recorded_key: kind.resource.kind for kind in KINDS if kind.view is not None}
"""Keys of a recorded cluster, whose objects may leave out their kind."""

Key = tuple[str, str, str]
"""(kind, namespace, name)."""


class Manifests:
    """The objects of manifests, in the order in which they were read.

    Args:
        namespace: The namespace of objects that name none.
        validate: What happens to fields that a kind does not have, in objects that are created: they are an error
            (``strict``), a warning (``warn``, as the API server does by default) or dropped in silence (``ignore``).

    Attributes:
        objects: All complete objects, by (kind, namespace, name); the namespace of cluster-scoped kinds is empty.
        nodes: Nodes.
        pods: The pods in the manifests, without those of workloads.
        namespaces: Namespaces.
        workloads: Complete Deployments, ReplicaSets, StatefulSets, Jobs and ReplicationControllers.
        config: A KubeSchedulerConfiguration, if one was among them.
        upgrades: The workloads of the cluster that a later document replaces, as they were before.
        warnings: Probable mistakes, each with its place.
    """

    def __init__(
        self, namespace: str = "default", *, validate: FieldValidation = FieldValidation.warn
    ) -> None:
        self.namespace = namespace
        self._validation = FieldValidation(validate)
        self.objects: dict[Key, Mapping[str, Any]] = {}
        self.nodes: list[Node] = []
        self.pods: list[Pod] = []
        self.namespaces: list[Namespace] = []
        self.workloads: list[Mapping[str, Any]] = []
        self._listed: list[tuple[str, Any]] = []
        self._stored: dict[str, list[Mapping[str, Any]]] = {}
        self.warnings: list[str] = []
        self.upgrades: dict[Key, Mapping[str, Any]] = {}
        self._specs = PodSpecs()
        self._plan: tuple[Any, Planned] | None = None
        self._recorded = False
        self.config: Mapping[str, Any] | None = None
        self._wholes: dict[Key, Whole] = {}

    # -- filling ----------------------------------------------------------------------------------

    @classmethod
    def load(cls, *paths: str | Path, namespace: str = "default", stdin: BinaryIO | None = None) -> Manifests:
        """Read files, folders or ``-`` for standard input.

        Args:
            paths: Files, folders or ``-``.
            namespace: The namespace of objects that name none.
            stdin: The stream for ``-``.

        Raises:
            NotFoundError: A path does not exist.
            ManifestError: An object is invalid.
            UsageError: A value is not a path.
        """
        self = cls(namespace)
        with collection_put_off():
            for document in read_documents(paths, stdin):
                self.add(document)
        return self

    @classmethod
    def from_objects(cls, objects: Iterable[Mapping[str, Any]], namespace: str = "default") -> Manifests:
        """Return manifests with objects from memory."""
        self = cls(namespace)
        for number, data in enumerate(objects, 1):
            self.add(Document(data, OBJECTS, number))
        return self

    @classmethod
    def from_cluster(cls, cluster: Mapping[str, Any]) -> Manifests:
        """Return manifests of a recorded cluster: lists of objects by kind, which may omit their kind."""
        self = cls()
        self._recorded = True
        for key, kind in CLUSTER_KEYS.items():
            for number, data in enumerate(cluster.get(key) or (), 1):
                self.add(Document({"apiVersion": "v1", "kind": kind, **data}, f"<{key}>", number))
        self.config = cluster.get("config")
        return self

    def add(self, document: Document) -> None:
        """Add the objects of a document: an object, or a list of objects.

        Raises:
            ManifestError: It is neither, a duplicate, or an object that the engine reads is invalid.
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
            try:
                whole = self._replaced(key, first, whole)
            except ManifestError as error:
                raise whole.located(error) from None
        self._wholes[key] = whole
        try:
            self._view(whole, *self._entered(whole))
        except ManifestError as error:
            raise whole.located(error) from None
        self.objects[key] = whole.data

    def _replaced(self, key: Key, first: Whole, whole: Whole) -> Whole:
        """Return the result of a later document replacing an earlier one, and remove the earlier one.

        Raises:
            ManifestError: The documents are of two objects that only share their name, or the later one is invalid.
        """
        if self._recorded or whole.kind == CONFIGURATION or not may_replace(first.data, whole.data):
            raise ManifestError(f"is defined a second time; the first is in {first.place}")
        self._forget(key)
        if not exists(first.data) or exists(whole.data):
            self.warnings.append(
                f"{whole.document.source}: {whole.subject} replaces the one in {first.place}"
            )
            return whole
        self._entered(whole)
        data = applied(first.data, whole.data)
        if whole.kind in WORKLOAD_KINDS | {"DaemonSet"}:
            self.upgrades[key] = first.data
        return replace(whole, data=data)

    def _forget(self, key: Key) -> None:
        """Remove an object from everything but :attr:`objects`."""
        kind, namespace, name = key

        def is_other(metadata: Any) -> bool:
            own = metadata.get if isinstance(metadata, Mapping) else partial(getattr, metadata)
            found = (
                own("name", None),
                "" if is_cluster_scoped(kind) else own("namespace", None) or self.namespace,
            )
            return found != (name, namespace)

        views: dict[str, list[Any]] = {"Pod": self.pods, "Node": self.nodes, "Namespace": self.namespaces}
        if kind in views:
            views[kind][:] = [each for each in views[kind] if is_other(each.metadata)]
        if kind in WORKLOAD_KINDS:
            self.workloads = [
                each for each in self.workloads if each["kind"] != kind or is_other(each["metadata"])
            ]
        if kind in self._stored:
            self._stored[kind] = [each for each in self._stored[kind] if is_other(each["metadata"])]
        self._listed = [each for each in self._listed if each[0] != kind or is_other(each[1].metadata)]

    def _entered(self, whole: Whole) -> tuple[Mapping[str, Any], Mapping[str, Any] | None]:
        """Return an object as given and, unless it exists already, as an API server would store it."""
        data = whole.data
        if self._recorded or exists(data):
            return data, None
        data = plain_json(data) if whole.document.source == OBJECTS else data
        created = created_object(data, lambda paths: self._take_unknown(whole, paths))
        where = f"{whole.document.source}: {whole.kind} {whole.name}"
        self.warnings += [f"{where}: {warning}" for warning in suspicious_units(data)]
        return data, created

    def _take_unknown(self, whole: Whole, paths: list[str]) -> None:
        """Refuse fields that the kind does not have, or warn about them.

        Raises:
            ManifestError: They are to be refused.
        """
        if self._validation is FieldValidation.strict:
            raise refuse_fields(whole, paths)
        if self._validation is FieldValidation.warn:
            where = f"{whole.document.source}: {whole.kind} {whole.name}"
            self.warnings += [f"{where}: {message}" for message in unknown_fields(whole.data, paths)]

    def _view(self, whole: Whole, data: Mapping[str, Any], created: Mapping[str, Any] | None) -> None:
        kind = whole.kind
        if kind in VIEWS:
            self._keep(kind, data, created)
        if kind in WORKLOAD_KINDS:
            if created is None and not self._recorded:
                check_workload(data)
            self.workloads.append(data)
        if kind in _DECIDING:
            self._stored.setdefault(kind, []).append(data if created is None else created)
        if kind == CONFIGURATION:
            self.config = data

    def _keep(self, kind: str, data: Mapping[str, Any], created: Mapping[str, Any] | None) -> None:
        view: Any
        if kind == "Pod" and created is not None:
            view = decode(Pod, {"metadata": data["metadata"]})
            view = msgspec.structs.replace(view, spec=self._specs.view(created["spec"]))
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
            case PriorityClass() | RuntimeClass():
                pass
            case _:
                self._listed.append((kind, view))

    def _restored(self, pod: Pod, data: Mapping[str, Any]) -> Pod:
        """Return an existing pod, with its spec unchanged unless it lacks fields that decoding fills in."""
        spec = data.get("spec") or {}
        complete = None if self._recorded else restored_spec(spec)
        if complete is not None:
            pod = msgspec.structs.replace(pod, spec=view_of(complete))
        if not self._recorded and pod.spec.priority is None:
            # The priority was not resolved by an API server: the manifest was written by hand, or trimmed.
            self._specs.add(pod.spec, complete or shared(spec))
        return pod

    @property
    def daemon_sets(self) -> list[Mapping[str, Any]]:
        """Complete DaemonSets."""
        return list(self._stored.get("DaemonSet", ()))

    def pods_like(self, wanted: Iterable[Mapping[str, Any]], workload: Mapping[str, Any]) -> list[Pod]:
        """Return the views of pods that a controller creates for a workload, as admitted.

        Args:
            wanted: The pods, complete.
            workload: The workload.

        Raises:
            ManifestError: The workload's pod template is invalid.
        """
        return self._planner().pods_like(wanted, workload)

    def without_pods(self, keys: Iterable[tuple[str, str]]) -> Manifests:
        """Return a copy without some pods.

        Args:
            keys: (namespace, name) of the pods.
        """
        gone = set(keys)
        other = copy(self)
        other.pods = [
            pod for pod in self.pods if (pod.metadata.namespace or "default", pod.metadata.name) not in gone
        ]
        other.objects = {
            key: each for key, each in self.objects.items() if key[0] != "Pod" or key[1:] not in gone
        }
        return other

    def changed(self, objects: Mapping[Key, Mapping[str, Any] | None]) -> Manifests:
        """Return manifests in which some objects are others or gone, and that are the same otherwise.

        Warnings are those of the manifests as they were read.

        Args:
            objects: (kind, namespace, name) of nodes, pods, workloads and objects that placement looks up -> the whole
                new object; None for a removed one.

        Raises:
            ManifestError: An API server would reject an object.
        """
        other = copy(self)
        other._change(objects)  # noqa: SLF001
        return other

    def _change(self, objects: Mapping[Key, Mapping[str, Any] | None]) -> None:
        """Replace every collection by one without the objects, then add those that are there."""
        self._validation = FieldValidation.ignore  # the fields that are there were checked already
        self._plan = None
        order = {self._key(each["kind"], each): place for place, each in enumerate(self.workloads)}
        self._wholes = {key: each for key, each in self._wholes.items() if key not in objects}
        self.objects = {key: each for key, each in self.objects.items() if key not in objects}
        self.nodes = [each for each in self.nodes if self._key_of_view("Node", each) not in objects]
        self.pods = [each for each in self.pods if self._key_of_view("Pod", each) not in objects]
        self.workloads = [each for each in self.workloads if self._key(each["kind"], each) not in objects]
        self._listed = [each for each in self._listed if self._key_of_view(*each) not in objects]
        self._stored = {
            kind: [each for each in found if self._key(kind, each) not in objects]
            for kind, found in self._stored.items()
        }
        warnings = self.warnings
        self.warnings = []
        for data in objects.values():
            if data is not None:
                self.add(Document(data, OBJECTS, 1))
        self.workloads.sort(key=lambda each: order.get(self._key(each["kind"], each), len(order)))
        self.warnings = warnings

    def _key(self, kind: str, whole: Mapping[str, Any]) -> Key:
        metadata = whole["metadata"]
        namespace = "" if is_cluster_scoped(kind) else metadata.get("namespace") or self.namespace
        return kind, namespace, metadata["name"]

    # -- reading ----------------------------------------------------------------------------------

    @property
    def bound(self) -> list[Pod]:
        """The pods that have a node and have not finished."""
        return self._planner().completed(
            pod for pod in self.pods if pod.spec.node_name and pod.status.phase not in FINISHED
        )

    @property
    def pending(self) -> list[Pod]:
        """The pods without a node: those of the manifests, then the missing ones of workloads.

        Raises:
            ManifestError: A workload's pod template is invalid.
        """
        return list(self._planned().pods)

    @property
    def refused(self) -> list[Refusal]:
        """The pods that admission would refuse, each with the reason.

        Raises:
            ManifestError: A workload's pod template is invalid.
        """
        return list(self._planned().refused)

    @property
    def nominated(self) -> list[Pod]:
        """The nominated pods: pods without a node that have a ``status.nominatedNodeName``."""
        planner = self._planner()
        return planner.completed(pod for pod in planner.waiting() if pod.status.nominated_node_name)

    @property
    def listed(self) -> list[tuple[str, Any]]:
        """(kind, view) of other objects that plugins read.

        ReplicaSets, claims and volumes that their controllers have yet to create or to bind are included.
        """
        planned = self._planned()
        kept = (
            [each for each in self._listed if not self._is_replaced(each, planned)]
            if planned.replaced
            else self._listed
        )
        return [*kept, *planned.created]

    def _is_replaced(self, listed: tuple[str, Any], planned: Planned) -> bool:
        kind, view = listed
        namespace = "" if is_cluster_scoped(kind) else view.metadata.namespace or self.namespace
        return (kind, namespace, view.metadata.name) in planned.replaced

    def _planner(self) -> PodPlanner:
        return PodPlanner(
            self.pods, self.nodes, self.workloads, self._stored, self.objects, self._specs, self._recorded
        )

    def _planned(self) -> Planned:
        """Return the pods to schedule, computed again after a change of pods, nodes or workloads."""
        state = (
            len(self.objects), [*map(id, self.pods)], [*map(id, self.nodes)], [*map(id, self.workloads)]
        )  # fmt: skip
        if self._plan is None or self._plan[0] != state:
            self._plan = state, self._planner().planned()
        return self._plan[1]

    @property
    def sources(self) -> set[str]:
        """The files (and ``<stdin>``) that contain objects."""
        return {whole.document.source for whole in self._wholes.values()}

    @property
    def others(self) -> list[Mapping[str, Any]]:
        """The complete objects of other kinds, which neither the engine nor :attr:`workloads` uses."""
        known = VIEWS.keys() | WORKLOAD_KINDS | _DECIDING | {CONFIGURATION}
        return [data for (kind, _, _), data in self.objects.items() if kind not in known]

    def raw(self, view: View) -> Mapping[str, Any]:
        """Return the complete object of a view.

        Raises:
            NotFoundError: It is not in the manifests, such as a pod of a workload.
        """
        kind, namespace, name = self._key_of_view(type(view).__name__, view)
        found = self.objects.get((kind, namespace, name))
        if found is None:
            raise NotFoundError(f"{kind} {name!r} does not stand in the manifests")
        return found

    def _key_of_view(self, kind: str, view: Any) -> Key:
        metadata = getattr(view, "metadata", ObjectMeta())
        namespace = "" if is_cluster_scoped(kind) else metadata.namespace or self.namespace
        return kind, namespace, metadata.name

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


def may_replace(first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
    """Whether a later document may be of the object of an earlier one: they are not of two uids."""
    uids = [(each.get("metadata") or {}).get("uid") for each in (first, second)]
    return not all(uids) or uids[0] == uids[1]


def is_the_same(first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
    """Return whether two objects of the same kind, namespace and name are duplicates in a dump."""
    if first == second or first["kind"] == "Event":
        return True
    mine, other = first.get("metadata") or {}, second.get("metadata") or {}
    identity = ("uid", "resourceVersion")
    return bool(mine.get("uid")) and [mine.get(each) for each in identity] == [
        other.get(each) for each in identity
    ]


def load(*paths: str | Path, namespace: str = "default", stdin: BinaryIO | None = None) -> Manifests:
    """Read manifests, see :meth:`Manifests.load`."""
    return Manifests.load(*paths, namespace=namespace, stdin=stdin)
