"""Sources of a test's cluster: files, objects, loaded manifests or a running cluster."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path

from kschedcore.api.machinery.frozen import plain
from kschedcore.api.machinery.kinds import KINDS, VIEWS
from kschedcore.api.machinery.types import ReadOnlyObject
from kschedcore.cluster.cluster import Cluster
from kschedcore.errors import UsageError
from kschedcore.manifests.manifests import Manifests

__all__ = ["ClusterSource", "manifests_of", "objects_of"]


ClusterSource = Manifests | Cluster | ReadOnlyObject | str | Path | Iterable[ReadOnlyObject | str | Path]
"""Manifests, a running cluster, an object or a list of objects, a cluster in the layout of
:meth:`kschedcore.Manifests.from_cluster`, a file or folder, or several of the last three."""


def manifests_of(*sources: ClusterSource) -> Manifests:
    """Return the manifests of all sources together.

    Raises:
        NotFoundError: A path does not exist.
        ManifestError: An object is invalid, or exists twice.
    """
    if len(sources) == 1 and isinstance(sources[0], Manifests):
        return sources[0]
    return Manifests.from_objects(chain.from_iterable(map(objects_of, sources)))


def objects_of(source: ClusterSource) -> Iterator[ReadOnlyObject]:
    """Yield the objects of a source, including a KubeSchedulerConfiguration if there is one.

    Raises:
        NotFoundError: A path does not exist.
        ManifestError: An object is invalid.
        UsageError: The value is not a source of a cluster.
    """
    match source:
        case Cluster():
            yield from _objects_of_cluster(source)
        case Manifests():
            yield from source.objects.values()
            if source.config is not None and source.config not in source.objects.values():
                yield source.config
        case Mapping() if "kind" in source:
            yield source
        case Mapping():
            yield from objects_of(Manifests.from_cluster(source))
        case str() | Path():
            yield from objects_of(Manifests.load(source))
        case Iterable():
            for each in source:
                yield from objects_of(each)
        case _:
            raise UsageError(f"found {source!r}; expected manifests, a cluster, objects, or paths")


def _objects_of_cluster(cluster: Cluster) -> Iterator[ReadOnlyObject]:
    """Yield the objects of a running cluster that scheduling reads."""
    for kind in KINDS:
        if kind.resource.kind in VIEWS:
            for obj in cluster.list(kind.resource.qualified, all_namespaces=True):
                yield {"apiVersion": kind.resource.api_version, "kind": kind.resource.kind, **plain(obj)}
    if cluster.config is not None:
        yield cluster.config
