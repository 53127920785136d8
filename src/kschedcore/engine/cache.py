"""The scheduler cache: nodes, bound and nominated pods, and the objects that plugins read.

Every change is made here, one at a time, and its undo step is recorded (``transactions.pyx``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from functools import partial
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from kschedcore._native.core import Core
from kschedcore._native.transactions import Guard, Journal, exclusive
from kschedcore.api.arguments import instance, several, shown, text
from kschedcore.api.machinery import types
from kschedcore.api.objects import Namespace, Node, Pod, ResourceClaim
from kschedcore.api.phases import FINISHED
from kschedcore.engine.attachments import Attachments
from kschedcore.engine.binding import BoundPods, PodKey, key_of
from kschedcore.engine.bulk import add_bound_pods, add_new_nodes
from kschedcore.engine.classes import ClassCache
from kschedcore.engine.columns.bound_pods import bound_pod_table
from kschedcore.engine.columns.devices import device_table
from kschedcore.engine.columns.node_tables import NodeRows
from kschedcore.engine.columns.nodes import NodeRow, node_batch, node_row
from kschedcore.engine.columns.pod_tables import PodRows
from kschedcore.engine.columns.resources import require_resources
from kschedcore.engine.columns.tables import ArrowStream
from kschedcore.engine.decision import Decision
from kschedcore.engine.devices.assumed import AssumedClaims
from kschedcore.engine.devices.claims import ClaimError, key_of_claim
from kschedcore.engine.devices.state import ClaimChange
from kschedcore.engine.extenders.extenders import Extenders
from kschedcore.engine.extenders.objects import ObjectSource, WholeObjects
from kschedcore.engine.listers import VIEWS, Listers
from kschedcore.engine.nominator import Nominator
from kschedcore.engine.sampling import PLACE_LABELS, NodeTree
from kschedcore.errors import NotFoundError, UsageError
from kschedcore.rules.bounds import checked

if TYPE_CHECKING:
    import pyarrow as pa


RECOVERED = -1
"""No version of the storage listers: whatever depends on them is computed again."""


class SchedulerCache:
    """Nodes, bound and nominated pods, and further objects of a cluster.

    Args:
        core: The native state.
        extenders: The configuration's extenders.
        pod_level_resize: Whether the pods' own resources can be resized.
    """

    def __init__(self, core: Core, extenders: Extenders, *, pod_level_resize: bool = True) -> None:
        self._guard = Guard(self)
        self._core = core
        self._extenders = extenders
        self._journal = Journal(self._guard)
        self._listers = Listers(self._journal, core)
        self._bound = BoundPods(core, self._journal)
        self._nominator = Nominator(core, self._journal)
        self._classes = ClassCache(core, self._listers, self._journal, pod_level_resize=pod_level_resize)
        self._attachments = Attachments(core, self._listers)
        self._tree = NodeTree(self._journal)
        self._whole = WholeObjects(extenders, self._journal)
        self._storage_version = 0
        self._claims = AssumedClaims(self._listers, self._journal)

    def _recover(self) -> None:
        """Derive all other state from the records again, after an exception interrupted a change.

        The change was made, or not, or for some of many rows; the accounts agree with the records in any case.
        """
        nodes = self._core.nodes
        self._classes.clear()
        self._listers.recover()
        self._tree.recover({name: nodes.spec_of(nodes.slot_of(name))[1] for name in nodes.names()})
        self._bound.recover()
        self._nominator.recover()
        self._attachments.recover()
        self._storage_version = RECOVERED

    # -- nodes ------------------------------------------------------------------------------------

    @exclusive
    def set_node(self, node: Node | Mapping[str, Any]) -> None:
        """Add a node, or replace the one with its name. Pods on it stay accounted.

        Raises:
            ManifestError: It is invalid.
        """
        self._set_node(checked(Node, node), node)

    def _set_node(self, view: Node, node: Node | Mapping[str, Any]) -> None:
        row = node_row(view)
        require_resources(self._core.nodes, row.allocatable)
        self._whole.set_node(view.metadata.name, node)
        self._put_node(row)

    def add_nodes(self, table: ArrowStream) -> None:
        """Add or replace the nodes of a table.

        Args:
            table: Anything with ``__arrow_c_stream__`` (pyarrow, polars, duckdb, pandas), with the columns of
                :meth:`nodes`, see :class:`kschedcore.engine.columns.node_tables.NodeRows`.

        Raises:
            UsageError: A column has a wrong type, a row an invalid value, or there is no ``name``.
        """
        self._add_nodes(NodeRows(table))

    @exclusive
    def _add_nodes(self, rows: NodeRows) -> None:
        known = self._core.nodes.slot_of
        # Requests to extenders contain whole objects.
        alone = np.array([bool(self._extenders) or known(name) >= 0 for name in rows.names], np.bool_)
        fresh = rows.where(~alone)
        for name in fresh.names if self._journal.is_open else ():
            self._journal.record(self._drop_node, name)
        add_new_nodes(self._core.nodes, fresh)
        for name, labels in zip(fresh.names, fresh.labels_among(PLACE_LABELS), strict=True):
            self._node_added(name, labels)
        for row in np.flatnonzero(alone).tolist():
            node = rows.node(row)
            self._set_node(checked(Node, node), node)

    @exclusive
    def remove_node(self, node: str | Node | Mapping[str, Any]) -> None:
        """Remove a node. Pods bound to it are kept until they are removed or the node is added again.

        Args:
            node: The node or its name.

        Raises:
            NotFoundError: There is no such node.
            UsageError: It is neither a name nor a node.
        """
        name = node if isinstance(node, str) else _key("node", node)[1]
        slot = self._core.nodes.slot_of(name)
        if slot < 0:
            raise NotFoundError(f"node {name!r} not found")
        self._whole.remove_node(name)
        self._journal.record(self._put_node, NodeRow(name, *self._core.nodes.spec_of(slot)))
        self._drop_node(name)

    def _put_node(self, row: NodeRow) -> None:
        slot = self._core.nodes.slot_of(row.name)
        if slot >= 0:
            if self._journal.is_open:
                self._journal.record(self._put_node, NodeRow(row.name, *self._core.nodes.spec_of(slot)))
            self._tree.set(row.name, row.labels)
            self._core.set_node(*row)
            self._listers.devices.inventory.forget_node(slot)
            return
        self._journal.record(self._drop_node, row.name)
        self._core.set_node(*row)
        self._node_added(row.name, row.labels)

    def _node_added(self, name: str, labels: Mapping[str, str]) -> None:
        """Account the pods, nominations and volumes that waited for a node."""
        self._listers.devices.inventory.forget_node(self._core.nodes.slot_of(name))
        self._tree.set(name, labels)
        self._attachments.node_added(name)
        self._bound.node_added(name)
        self._nominator.node_added(name)

    def _drop_node(self, name: str) -> None:
        if self._core.nodes.slot_of(name) < 0:
            return
        self._nominator.node_leaving(name)
        self._attachments.node_leaving(name)
        self._bound.node_leaving(name)
        self._tree.remove(name)
        self._core.nodes.remove(name)

    # -- pods -------------------------------------------------------------------------------------

    @exclusive
    def add_pod(self, pod: Pod | Mapping[str, Any], node: str | None = None) -> None:
        """Account a bound pod on ``node`` (its ``spec.nodeName`` when None), or update it.

        A pod that has terminated is not accounted. For a pod that is not bound but nominated
        (``status.nominatedNodeName``) the nomination is added.

        Raises:
            UsageError: The pod is not bound to a node, or ``node`` is not a string.
            ManifestError: It is invalid.
        """
        self._add_pod(self._view(pod, named=True), None if node is None else text("node", node))

    def _add_pod(self, view: Pod, given: str | None) -> None:
        target = given or view.spec.node_name
        if not target and view.status.nominated_node_name:
            info = self._classes.info(view)
            self._bound.remove(key_of(view))
            self._nominator.nominate(key_of(view), info, view.status.nominated_node_name)
            return
        if not target:
            raise UsageError(f"pod {'/'.join(key_of(view))} has no spec.nodeName and no node was given")
        if view.status.phase in FINISHED:
            self._bound.remove(key_of(view))
            return
        info = self._classes.info(view)
        self._nominator.withdraw(key_of(view))
        self._bound.add(view, info, target)

    def add_pods(self, table: ArrowStream) -> None:
        """Account the bound pods of a table: :meth:`add_pod` for many.

        Args:
            table: Anything with ``__arrow_c_stream__``, see :class:`kschedcore.engine.columns.pod_tables.PodRows`.

        Raises:
            UsageError: A column has a wrong type, a row an invalid value, or ``name`` or ``node`` is missing.
            ManifestError: A template is invalid.
        """
        self._add_pods(PodRows(table))

    @exclusive
    def _add_pods(self, rows: PodRows) -> None:
        if self._extenders:  # requests to them contain whole objects
            for row in range(len(rows)):
                self._add_pod(self._view(rows.pod(row), named=True), None)
            return
        add_bound_pods(self._bound, self._nominator, self._classes, rows)

    @exclusive
    def remove_pod(self, pod: str | Pod | Mapping[str, Any], namespace: str | None = None) -> None:
        """Remove a bound pod from its node, or the nomination of a pending one.

        Args:
            pod: The pod or its name.
            namespace: Its namespace when it is named, ``default`` if None.

        Raises:
            NotFoundError: No such pod is bound or nominated.
            UsageError: It is neither a name nor a pod, or the namespace is no string.
        """
        key = _key("pod", pod, namespace)
        self._whole.remove_pod(key)
        nominated, bound = self._nominator.withdraw(key), self._bound.get(key)
        self._take_off(key)
        if bound is None and nominated is None:
            raise NotFoundError(f"pod {'/'.join(key)} is not bound to a node")

    @exclusive
    def nominate(self, pod: Pod | Mapping[str, Any], node: str) -> None:
        """Nominate a pod to a node; nominations of less important pods to it are removed.

        Raises:
            ManifestError: The pod is invalid.
            UsageError: ``node`` is no string.
        """
        view, target = checked(Pod, pod), text("node", node)
        info = self._classes.info(view)
        self._bound.remove(key_of(view))
        self._nominator.withdraw_below(target, info.priority)
        self._nominator.nominate(key_of(view), info, target)

    @exclusive
    def withdraw_nomination(self, pod: str | Pod | Mapping[str, Any], namespace: str | None = None) -> None:
        """Withdraw the nomination of a pod, if it is nominated to a node.

        Args:
            pod: The pod or its name.
            namespace: Its namespace when it is named, ``default`` if None.

        Raises:
            UsageError: It is neither a name nor a pod, or the namespace is no string.
        """
        self._nominator.withdraw(_key("pod", pod, namespace))

    @exclusive
    def forget_pod(self, pod: Pod | Mapping[str, Any]) -> bool:
        """Remove an assumed pod from its node, unless another pod has its name by now (``ForgetPod``).

        Args:
            pod: The pod of a decision.

        Returns:
            Whether it was still accounted.

        Raises:
            ManifestError: The pod is invalid.
        """
        view = checked(Pod, pod)
        if not self._is_assumed(view):
            return False
        self._take_off(key_of(view))
        return True

    def _take_off(self, key: PodKey) -> None:
        """Remove a pod from its node, and release the claims that are assumed for it."""
        with self._journal.atomic() if key in self._claims else nullcontext():
            self._claims.release(key)
            self._bound.remove(key)

    @exclusive
    def is_assumed(self, pod: Pod | Mapping[str, Any]) -> bool:
        """Return whether the pod accounted under this pod's name is this pod.

        Raises:
            ManifestError: The pod is invalid.
        """
        return self._is_assumed(checked(Pod, pod))

    def _is_assumed(self, view: Pod) -> bool:
        bound = self._bound.get(key_of(view))
        uid = view.metadata.uid
        return bound is not None and (bound.pod is view or (uid != "" and uid == bound.pod.metadata.uid))

    def _view(self, pod: Pod | Mapping[str, Any], *, named: bool = False) -> Pod:
        view = checked(Pod, pod, named=named)
        self._whole.set_pod(key_of(view), pod)
        return view

    # -- other objects ----------------------------------------------------------------------------

    @exclusive
    def set_namespace(self, namespace: Namespace | Mapping[str, Any]) -> None:
        """Add a namespace, or update its labels.

        Raises:
            ManifestError: It is invalid.
        """
        view = checked(Namespace, namespace)
        topology, name = self._core.topology, view.metadata.name
        self._journal.record(topology.set_namespace, name, topology.namespaces.get(name))
        topology.set_namespace(name, view.metadata.labels or {})

    @exclusive
    def set_object(self, item: Mapping[str, Any]) -> None:
        """Add or replace an object that plugins read, such as a Service or a PersistentVolume.

        Raises:
            UsageError: No plugin reads objects of its kind.
            ManifestError: It is invalid.
        """
        kind = item.get("kind", "") if isinstance(item, Mapping) else None
        if not isinstance(kind, str) or kind not in VIEWS:
            raise UsageError(f"kind is {shown(kind)}; expected one of {', '.join(sorted(VIEWS))}")
        view = checked(VIEWS[kind], item)
        self._listers.set(kind, view)
        if isinstance(view, ResourceClaim):
            self._claims.confirm(key_of_claim(view))

    @exclusive
    def remove_object(self, kind: str, name: str, namespace: str = "default") -> None:
        """Remove an object that :meth:`set_object` added.

        Raises:
            NotFoundError: There is no such object.
            UsageError: The kind, the name or the namespace is not a string.
        """
        named = text("kind", kind), text("name", name), text("namespace", namespace)
        if kind not in VIEWS or not self._listers.remove(*named):
            raise NotFoundError(f"{kind} {name!r} not found")

    @exclusive
    def devices(self) -> pa.Table:
        """Return the published devices and the claims that they are allocated to.

        Columns: :data:`kschedcore.engine.columns.devices.DEVICE_SCHEMA`.
        """
        return device_table(self._listers.devices)

    @exclusive
    def claims(self) -> list[ResourceClaim]:
        """Return the ResourceClaims by namespace and name, as placements and deallocations have left them."""
        return [claim for _, claim in sorted(self._listers.devices.claims.items(), key=itemgetter(0))]

    @exclusive
    def assumed_claims(self, pod: Pod) -> list[ResourceClaim]:
        """Return the ResourceClaims that a placed pod has reserved, to be written before it is bound."""
        return self._claims.of(key_of(instance("pod", pod, Pod)))

    @exclusive
    def claims_of(self, pod: Pod) -> list[ResourceClaim]:
        """Return the ResourceClaims of a pod, with that made for its extended resources if there is one."""
        devices = self._listers.devices
        if not devices.concerns(instance("pod", pod, Pod)):
            return []
        try:
            claims = list(devices.claims_of(pod))
        except ClaimError:
            return []
        extended = devices.extended_claim_of(pod)
        return claims if extended is None else [*claims, extended]

    @exclusive
    def note_late_claim(self, name: str, namespace: str = "default") -> None:
        """Note that the devices of a ResourceClaim did not become ready in time (KEP-5007).

        Until it is deallocated it is available on no node, so that PostFilter deallocates it for a pod that needs it.
        """
        key = types.Namespace(text("namespace", namespace)), text("name", name)
        claim = self._listers.devices.claims.get(key)
        if claim is not None and claim.status.allocation is not None:
            self._listers.devices.note_late(key)
            self._listers.set("ResourceClaim", claim)

    @exclusive
    def is_claim_assumed(self, name: str, namespace: str = "default") -> bool:
        """Return whether a ResourceClaim is allocated by a placement that the cluster has not confirmed yet."""
        return self._claims.holds((types.Namespace(text("namespace", namespace)), text("name", name)))

    @exclusive
    def claims_after(self, decision: Decision) -> list[ResourceClaim]:
        """Return the ResourceClaims by namespace and name, as they would be after a decision that was not committed."""
        claims = dict(self._listers.devices.claims)
        for old, new in instance("decision", decision, Decision).claims:
            if old is not None:
                claims.pop(key_of_claim(old), None)
            if new is not None:
                claims[key_of_claim(new)] = new
        return [claim for _, claim in sorted(claims.items(), key=itemgetter(0))]

    @exclusive
    def write_claims(self, changes: Iterable[ClaimChange]) -> None:
        """Apply the ResourceClaim changes of a decision that was not committed."""
        checked_changes = list(several("changes", changes, "changes of claims"))
        for change in checked_changes:
            instance("changes", change, ClaimChange)
        self._claims.write(checked_changes)

    def _follow_storage(self) -> None:
        """Account the volumes of bound pods again, after volumes or claims changed."""
        version = self._listers.versions["storage"]
        if version == self._storage_version:
            return
        self._attachments.follow()
        for bound in self._bound.with_volumes():
            info = self._classes.info(bound.pod)
            if info is not bound.info:
                self._bound.add(bound.pod, info, bound.node)
        self._storage_version = version

    # -- reading ----------------------------------------------------------------------------------

    @exclusive
    def nodes(self) -> pa.RecordBatch:
        """Return a snapshot of the node table, see :func:`kschedcore.engine.columns.nodes.node_batch`."""
        return node_batch(self._core.nodes)

    @exclusive
    def pods(self) -> pa.Table:
        """Return the pods on nodes, in the order of namespace and name.

        Columns: ``namespace``, ``pod``, ``node``, ``priority`` (int32), ``cpu`` (int64, thousandths of a core) and
        ``memory`` (int64, bytes) as requested.
        """
        return bound_pod_table(self._bound)

    @exclusive
    def free(self, resource: str) -> dict[str, int]:
        """Return the allocatable minus the requested amount of a resource by node, in the order of their names.

        Args:
            resource: ``cpu``, ``nvidia.com/gpu``; a resource that no node has is 0 everywhere.
        """
        nodes = self._core.nodes
        slots = nodes.slots_by_name()
        names = [nodes.name_of(slot) for slot in slots.tolist()]
        if resource not in nodes.resource_names:
            return dict.fromkeys(names, 0)
        free = nodes.allocatable_of(resource)[slots] - nodes.requested_of(resource)[slots]
        return dict(zip(names, free.tolist(), strict=True))

    @exclusive
    def utilisation(self) -> dict[str, dict[str, int]]:
        """Return the sums of each resource over all nodes: ``allocatable``, and ``requested`` by bound pods.

        Units are the scheduler's: millicores for cpu, bytes, counts. The sums are exact: where a node's own column
        ``requested`` wraps around at 2**63, as kube-scheduler's accounts do, they do not.
        """
        nodes, requested = self._core.nodes, self._core.topology.requested()
        return {
            resource: {
                "allocatable": sum(nodes.allocatable_of(resource).tolist()),
                "requested": requested.get(resource, 0),
            }
            for resource in nodes.resources_in_use()
        }

    @property
    @exclusive
    def nominations(self) -> dict[tuple[str, str], str]:
        """Return the nominated pods: (namespace, name) -> node."""
        return self._nominator.nodes()

    @property
    def extenders(self) -> Extenders:
        """The configuration's extenders."""
        return self._extenders

    def look_up_objects(self, source: ObjectSource) -> None:
        """Send extenders the nodes and pods of a source, such as informers, instead of those added to the engine."""
        self._whole.look_up_in(source)


def _key(kind: str, item: str | Node | Pod | Mapping[str, Any], namespace: str | None = None) -> PodKey:
    """Return the namespace and name of an object, given as such or by name.

    Raises:
        UsageError: It is neither a name nor an object with one, or the namespace is no string.
    """
    if isinstance(item, str):
        return text("namespace", "default" if namespace is None else namespace) or "default", item
    metadata = item.get("metadata") if isinstance(item, Mapping) else getattr(item, "metadata", None)
    read = metadata.get if isinstance(metadata, Mapping) else partial(getattr, metadata)
    name = read("name", None)
    if namespace is not None or not isinstance(name, str) or not name:
        given = type(item).__name__ if namespace is None else f"{type(item).__name__} besides a namespace"
        raise UsageError(f"{kind} is {given}; expected its name or the {kind}")
    return text("namespace", read("namespace", None) or "default"), name
