"""Invariants of watches: events and informers reproduce the store."""

from __future__ import annotations

from collections.abc import Iterator

from kschedcore.api.machinery.kinds import KINDS
from kschedcore.chaos.cluster import ChaosCluster
from kschedcore.chaos.invariants.base import Invariant
from kschedcore.chaos.writes import Objects
from kschedcore.client.informer import key_of

__all__ = ["InformersEqualStore", "ListenersReceiveEveryObject", "WriteLogEqualsStore"]


class WriteLogEqualsStore(Invariant):
    """The replayed event log equals the store."""

    def at_rest(self, cluster: ChaosCluster, objects: Objects) -> Iterator[str]:
        """Compare."""
        for resource in (kind.resource.qualified for kind in KINDS):
            stored = {key_of(obj): obj for obj in cluster.server.store.list(resource)}
            if stored != objects.get(resource, {}):
                yield f"{resource} differ from the replayed writes"


class InformersEqualStore(Invariant):
    """In a settled cluster every informer of every process equals the store."""

    def at_rest(self, cluster: ChaosCluster, objects: Objects) -> Iterator[str]:
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


class ListenersReceiveEveryObject(Invariant):
    """In a settled cluster the listeners of every process were called with the last version of every object."""

    def at_rest(self, cluster: ChaosCluster, objects: Objects) -> Iterator[str]:
        """Compare."""
        for process in cluster.processes.values():
            for resource, received in process.delivered.items():
                there = {
                    key: obj["metadata"]["resourceVersion"] for key, obj in objects.get(resource, {}).items()
                }
                for key in sorted(received.keys() | there.keys()):
                    if received.get(key) != there.get(key):
                        name = "/".join(key)
                        yield f"{process.name} received {resource} {name} at {received.get(key)}, not {there.get(key)}"
