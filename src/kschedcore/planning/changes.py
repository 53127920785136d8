"""Hypothetical changes of the cluster in manifests: other nodes, taints or replicas.

:class:`ChangedCluster` collects changes and returns the manifests of the changed cluster. Pods that lose their node are
pending again, as their controllers would create them; the manifests that were given stay as they are.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator
from datetime import timedelta
from typing import Any, Final

from kschedcore.api.machinery.times import EARLIEST, parse_time
from kschedcore.api.machinery.types import ReadOnlyObject
from kschedcore.api.objects import ObjectMeta, Pod, PodSpec, Toleration, decode
from kschedcore.api.phases import has_ended
from kschedcore.api.selectors import Selector
from kschedcore.api.taints import Taint, TaintSpec, tolerates
from kschedcore.controllers.activepods import is_active, pods_to_delete
from kschedcore.errors import NotFoundError, UsageError
from kschedcore.manifests.manifests import Manifests
from kschedcore.manifests.workloads import workload_of
from kschedcore.planning.node_copies import ZONES, csi_node_copy, node_copy, slice_copy

__all__ = ["SCALABLE", "ChangedCluster"]

Key = tuple[str, str, str]
"""(kind, namespace, name)."""

SCALABLE: Final = ("Deployment", "ReplicaSet", "ReplicationController", "StatefulSet")
"""The kinds that have a number of replicas."""

_MIRROR: Final = "kubernetes.io/config.mirror"
_UNSCHEDULABLE: Final = "node.kubernetes.io/unschedulable"
_OF_PODS: Final = ("ResourceClaim", "PersistentVolumeClaim")
"""Kinds whose objects are created for one pod, and are gone with it."""


class ChangedCluster:
    """The cluster of manifests under change.

    Args:
        manifests: The manifests.

    Attributes:
        lost: (namespace, name) of pods without a controller that lost their node. They are placed again here, whereas
            in a cluster nothing would create them again.
    """

    def __init__(self, manifests: Manifests) -> None:
        self._manifests = manifests
        self._changed: dict[Key, ReadOnlyObject | None] = {}
        self._on_node: dict[str, list[Key]] | None = None
        self._of_pod: dict[str, list[Key]] | None = None
        self.lost: list[tuple[str, str]] = []

    def manifests(self) -> Manifests:
        """Return the manifests of the changed cluster.

        Raises:
            ManifestError: An API server would reject a changed object.
        """
        return self._manifests.changed(self._changed)

    # -- nodes ------------------------------------------------------------------------------------

    def node_names(self, selector: Selector | None = None) -> list[str]:
        """Return the names of the nodes, or of those whose labels a selector matches."""
        return [
            node["metadata"]["name"]
            for node in self._all("Node")
            if selector is None or selector.matches(node["metadata"].get("labels") or {})
        ]

    def node(self, name: str) -> ReadOnlyObject:
        """Return a node, whole.

        Raises:
            NotFoundError: There is none of this name.
        """
        found = self._get(("Node", "", name))
        if found is None:
            raise NotFoundError(f"node {name!r} not found{_similar(name, self.node_names())}")
        return found

    def add_nodes(self, like: ReadOnlyObject, count: int) -> list[str]:
        """Add nodes that look like another one, under its name with a number; return their names.

        Args:
            like: A node, whole. Copies have its labels, taints and resources, but no state: they are ready.
            count: How many.
        """
        taken, names, number = set(self.node_names()), list[str](), 0
        base = str(like["metadata"]["name"])
        while len(names) < count:
            number += 1
            name = f"{base}-{number}"
            if name not in taken:
                self._changed["Node", "", name] = node_copy(like, name)
                self._copy_parts(base, name)
                names.append(name)
        return names

    def _copy_parts(self, base: str, name: str) -> None:
        """Give a new node the devices and the volume limits of the node that it copies."""
        csi = self._get(("CSINode", "", base))
        if csi is not None:
            self._changed["CSINode", "", name] = csi_node_copy(csi, name)
        for key in self._slices_of(base):
            copied = slice_copy(self._manifests.objects[key], base, name)
            self._changed["ResourceSlice", "", copied["metadata"]["name"]] = copied

    def _slices_of(self, node: str) -> list[Key]:
        return [
            key
            for key, whole in self._manifests.objects.items()
            if key[0] == "ResourceSlice" and (whole.get("spec") or {}).get("nodeName") == node
        ]

    def remove_node(self, name: str) -> None:
        """Remove a node. Its pods are pending, but for those that belong to the node: of DaemonSets, and static ones.

        Raises:
            NotFoundError: There is no such node.
        """
        self.node(name)
        for key in (("Node", "", name), ("CSINode", "", name), *self._slices_of(name)):
            self._changed[key] = None
        for key in self._pods_on(name):
            pod = self._get(key)
            if pod is not None and (has_ended(pod) or _belongs_to_node(pod)):
                self._drop(key)
            elif pod is not None:
                self._evict(key, pod)

    def drain_node(self, name: str) -> None:
        """Cordon a node and evict its pods, as ``kubectl drain --ignore-daemonsets --force --delete-emptydir-data``.

        Disruption budgets delay a drain, and are not considered: where the pods go then is the same.

        Raises:
            NotFoundError: There is no such node.
        """
        node = self.node(name)
        taints = [each for each in _taints(node) if each.get("key") != _UNSCHEDULABLE]
        taints.append({"key": _UNSCHEDULABLE, "effect": "NoSchedule"})
        self._set_spec(node, unschedulable=True, taints=taints)
        for key in self._pods_on(name):
            pod = self._get(key)
            if pod is not None and not has_ended(pod) and not _belongs_to_node(pod):
                self._evict(key, pod)

    def remove_zone(self, zone: str) -> list[str]:
        """Remove every node of a zone; return their names.

        Raises:
            NotFoundError: No node is in this zone.
        """
        zones = {node["metadata"]["name"]: _zone(node) for node in self._all("Node")}
        names = [name for name, own in zones.items() if own == zone]
        if not names:
            known = sorted(set(filter(None, zones.values())))
            raise NotFoundError(
                f"zone {zone!r}: no node is in it; there are: {', '.join(known) or 'no zones'}"
            )
        for name in names:
            self.remove_node(name)
        return names

    def taint_node(self, name: str, spec: TaintSpec) -> None:
        """Add a taint to a node, or remove one; a new NoExecute taint evicts the pods that do not tolerate it for good.

        Raises:
            NotFoundError: There is no such node, or no such taint to remove.
        """
        node, taint = self.node(name), spec.taint
        others = [each for each in _taints(node) if not _is_same(each, taint)]
        if spec.remove:
            if len(others) == len(_taints(node)):
                mark = f"{taint.key}:{taint.effect}" if taint.effect else taint.key
                raise NotFoundError(f"node {name!r}: taint {mark!r} not found")
            self._set_spec(node, taints=others)
            return
        value = {"value": taint.value} if taint.value else {}
        self._set_spec(node, taints=[*others, {"key": taint.key, **value, "effect": taint.effect}])
        if taint.effect != "NoExecute":
            return
        for key in self._pods_on(name):
            pod = self._get(key)
            if pod is None or has_ended(pod) or _stays_despite(pod, taint):
                continue
            if _belongs_to_node(pod):
                self._drop(key)
            else:
                self._evict(key, pod)

    # -- workloads --------------------------------------------------------------------------------

    def workloads(self, kind: str, name: str, namespace: str | None = None) -> list[Key]:
        """Return the keys of workloads of a kind and name, in one namespace or in all."""
        return [
            (kind, own, name)
            for each in self._all(kind)
            for own in [each["metadata"].get("namespace") or "default"]
            if each["metadata"]["name"] == name and namespace in (None, own)
        ]

    def scale(self, workload: Key, replicas: int) -> None:
        """Set the replicas of a workload; pods that are too many are deleted in the order of its controller.

        Args:
            workload: (kind, namespace, name), a kind of :data:`SCALABLE`.
            replicas: How many.

        Raises:
            NotFoundError: There is no such workload.
            UsageError: Its kind has no replicas, or another workload decides about them.
        """
        kind, namespace, name = workload
        if kind not in SCALABLE:
            raise UsageError(
                f"{kind} {namespace}/{name}: has no replicas; expected one of {', '.join(SCALABLE)}"
            )
        whole = self._get(workload)
        if whole is None:
            names = [each["metadata"]["name"] for each in self._all(kind)]
            raise NotFoundError(f"{kind} {namespace}/{name} not found{_similar(name, names)}")
        owner = _controller(whole)
        if owner is not None and self._get((owner["kind"], namespace, owner["name"])) is not None:
            raise UsageError(
                f"{kind} {namespace}/{name}: {owner['kind']} {owner['name']} decides about its replicas"
            )
        self._changed[workload] = {**whole, "spec": {**(whole.get("spec") or {}), "replicas": replicas}}
        pods = [pod for pod in self._pods_of(workload) if is_active(pod)]
        for pod in self._surplus(kind, pods, len(pods) - replicas):
            self._drop(_key("Pod", pod))

    def _surplus(self, kind: str, pods: list[ReadOnlyObject], count: int) -> Iterable[ReadOnlyObject]:
        if count <= 0:
            return ()
        if kind == "StatefulSet":
            return sorted(pods, key=_ordinal, reverse=True)[:count]
        complete = [_with_ages(pod) for pod in pods]
        created = [parse_time(each["metadata"]["creationTimestamp"]) or EARLIEST for each in complete]
        return pods_to_delete(complete, count, complete, max(created) + timedelta(seconds=1))

    def _pods_of(self, workload: Key) -> Iterator[ReadOnlyObject]:
        kind, namespace, name = workload
        for pod in self._all("Pod"):
            owner = _controller(pod)
            if owner is None or (pod["metadata"].get("namespace") or "default") != namespace:
                continue
            view = Pod(metadata=decode(ObjectMeta, pod["metadata"]), spec=PodSpec())
            if (kind, name) in ((owner["kind"], owner["name"]), workload_of(view)):
                yield pod

    # -- objects ----------------------------------------------------------------------------------

    def _get(self, key: Key) -> ReadOnlyObject | None:
        return self._changed[key] if key in self._changed else self._manifests.objects.get(key)

    def _all(self, kind: str) -> Iterator[ReadOnlyObject]:
        for key, whole in self._manifests.objects.items():
            if key[0] == kind and key not in self._changed:
                yield whole
        yield from [whole for key, whole in self._changed.items() if key[0] == kind and whole is not None]

    def _pods_on(self, node: str) -> list[Key]:
        """Return the pods that were on a node in the beginning."""
        if self._on_node is None:
            self._on_node = {}
            for key, whole in self._manifests.objects.items():
                name = (whole.get("spec") or {}).get("nodeName") if key[0] == "Pod" else None
                if name:
                    self._on_node.setdefault(name, []).append(key)
        return self._on_node.get(node, [])

    def _set_spec(self, node: ReadOnlyObject, **fields: Any) -> None:
        self._changed["Node", "", node["metadata"]["name"]] = {
            **node, "spec": {**(node.get("spec") or {}), **fields}
        }  # fmt: skip

    def _drop(self, key: Key) -> None:
        """Delete a pod, and the claims that were created for it."""
        pod = self._get(key)
        self._changed[key] = None
        uid = pod["metadata"].get("uid") if pod is not None else None
        for other in self._created_for(uid) if uid else ():
            self._changed[other] = None

    def _created_for(self, uid: str) -> list[Key]:
        """Return the claims that were created for a pod."""
        if self._of_pod is None:
            self._of_pod = {}
            for key, whole in self._manifests.objects.items():
                owners = whole["metadata"].get("ownerReferences") if key[0] in _OF_PODS else None
                for owner in owners or ():
                    if owner.get("kind") == "Pod":
                        self._of_pod.setdefault(owner.get("uid", ""), []).append(key)
        return self._of_pod.get(uid, [])

    def _evict(self, key: Key, pod: ReadOnlyObject) -> None:
        """Take a pod off its node; it is pending again, unless it was being deleted."""
        self._drop(key)
        metadata = dict(pod["metadata"])
        if metadata.get("deletionTimestamp"):
            return
        if _controller(pod) is None:
            self.lost.append((metadata.get("namespace") or "default", metadata["name"]))
        else:
            metadata.pop("uid", None)
        spec = {name: value for name, value in pod["spec"].items() if name != "nodeName"}
        self._changed[key] = {
            **{name: value for name, value in pod.items() if name != "status"}, "metadata": metadata, "spec": spec
        }  # fmt: skip


def _key(kind: str, whole: ReadOnlyObject) -> Key:
    return kind, whole["metadata"].get("namespace") or "default", whole["metadata"]["name"]


def _controller(whole: ReadOnlyObject) -> ReadOnlyObject | None:
    owners = whole["metadata"].get("ownerReferences") or ()
    return next((each for each in owners if each.get("controller")), None)


def _belongs_to_node(pod: ReadOnlyObject) -> bool:
    """Whether a pod is there because of its node: a DaemonSet's, or the mirror of a static one."""
    owner = _controller(pod)
    mirror = _MIRROR in (pod["metadata"].get("annotations") or {})
    return mirror or (owner is not None and owner["kind"] in ("DaemonSet", "Node"))


