"""What an engine knows of a cluster: the scheduler cache's nodes and pods, and the objects that rules look up.

Every change enters here, one at a time, and what undoes it is recorded (``journal.py``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from operator import itemgetter
from threading import RLock
from typing import TYPE_CHECKING, Any

import numpy as np

from kschedcore._native.core import Core
from kschedcore.api.arguments import text
from kschedcore.api.objects import Namespace, Node, Pod, ResourceClaim
from kschedcore.api.phases import FINISHED
from kschedcore.engine.attachments import Attachments
from kschedcore.engine.binding import BoundPods, key_of
from kschedcore.engine.bulk import add_bound_pods, add_new_nodes
from kschedcore.engine.classes import ClassCache
from kschedcore.engine.columns.devices import device_table
from kschedcore.engine.columns.node_tables import NodeRows
from kschedcore.engine.columns.nodes import NodeRow, node_batch, node_row
from kschedcore.engine.columns.pod_tables import PodRows
from kschedcore.engine.columns.tables import ArrowStream
from kschedcore.engine.devices.assumed import AssumedClaims
from kschedcore.engine.devices.claims import key_of_claim
from kschedcore.engine.devices.state import ClaimChange
from kschedcore.engine.exclusive import exclusive
from kschedcore.engine.extenders.extenders import Extenders
from kschedcore.engine.extenders.objects import ObjectSource, WholeObjects
from kschedcore.engine.journal import Journal
from kschedcore.engine.listers import VIEWS, Listers
from kschedcore.engine.nominator import Nominator
from kschedcore.engine.sampling import PLACE_LABELS, NodeTree
from kschedcore.errors import NotFoundError, UsageError
from kschedcore.rules.bounds import checked

if TYPE_CHECKING:
    import pyarrow as pa

    from kschedcore.engine.decision import Decision


class SchedulerCache:
    """Nodes, bound and nominated pods, and further objects of a cluster.

    Args:
        core: Where nodes and pods are accounted.
        extenders: The configuration's extenders.
    """

    def __init__(self, core: Core, extenders: Extenders) -> None:
        self._lock = RLock()
        self._core = core
        self._extenders = extenders
        self._journal = Journal()
        self._listers = Listers(self._journal, core)
        self._bound = BoundPods(core, self._journal)
        self._nominator = Nominator(core, self._journal)
        self._classes = ClassCache(core, self._listers, self._journal)
        self._attachments = Attachments(core, self._listers)
        self._tree = NodeTree(self._journal)
        self._whole = WholeObjects(extenders, self._journal)
        self._storage_version = 0
        self._claims = AssumedClaims(self._listers, self._journal)

    # -- nodes ------------------------------------------------------------------------------------

    @exclusive
    def set_node(self, node: Node | Mapping[str, Any]) -> None:
        """Add a node, or replace what is known of the one with its name. Pods on it stay accounted.

        Raises:
            ManifestError: It is invalid.
        """
        view = checked(Node, node)
        self._whole.set_node(view.metadata.name, node)
        self._put_node(node_row(view))

    @exclusive
    def add_nodes(self, table: ArrowStream) -> None:
        """Add or replace the nodes of a table.

        Args:
            table: Anything with ``__arrow_c_stream__`` (pyarrow, polars, duckdb, pandas), with the columns of
                :meth:`nodes`, see :class:`kschedcore.engine.columns.node_tables.NodeRows`.

        Raises:
            UsageError: A column has a type it cannot have, or a row a value; or there is no ``name``.
        """
        rows = NodeRows(table)
        known = self._core.nodes.slot_of
        # Requests to extenders contain whole objects.
        alone = np.array([bool(self._extenders) or known(name) >= 0 for name in rows.names], np.bool_)
        fresh = rows.where(~alone)
        add_new_nodes(self._core.nodes, fresh)
        for name, labels in zip(fresh.names, fresh.labels_among(PLACE_LABELS), strict=True):
            self._node_added(name, labels)
        for row in np.flatnonzero(alone).tolist():
            self.set_node(rows.node(row))

    @exclusive
    def remove_node(self, name: str) -> None:
        """Take a node out. Pods bound to it are remembered until they are removed, or the node comes back.

        Raises:
            NotFoundError: There is no such node.
            UsageError: The name is no string.
        """
        slot = self._core.nodes.slot_of(text("name", name))
        if slot < 0:
            raise NotFoundError(f"node {name!r} not found")
        row = NodeRow(name, *self._core.nodes.spec_of(slot))
        self._whole.remove_node(name)
        self._drop_node(name)
        self._journal.record(self._put_node, row)

    def _put_node(self, row: NodeRow) -> None:
        slot = self._core.nodes.slot_of(row.name)
        if slot >= 0:
            before = NodeRow(row.name, *self._core.nodes.spec_of(slot)) if self._journal.is_open else None
            self._tree.set(row.name, row.labels)
            self._core.set_node(*row)
            self._listers.devices.inventory.forget_node(slot)
            if before is not None:
                self._journal.record(self._put_node, before)
            return
        self._core.set_node(*row)
        self._node_added(row.name, row.labels)

    def _node_added(self, name: str, labels: Mapping[str, str]) -> None:
        """A node has come to the core: with it comes what was there before it, or is to be there."""
        self._listers.devices.inventory.forget_node(self._core.nodes.slot_of(name))
        self._tree.set(name, labels)
        self._attachments.node_added(name)
        self._bound.node_added(name)
        self._journal.record(self._drop_node, name)

    def _drop_node(self, name: str) -> None:
        self._nominator.node_leaving(name)
        self._attachments.node_leaving(name)
        self._bound.node_leaving(name)
        self._tree.remove(name)
        self._core.nodes.remove(name)

    # -- pods -------------------------------------------------------------------------------------

    @exclusive
    def add_pod(self, pod: Pod | Mapping[str, Any], node: str | None = None) -> None:
        """Account a bound pod on ``node`` (its own ``spec.nodeName`` when None), or account it anew.

        A pod that has finished takes nothing of its node and is not accounted. For one that is not bound but
        nominated (``status.nominatedNodeName``) room is left on that node.

        Raises:
            UsageError: The pod is neither bound nor nominated to a node, or ``node`` is no string.
            ManifestError: It is invalid.
        """
        given = None if node is None else text("node", node)
        view = self._view(pod, named=True)
        target = given or view.spec.node_name
        if not target and view.status.nominated_node_name:
            self._bound.remove(key_of(view))
            self._nominator.nominate(key_of(view), self._classes.info(view), view.status.nominated_node_name)
            return
        if not target:
            raise UsageError(f"pod {'/'.join(key_of(view))} has no spec.nodeName and no node was given")
        if view.status.phase in FINISHED:
            self._bound.remove(key_of(view))
            return
        self._nominator.withdraw(key_of(view))
        self._bound.add(view, self._classes.info(view), target)

    @exclusive
    def add_pods(self, table: ArrowStream) -> None:
        """Account the bound pods of a table, as :meth:`add_pod` does one after another.

        Args:
            table: Anything with ``__arrow_c_stream__``, see :class:`kschedcore.engine.columns.pod_tables.PodRows`.

        Raises:
            UsageError: A column has a type it cannot have, or a row a value; or ``name`` or ``node`` is missing.
            ManifestError: A template is invalid.
        """
        rows = PodRows(table)
        if self._extenders:  # requests to them contain whole objects
            for row in range(len(rows)):
                self.add_pod(rows.pod(row))
            return
        add_bound_pods(self._bound, self._nominator, self._classes, rows)

    @exclusive
    def remove_pod(self, name: str, namespace: str = "default") -> None:
        """Take a bound pod off its node, or a nominated one out of the way.

        Raises:
            NotFoundError: No such pod is bound or nominated.
            UsageError: The name or the namespace is no string.
        """
        key = text("namespace", namespace), text("name", name)
        self._whole.remove_pod(key)
        nominated = self._nominator.withdraw(key)
        self._claims.release(key)
        if self._bound.remove(key) is None and nominated is None:
            raise NotFoundError(f"pod {namespace}/{name} is not bound to a node")

    @exclusive
    def nominate(self, pod: Pod | Mapping[str, Any], node: str) -> None:
        """Leave room for a pod on a node; less important pods nominated there before give way.

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
    def withdraw_nomination(self, name: str, namespace: str = "default") -> None:
        """Leave no room any more for a pod that is nominated to a node; no matter if it is not.

        Raises:
            UsageError: The name or the namespace is no string.
        """
        self._nominator.withdraw((text("namespace", namespace), text("name", name)))

    @exclusive
    def forget_pod(self, pod: Pod | Mapping[str, Any]) -> bool:
        """Give back what a placed pod took, unless its name stands for another pod by now.

        Args:
            pod: The pod of a decision.

        Returns:
            Whether it was still accounted.

        Raises:
            ManifestError: The pod is invalid.
        """
        view = checked(Pod, pod)
        if not self.is_assumed(view):
            return False
        self._bound.remove(key_of(view))
        self._claims.release(key_of(view))
        return True

    @exclusive
    def is_assumed(self, pod: Pod | Mapping[str, Any]) -> bool:
        """Whether the pod accounted under this one's name is this one.

        Raises:
            ManifestError: The pod is invalid.
        """
        view = checked(Pod, pod)
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
        """Add a namespace, or give it other labels.

        Raises:
            ManifestError: It is invalid.
        """
        view = checked(Namespace, namespace)
        topology, name = self._core.topology, view.metadata.name
        before = topology.namespaces.get(name)
        topology.set_namespace(name, view.metadata.labels or {})
        self._journal.record(topology.set_namespace, name, before)

    @exclusive
    def set_object(self, item: Mapping[str, Any]) -> None:
        """Add or replace an object that placement rules look up, such as a Service or a PersistentVolume.

        Raises:
            UsageError: No rule looks up objects of its kind.
            ManifestError: It is invalid.
        """
        kind = item.get("kind", "") if isinstance(item, Mapping) else None
        if kind not in VIEWS:
            raise UsageError(f"kind is {kind!r}; expected one of {', '.join(sorted(VIEWS))}")
        view = checked(VIEWS[kind], item)
        self._listers.set(kind, view)
        if isinstance(view, ResourceClaim):
            self._claims.confirm(key_of_claim(view))

    @exclusive
    def remove_object(self, kind: str, name: str, namespace: str = "default") -> None:
        """Take out an object that :meth:`set_object` added.

        Raises:
            NotFoundError: There is no such object.
            UsageError: The kind, the name or the namespace is no string.
        """
        named = text("kind", kind), text("name", name), text("namespace", namespace)
        if kind not in VIEWS or not self._listers.remove(*named):
            raise NotFoundError(f"{kind} {name!r} not found")

    @exclusive
    def devices(self) -> pa.Table:
        """Return the published devices and what they are allocated to.

        Columns: :data:`kschedcore.engine.columns.devices.DEVICE_SCHEMA`.
        """
        return device_table(self._listers.devices)

    @exclusive
    def claims(self) -> list[ResourceClaim]:
        """Return the ResourceClaims by namespace and name, as placements and deallocations have left them."""
        return [claim for _, claim in sorted(self._listers.devices.claims.items(), key=itemgetter(0))]

    @exclusive
    def claims_after(self, decision: Decision) -> list[ResourceClaim]:
        """Return the ResourceClaims by namespace and name, as a decision that was not carried out would leave them."""
        claims = dict(self._listers.devices.claims)
        for old, new in decision.claims:
            if old is not None:
                claims.pop(key_of_claim(old), None)
            if new is not None:
                claims[key_of_claim(new)] = new
        return [claim for _, claim in sorted(claims.items(), key=itemgetter(0))]

    @exclusive
    def write_claims(self, changes: Iterable[ClaimChange]) -> None:
        """Let ResourceClaims be what a decision that was not carried out would make of them."""
        self._claims.write(changes)

    def _follow_storage(self) -> None:
        """After volumes or claims changed, account anew what bound pods hold of their nodes."""
        version = self._listers.versions["storage"]
        if version == self._storage_version:
            return
        self._storage_version = version
        self._attachments.follow()
        for bound in self._bound.with_volumes():
            info = self._classes.info(bound.pod)
            if info is not bound.info:
                self._bound.add(bound.pod, info, bound.node)

    # -- what is there ----------------------------------------------------------------------------

    @exclusive
    def nodes(self) -> pa.RecordBatch:
        """A snapshot of the node table, see :func:`kschedcore.engine.columns.nodes.node_batch`."""
        return node_batch(self._core.nodes)

    @exclusive
    def utilisation(self) -> dict[str, dict[str, int]]:
        """Resource -> its sum over all nodes, ``allocatable`` and ``requested`` by bound pods, where there is any.

        Units are the scheduler's: millicores for cpu, bytes, counts.
        """
        nodes = self._core.nodes
        return {
            resource: {
                "allocatable": int(nodes.allocatable_of(resource).sum()),
                "requested": int(nodes.requested_of(resource).sum()),
            }
            for resource in nodes.resources_in_use()
        }

    @property
    @exclusive
    def nominations(self) -> dict[tuple[str, str], str]:
        """The pods that room is left for on a node: namespace and name -> node."""
        return self._nominator.nodes()

    @property
    def extenders(self) -> Extenders:
        """The configuration's extenders."""
        return self._extenders

    def look_up_objects(self, source: ObjectSource) -> None:
        """Send extenders the nodes and pods of a source, such as informers, instead of those handed to the engine."""
        self._whole.look_up_in(source)

    # -- what if ----------------------------------------------------------------------------------

    @contextmanager
    def _undone(self) -> Iterator[None]:
        """Take back at the end whatever is changed meanwhile; other threads wait as long."""
        with self._lock, self._journal.transaction():
            self._journal.record(setattr, self._core, "random_state", self._core.random_state)
            yield
