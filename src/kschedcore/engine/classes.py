"""Interning: pods that the scheduler treats alike share one PodInfo and one compiled class."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import msgspec

from kschedcore._native.podclass import PodClass
from kschedcore.engine.columns.pods import CarrierKey, pod_info
from kschedcore.engine.plugin import PodContext, Status
from kschedcore.engine.stepwise import Compiled
from kschedcore.engine.volumes import exclusive_claims, holdings
from kschedcore.rules.resize import granted

if TYPE_CHECKING:
    from kschedcore._native.core import Core
    from kschedcore._native.podinfo import PodInfo
    from kschedcore._native.transactions import Journal
    from kschedcore.api.objects import Pod
    from kschedcore.engine.framework import Framework
    from kschedcore.engine.listers import Listers

_ENCODER = msgspec.msgpack.Encoder()

MAX_BYTES = 1 << 30
"""Maximum size of the columns of compiled classes, about; the least recently used class is evicted first."""

BYTES_PER_NODE = 64
"""Approximate size of a class's columns per node."""

MIN_CLASSES = 64
"""Minimum number of cached classes, regardless of cluster size."""

SPARE_CLASSES = 1024
"""Number of cached classes above which unused ones are evicted."""

SPARE_INFOS = 1024
"""Number of unused infos above which they are dropped."""


InfoKey = tuple[bytes, bool, tuple[tuple[tuple[str, ...], int], ...], tuple["CarrierKey", ...]]
"""Everything that a pod's :class:`PodInfo` depends on.

:func:`spec_key` of the pod with the requests that an in-place resize has granted; whether it has a deletionTimestamp;
the disks and CSI volumes that it uses (:func:`holdings`); its ReadWriteOncePod claims.
"""

ClassKey = tuple[str, str, InfoKey, bytes, Hashable]
"""Everything that a compiled class depends on besides the cluster, whose changes are counted by listers and logs.

The scheduler name of the profile; ``spec.nodeName``, which is not part of :func:`spec_key` so that a pod has the same
info before and after it is bound; the key of its info; its annotations, for profiles with plugins that may read them;
the specs of its ResourceClaims, None for a pod without any. A plain tuple, as it is built for every decision.
"""


def spec_key(pod: Pod) -> bytes:
    """Encode the fields of a pod that in-tree plugins read, except ``spec.nodeName``."""
    spec = msgspec.structs.replace(pod.spec, node_name=None) if pod.spec.node_name else pod.spec
    owner = next((o for o in pod.metadata.owner_references or () if o.controller), None)
    # A generic ephemeral volume's claim is named after its pod and owned by it.
    ephemeral = any(volume.ephemeral is not None for volume in spec.volumes or ())
    read = (
        (pod.metadata.name, pod.metadata.uid) if ephemeral else None,
        pod.metadata.namespace,
        pod.metadata.labels,
        spec,
        None if owner is None else (owner.api_version, owner.kind, owner.name),
    )
    try:
        return _ENCODER.encode(read)
    except OverflowError:  # a quantity may be an integer of any size
        return repr(read).encode()


@dataclass(slots=True)
class _Entry:
    """A compiled class, and the state of the listers that it was compiled from.

    Attributes:
        compiled: The class.
        groups: The groups of objects that it depends on.
        versions: The versions of the groups when it was compiled.
        seen: The listers' count of changes for which those versions were last checked.
    """

    compiled: Compiled
    groups: list[str]
    versions: list[int]
    seen: int