def _zone(node: ReadOnlyObject) -> str:
    labels = node["metadata"].get("labels") or {}
    return next((str(labels[each]) for each in ZONES if labels.get(each)), "")


def _taints(node: ReadOnlyObject) -> list[ReadOnlyObject]:
    return list((node.get("spec") or {}).get("taints") or ())


def _is_same(each: ReadOnlyObject, taint: Taint) -> bool:
    return each.get("key") == taint.key and taint.effect in ("", each.get("effect"))


def _stays_despite(pod: ReadOnlyObject, taint: Taint) -> bool:
    tolerations = [decode(Toleration, each) for each in pod["spec"].get("tolerations") or ()]
    return any(each.toleration_seconds is None and tolerates(each, taint) for each in tolerations)


def _ordinal(pod: ReadOnlyObject) -> int:
    number = pod["metadata"]["name"].rpartition("-")[2]
    return int(number) if number.isdecimal() else -1


def _with_ages(pod: ReadOnlyObject) -> ReadOnlyObject:
    """Return a pod with the fields by which a controller ranks it; a manifest may lack them."""
    return {
        "status": {},
        **pod,
        "metadata": {
            "creationTimestamp": "1970-01-01T00:00:00Z",
            "uid": "",
            "annotations": {},
            **pod["metadata"],
        },
    }


def _similar(name: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(name, sorted(known), n=3)
    return f"; did you mean {' or '.join(close)}?" if close else ""
