"""Invariants of watching: whoever follows the API comes to see what is there."""

from __future__ import annotations

from collections.abc import Iterator

from kschedcore.api.machinery.kinds import KINDS
from kschedcore.chaos.breakable import BreakableCluster
from kschedcore.chaos.chronicle import Objects
from kschedcore.chaos.invariants.base import Invariant
from kschedcore.client.informer import key_of

__all__ = ["ReplaysEqualStore", "ViewsEqualStore"]


class ReplaysEqualStore(Invariant):
    """All writes, replayed one after another, give what the store has."""

    def settled(self, cluster: BreakableCluster, objects: Objects) -> Iterator[str]:
        """Compare."""
        for resource in (kind.resource.qualified for kind in KINDS):
            stored = {key_of(obj): obj for obj in cluster.server.store.list(resource)}
            if stored != objects.get(resource, {}):
                yield f"{resource} are not what their writes say"


class ViewsEqualStore(Invariant):
    """When a cluster is at rest, every informer of every process has what the store has."""

    def settled(self, cluster: BreakableCluster, objects: Objects) -> Iterator[str]:
        """Compare."""
        for process in cluster.processes.values():
            for resource, informer in process.informers.items():
                seen = {key_of(obj): obj["metadata"]["resourceVersion"] for obj in informer.all()}
                there = {
                    key: obj["metadata"]["resourceVersion"] for key, obj in objects.get(resource, {}).items()
                }
                for key in sorted(seen.keys() | there.keys()):
                    if seen.get(key) != there.get(key):
                        yield f"{process.name} sees {resource} {'/'.join(key)} at {seen.get(key)}, not {there.get(key)}"
