"""Fill a new cluster: with a number of plain nodes, from manifests, or from a dump of another cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kschedcore.api.arguments import several, shown
from kschedcore.api.machinery.kinds import Kind
from kschedcore.api.machinery.status import StatusError
from kschedcore.api.machinery.types import CLUSTER_SCOPE, UID, Namespace, Object
from kschedcore.api.objects.decoding import shown_at
from kschedcore.api.objects.views import view_of
from kschedcore.api.schema.decode import DecodeError
from kschedcore.apiserver import APIServer
from kschedcore.client.verbs import Client
from kschedcore.cluster.applying import Manifest, apply_object, create_object, read_served
from kschedcore.errors import ManifestError, UsageError
from kschedcore.manifests.documents import Whole
from kschedcore.manifests.loading import Document
from kschedcore.rules.bounds import check
from kschedcore.rules.creation import restore

__all__ = ["InitialObjects", "Nodes", "create_initial_objects", "initial_manifests", "plain_node"]

Nodes = int | Manifest | Iterable[Manifest]
"""A number of plain nodes, or manifests, which may contain other objects too."""

_ZONES = "abc"
_SIZE = {"cpu": "8", "memory": "32Gi", "ephemeral-storage": "100Gi", "pods": "110"}


def plain_node(number: int) -> Object:
    """Return ``node-1``, ``node-2``, …: 8 CPUs, 32 GiB, 110 pods, spread over three zones."""
    name = f"node-{number}"
    labels = {
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "topology.kubernetes.io/region": "region-1",
        "topology.kubernetes.io/zone": f"zone-{_ZONES[(number - 1) % len(_ZONES)]}",
    }
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels},
        "status": {"capacity": dict(_SIZE), "allocatable": dict(_SIZE)},
    }


def initial_manifests(nodes: Nodes) -> list[Manifest]:
    """Return the manifests to create.

    Raises:
        UsageError: A number below zero.
    """
    if isinstance(nodes, bool | int):
        if nodes < 0 or isinstance(nodes, bool):
            raise UsageError(
                f"nodes={shown(nodes)}: expected a number of nodes, manifests or paths of manifests"
            )
        return [plain_node(number) for number in range(1, nodes + 1)]
    if isinstance(nodes, str | Path | Document | Mapping):
        return [nodes]
    return list(several("nodes", nodes, "a number of nodes, manifests or paths of manifests"))


_FIRST = ("Namespace", "PriorityClass", "RuntimeClass", "StorageClass", "ServiceAccount", "Node")
"""Kinds that objects of others need; pods come last."""


@dataclass(frozen=True, slots=True)
class InitialObjects:
    """The outcome of moving objects into a cluster.

    Attributes:
        left_aside: Kind -> number of objects of kinds that the cluster does not serve.
        external_owners: The uids of owners that are not among the objects.
        failed_nodes: The names of nodes that were not ready.
    """

    left_aside: dict[str, int]
    external_owners: set[UID]
    failed_nodes: set[str]


def create_initial_objects(
    server: APIServer,
    client: Client,
    manifests: Iterable[Manifest],
    namespace: Namespace,
    run: Callable[[], None],
    begin: Callable[[InitialObjects], None],
) -> InitialObjects:
    """Fill a new cluster from manifests, from dumps of another cluster, or from both.

    An object with a uid, or a pod or node with a state, exists elsewhere and is restored as it is. Others are created.
    Namespaces and service accounts that are missing are created as well.

    Args:
        server: Restores objects.
        client: Creates objects.
        manifests: Nodes and other objects, in any order.
        namespace: The namespace of objects that name none.
        run: Lets the controllers do what is due now.
        begin: Called before the first object is stored.

    Raises:
        ManifestError: One cannot be read (nothing is stored then), or the API refuses it.
    """
    served, later, aside = read_served(manifests, namespace)
    found = sorted(served, key=_rank)
    uids = {_metadata(whole).get("uid") for whole, _ in found}
    owners = {
        owner.get("uid") for whole, _ in found for owner in _metadata(whole).get("ownerReferences") or ()
    }
    failed = {whole.name for whole, kind in found if kind.resource.kind == "Node" and _is_down(whole.data)}
    moved = InitialObjects(aside, {uid for uid in owners - uids if uid}, failed)
    begin(moved)
    named = {whole.name for whole, kind in found if kind.resource.kind == "Namespace"}
    for missing in sorted({whole.namespace for whole, _ in found} - named - {""}):
        if client.get("namespaces", CLUSTER_SCOPE, missing) is None:
            client.create("namespaces", CLUSTER_SCOPE, {"metadata": {"name": missing}})
    accounts = {(w.namespace, w.name) for w, kind in found if kind.resource.kind == "ServiceAccount"}
    ready = False
    for whole, kind in found:
        resource = kind.resource
        if resource.kind != "Namespace" and not ready:
            # Controllers create the service account of each namespace.
            run()
            ready = True
        if (
            resource.kind in _GIVEN
            and client.get(resource.qualified, whole.namespace, whole.name) is not None
        ):
            continue
        if _is_restored(resource.kind, whole.data):
            _restore(server, kind, whole)
            continue
        account = whole.data.get("spec", {}).get("serviceAccountName") if resource.kind == "Pod" else None
        if account and (whole.namespace, account) not in accounts:
            accounts.add((whole.namespace, account))
            if client.get("serviceaccounts", whole.namespace, account) is None:
                client.create("serviceaccounts", whole.namespace, {"metadata": {"name": account}})
        create_object(client, kind, whole)
    for whole, kind in later:
        run()
        apply_object(client, kind, whole)
    return moved


_GIVEN = ("Namespace", "ServiceAccount", "PriorityClass", "ConfigMap", "Service")
"""Kinds of which a new cluster has objects."""


def _metadata(whole: Whole) -> Mapping[str, Any]:
    metadata: Mapping[str, Any] = whole.data.get("metadata") or {}
    return metadata


def _is_restored(kind: str, data: Mapping[str, Any]) -> bool:
    """Return whether an object exists elsewhere."""
    if (data.get("metadata") or {}).get("uid"):
        return True
    status = data.get("status") or {}
    if kind == "Pod":
        return (status.get("phase") or "Pending") != "Pending"
    if kind == "Service":
        return (data.get("spec") or {}).get("clusterIP", "None") not in ("", "None")
    return kind == "Node" and bool(status.get("conditions"))


def _is_down(node: Mapping[str, Any]) -> bool:
    conditions = (node.get("status") or {}).get("conditions") or ()
    return any(
        isinstance(each, Mapping) and each.get("type") == "Ready" and each.get("status") != "True"
        for each in conditions
    )


def _restore(server: APIServer, kind: Kind, whole: Whole) -> None:
    try:
        obj = restore(whole.data)
        assert obj is not None, "every kind that is served has a schema"
        if kind.view is not None:
            check(view_of(kind.view, obj))
        server.restore(kind.resource, obj)
    except DecodeError as error:
        found = shown_at(kind.resource.kind, error.path, error.value)
        problem = f"found {found}, expected {error.expected}"
        raise whole.located(ManifestError(problem, path=error.path or None)) from None
    except StatusError as refusal:
        raise whole.located(ManifestError(refusal.message)) from refusal
    except ManifestError as error:
        raise whole.located(error) from None


def _rank(found: tuple[Whole, Kind]) -> int:
    kind = found[1].resource.kind
    if kind == "Pod":
        return len(_FIRST) + 1
    return _FIRST.index(kind) if kind in _FIRST else len(_FIRST)
