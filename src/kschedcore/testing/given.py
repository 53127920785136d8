"""What a test says a cluster is: files, objects, manifests that were loaded, or a cluster that lives."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from kschedcore.api.machinery.frozen import plain
from kschedcore.api.machinery.kinds import KINDS, VIEWS
from kschedcore.cluster.cluster import Cluster
from kschedcore.errors import UsageError
from kschedcore.manifests.manifests import Manifests

__all__ = ["Given", "manifests_of", "objects_of"]

Json = Mapping[str, Any]

Given = Manifests | Cluster | Json | str | Path | Iterable[Json | str | Path]
"""Manifests, a living cluster, a whole object or a list of objects, a cluster in the layout of
:meth:`kschedcore.Manifests.from_cluster`, a file or folder, or several of the last three."""


def manifests_of(*given: Given) -> Manifests:
    """Everything that was given, as one.

    Raises:
        NotFoundError: A path does not exist.
        ManifestError: Something is not what it claims to be, or stands there twice.
    """
    if len(given) == 1 and isinstance(given[0], Manifests):
        return given[0]
    return Manifests.from_objects(chain.from_iterable(map(objects_of, given)))


def objects_of(given: Given) -> Iterator[Json]:
    """The whole objects in what was given, a KubeSchedulerConfiguration among them if there is one.

    Raises:
        NotFoundError: A path does not exist.
        ManifestError: Something is not what it claims to be.
        UsageError: It is nothing that a cluster can be.
    """
    match given:
        case Cluster():
            yield from _standing(given)
        case Manifests():
            yield from given.objects.values()
            if given.config is not None and given.config not in given.objects.values():
                yield given.config
        case Mapping() if "kind" in given:
            yield given
        case Mapping():
            yield from objects_of(Manifests.from_cluster(given))
        case str() | Path():
            yield from objects_of(Manifests.load(given))
        case Iterable():
            for each in given:
                yield from objects_of(each)
        case _:
            raise UsageError(f"found {given!r}; expected manifests, a cluster, objects, or paths")


def _standing(cluster: Cluster) -> Iterator[Json]:
    """The objects of a living cluster that placement looks at."""
    for kind in KINDS:
        if kind.resource.kind in VIEWS:
            for obj in cluster.list(kind.resource.qualified, all_namespaces=True):
                yield {"apiVersion": kind.resource.api_version, "kind": kind.resource.kind, **plain(obj)}
    if cluster.config is not None:
        yield cluster.config
