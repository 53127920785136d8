"""``--add-node``, ``--drain`` and the other flags that change the cluster before a command runs.

The order of the flags does not matter: zones and nodes go first, drains are next, then nodes are added (as copies of
nodes as they stand in the manifests), then come taints, and workloads are scaled last.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from kschedcore.cli.counts import MAX_PODS
from kschedcore.cli.options import ClusterChanges
from kschedcore.errors import KschedcoreError, NotFoundError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kschedcore.manifests.manifests import Manifests
    from kschedcore.planning.changes import ChangedCluster

__all__ = ["apply_changes"]

MAX_NODES: Final = 100_000
"""Maximum number of nodes that one flag adds."""

_IS_SELECTOR: Final = re.compile(r"[=!,()\s]")
_FILE: Final = (".yaml", ".yml", ".json")


def apply_changes(manifests: Manifests, changes: ClusterChanges, *, namespace: str | None) -> Manifests:
    """Return the manifests of the cluster with the changes of the flags.

    Args:
        manifests: The manifests as they were read.
        changes: The flags.
        namespace: The value of ``-n``: the namespace of workloads that name none.

    Raises:
        UsageError: A flag's value is invalid, or names something that does not exist; the message names the flag.
    """
    if changes == ClusterChanges(replicas=changes.replicas):
        return manifests
    from kschedcore.planning.changes import ChangedCluster

    cluster = ChangedCluster(manifests)
    originals = {node: cluster.node(node) for node in cluster.node_names()}
    steps: Sequence[tuple[str, Sequence[str] | None, Callable[[str], Any]]] = (
        ("--without-zone", changes.without_zone, cluster.remove_zone),
        ("--remove-node", changes.remove_node, lambda text: _each(cluster, text, cluster.remove_node)),
        ("--drain", changes.drain, lambda text: _each(cluster, text, cluster.drain_node)),
        ("--add-node", changes.add_node, lambda text: _add(cluster, text, originals)),
        ("--taint", changes.taint, lambda text: _taint(cluster, text)),
        ("--scale", changes.scale, lambda text: _scale(cluster, text, namespace)),
    )
    for flag, values, apply in steps:
        for value in values or ():
            try:
                apply(value)
            except (KschedcoreError, ValueError) as error:
                raise UsageError(f"{flag} {value}: {error}") from None
    if cluster.lost:
        first, count = "/".join(cluster.lost[0]), len(cluster.lost)
        others = f" and {count - 1:,} more" if count > 1 else ""
        sys.stderr.write(
            f"note: {first}{others}: no controller creates the pod again once it is evicted; here it is pending\n"
        )
    return cluster.manifests()


def _each(cluster: ChangedCluster, text: str, change: Callable[[str], None]) -> None:
    for name in _nodes(cluster, text):
        change(name)


def _nodes(cluster: ChangedCluster, text: str) -> list[str]:
    """Return the nodes that a name or a label selector selects.

    Raises:
        NotFoundError: There is none.
        ValueError: It is neither.
    """
    from kschedcore.api.selectors import parse_selector

    if not text:
        raise UsageError("expected the name of a node, or a selector of nodes")
    if not _IS_SELECTOR.search(text):
        cluster.node(text)
        return [text]
    names = cluster.node_names(parse_selector(text))
    if not names:
        raise NotFoundError("selects no node")
    return names


def _add(cluster: ChangedCluster, text: str, originals: Mapping[str, Any]) -> None:
    what, _, number = text.rpartition("=")
    if not what or not number.isascii() or not number.isdecimal() or not 0 < int(number) <= MAX_NODES:
        raise UsageError(f"expected NODE=N or FILE=N, with N a whole number from 1 to {MAX_NODES:,}")
    node = originals.get(what)
    if node is None and (what.endswith(_FILE) or Path(what).is_file()):
        node = _template(what)
    cluster.add_nodes(cluster.node(what) if node is None else node, int(number))


def _template(path: str) -> Mapping[str, Any]:
    """Return the node that a file holds.

    Raises:
        NotFoundError: There is no such file.
        UsageError: It does not hold one Node.
    """
    from kschedcore.manifests.manifests import Manifests

    loaded = Manifests.load(path)
    nodes = [whole for (kind, _, _), whole in loaded.objects.items() if kind == "Node"]
    if len(nodes) != 1 or len(loaded.objects) != 1:
        raise UsageError(f"{path} holds {len(loaded.objects)} objects; expected one Node")
    return nodes[0]


def _taint(cluster: ChangedCluster, text: str) -> None:
    """Apply ``NODE=TAINT``, or ``SELECTOR:TAINT``, with a taint as ``kubectl taint`` takes it.

    A taint has one colon, and neither names nor selectors have any: where there are two, the first ends the selector.
    """
    from kschedcore.api.taints import parse_taint

    if text.count(":") > 1:
        nodes, _, taint = text.partition(":")
    else:
        nodes, _, taint = text.partition("=")
    if not nodes or not taint:
        raise UsageError("expected NODE=KEY[=VALUE]:EFFECT or SELECTOR:KEY[=VALUE]:EFFECT")
    spec = parse_taint(taint)
    for name in _nodes(cluster, nodes):
        cluster.taint_node(name, spec)


def _scale(cluster: ChangedCluster, text: str, namespace: str | None) -> None:
    from kschedcore.cluster.references import kind_named
    from kschedcore.planning.changes import SCALABLE

    reference, _, number = text.rpartition("=")
    parts = reference.split("/")
    if not number.isascii() or not number.isdecimal() or len(parts) not in (2, 3) or "" in parts:
        raise UsageError("expected [NAMESPACE/]KIND/NAME=N, as in deployment/web=10")
    if int(number) > MAX_PODS:
        raise UsageError(f"expected at most {MAX_PODS:,} replicas")
    *own, kind, name = parts
    found = kind_named(kind).resource.kind
    if found not in SCALABLE:
        raise UsageError(f"a {found} has no replicas; expected one of {', '.join(SCALABLE)}")
    keys = cluster.workloads(found, name, own[0] if own else namespace)
    if len(keys) > 1:
        places = ", ".join(sorted(key[1] for key in keys))
        raise UsageError(
            f"{found} {name} is in several namespaces ({places}): say which, as in {keys[0][1]}/{text}"
        )
    cluster.scale(keys[0] if keys else (found, own[0] if own else namespace or "default", name), int(number))
