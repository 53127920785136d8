"""What a cluster begins with: nodes, so many of a plain kind or from manifests, and whatever else those hold."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from kschedcore.api.arguments import several
from kschedcore.api.machinery.kinds import Kind
from kschedcore.api.machinery.types import Object
from kschedcore.client.verbs import Client
from kschedcore.cluster.applying import Manifest, create, read
from kschedcore.errors import UsageError
from kschedcore.manifests.documents import Whole
from kschedcore.manifests.loading import Document

__all__ = ["Nodes", "move_in", "node_manifests", "plain_node"]

Nodes = int | Manifest | Iterable[Manifest]
"""So many plain nodes, or manifests that may hold other objects as well."""

_ZONES = "abc"
_SIZE = {"cpu": "8", "memory": "32Gi", "ephemeral-storage": "100Gi", "pods": "110"}


def plain_node(number: int) -> Object:
    """``node-1``, ``node-2``, …: 8 CPUs, 32 GiB, 110 pods, in three zones in turn."""
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


def node_manifests(nodes: Nodes) -> list[Manifest]:
    """What to create.

    Raises:
        UsageError: A number below zero.
    """
    if isinstance(nodes, bool | int):
        if nodes < 0 or isinstance(nodes, bool):
            raise UsageError(f"nodes={nodes!r}: expected a number of nodes, manifests or paths of manifests")
        return [plain_node(number) for number in range(1, nodes + 1)]
    if isinstance(nodes, str | Path | Document | Mapping):
        return [nodes]
    return list(several("nodes", nodes, "a number of nodes, manifests or paths of manifests"))


_FIRST = ("Namespace", "PriorityClass", "RuntimeClass", "StorageClass", "ServiceAccount", "Node")
"""What others need comes before them; pods come last."""


def move_in(client: Client, manifests: Iterable[Manifest], namespace: str, run: Callable[[], None]) -> None:
    """Create what a cluster begins with, be it a dump of another one: what its objects take for granted too.

    Args:
        client: Who creates.
        manifests: Nodes and other objects, in any order.
        namespace: Of objects that do not say.
        run: Lets the controllers do what is to be done now.

    Raises:
        ManifestError: One cannot be read (nothing is created then), or the API refuses it.
    """
    found = sorted(read(manifests, namespace), key=_rank)
    named = {whole.name for whole, kind in found if kind.resource.kind == "Namespace"}
    for missing in sorted({whole.namespace for whole, _ in found} - named - {""}):
        if client.get("namespaces", "", missing) is None:
            client.create("namespaces", "", {"metadata": {"name": missing}})
    accounts = {(w.namespace, w.name) for w, kind in found if kind.resource.kind == "ServiceAccount"}
    ready = False
    for whole, kind in found:
        if kind.resource.kind != "Namespace" and not ready:
            # Namespaces get what each of them has, a service account among it.
            run()
            ready = True
        account = (
            whole.data.get("spec", {}).get("serviceAccountName") if kind.resource.kind == "Pod" else None
        )
        if account and (whole.namespace, account) not in accounts:
            accounts.add((whole.namespace, account))
            if client.get("serviceaccounts", whole.namespace, account) is None:
                client.create("serviceaccounts", whole.namespace, {"metadata": {"name": account}})
        create(client, kind, whole)


def _rank(found: tuple[Whole, Kind]) -> int:
    kind = found[1].resource.kind
    if kind == "Pod":
        return len(_FIRST) + 1
    return _FIRST.index(kind) if kind in _FIRST else len(_FIRST)