class ClassCache:
    """The cache of infos and compiled classes of an engine.

    Args:
        core: The native state to compile for.
        listers: Other objects that compiled forms depend on.
        journal: The undo log; while it is open, removed pods may be restored.
        max_bytes: Maximum memory of the compiled classes, about.
        pod_level_resize: Whether the pods' own resources can be resized.
    """

    def __init__(
        self,
        core: Core,
        listers: Listers,
        journal: Journal,
        max_bytes: int = MAX_BYTES,
        *,
        pod_level_resize: bool = True,
    ) -> None:
        self._core = core
        self._listers = listers
        self._journal = journal
        self._max_bytes = max_bytes
        self._pod_level_resize = pod_level_resize
        self._sweep_at = SPARE_INFOS
        self._thin_out_at = SPARE_CLASSES
        self._infos: dict[InfoKey, PodInfo] = {}
        self._classes: OrderedDict[ClassKey, _Entry] = OrderedDict()

    def info(self, pod: Pod) -> PodInfo:
        """Return the interned resource footprint of a pod (requests, ports, volumes, affinity terms)."""
        return self._info(pod, self._info_key(pod))

    def _info(self, pod: Pod, key: InfoKey) -> PodInfo:
        found = self._intern(pod, key)
        if len(self._infos) > self._sweep_at and not self._journal.is_open:
            self._sweep(found)
        return found

    def infos(self, pods: Iterable[Pod]) -> list[PodInfo]:
        """Return the footprints of pods that are about to be bound."""
        return [self._intern(pod, self._info_key(pod)) for pod in pods]

    def _info_key(self, pod: Pod) -> InfoKey:
        terminating = pod.metadata.deletion_timestamp is not None
        status = pod.status
        resized = status.container_statuses or status.init_container_statuses or status.resources
        key = spec_key(self._as_granted(pod) if resized else pod)
        if not pod.spec.volumes:
            return key, terminating, (), ()
        return key, terminating, holdings(pod, self._listers), tuple(exclusive_claims(pod, self._listers))

    def _as_granted(self, pod: Pod) -> Pod:
        """Return the pod with the requests that an in-place resize has granted, ``pod`` itself if none differs."""
        spec = granted(pod.spec, pod.status, pod_level=self._pod_level_resize)
        return pod if spec is pod.spec else msgspec.structs.replace(pod, spec=spec)

    def _intern(self, pod: Pod, key: InfoKey) -> PodInfo:
        found = self._infos.get(key)
        if found is None:
            _, terminating, volumes, claims = key
            found = self._infos[key] = pod_info(
                self._core.nodes,
                self._as_granted(pod),
                terminating=terminating,
                volumes=volumes,
                claims=claims,
            )
            self._core.topology.register(found)
        return found

    def _sweep(self, fresh: PodInfo) -> None:
        """Drop the infos that have no owner: no bound, nominated or waiting pod and no compiled class."""
        for key, info in list(self._infos.items()):
            if not info.users and not info.holders and info is not fresh:
                del self._infos[key]
                self._core.topology.forget(info)
        self._sweep_at = 2 * len(self._infos) + SPARE_INFOS

    @property
    def full(self) -> bool:
        """Whether :meth:`trim` may have classes to evict."""
        kept = len(self._classes)
        return kept > self._thin_out_at or kept > self._limit

    def trim(self) -> None:
        """Evict unused classes when there are many, and then the least recently used ones above the limit.

        An evicted class must not be used any more.
        """
        if len(self._classes) > self._thin_out_at:
            self._thin_out()
        while len(self._classes) > self._limit:
            self._release(self._classes.popitem(last=False)[1].compiled)

    def _thin_out(self) -> None:
        """Evict classes without bound pods, except the most recently used: Jobs keep adding new ones."""
        for name in list(islice(self._classes, len(self._classes) - SPARE_CLASSES)):
            compiled = self._classes[name].compiled
            if isinstance(compiled, Status) or not compiled.info.users:
                del self._classes[name]
                self._release(compiled)
        self._thin_out_at = 2 * len(self._classes) + SPARE_CLASSES

    @property
    def _limit(self) -> int:
        """Return the maximum number of cached classes for the present number of nodes."""
        return max(MIN_CLASSES, self._max_bytes // (BYTES_PER_NODE * self._core.nodes.capacity))

    def compiled(self, pod: Pod, framework: Framework) -> Compiled:
        """Return the compiled class of a pod, or the status that ends its cycle; compile it if it is new or stale."""
        info_key = self._info_key(pod)
        annotations = _ENCODER.encode(pod.metadata.annotations) if framework.reads_annotations else b""
        devices = self._listers.devices.class_key(pod)
        name = (framework.profile.scheduler_name, pod.spec.node_name or "", info_key, annotations, devices)
        found = self._classes.get(name)
        if found is not None:
            if found.seen != self._listers.changes and found.versions == self._versions(found.groups):
                found.seen = self._listers.changes
            if found.seen == self._listers.changes:
                self._classes.move_to_end(name)
                return found.compiled
            del self._classes[name]
            self._release(found.compiled)
        context = PodContext(pod, self._info(pod, info_key), self._core, self._listers)
        compiled = framework.compile(context)
        groups = sorted(framework.watches(pod) if devices is None else framework.watches(pod) | {"devices"})
        self._classes[name] = _Entry(compiled, groups, self._versions(groups), self._listers.changes)
        return compiled

    def narrowed(self, pod: Pod, framework: Framework, node: str) -> PodClass:
        """Return a class restricted to one node, not cached; the caller releases it."""
        compiled = framework.compile(PodContext(pod, self.info(pod), self._core, self._listers), only=node)
        assert isinstance(compiled, PodClass)  # the node has passed, so PreFilter has too
        return compiled

    def _versions(self, groups: list[str]) -> list[int]:
        return [self._listers.versions[group] for group in groups]

    @staticmethod
    def _release(compiled: Compiled) -> None:
        if not isinstance(compiled, Status):
            compiled.release()

    def clear(self) -> None:
        """Drop all compiled classes; the next decisions start with a full pass."""
        classes, self._classes = self._classes, OrderedDict()
        for entry in classes.values():
            self._release(entry.compiled)
