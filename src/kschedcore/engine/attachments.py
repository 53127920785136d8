"""Volumes that are attached to a node without a pod accounting for them (VolumeAttachment objects)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kschedcore._native.podinfo import tag_of
from kschedcore.engine.volumes import CSIVolume

if TYPE_CHECKING:
    from kschedcore._native.core import Core
    from kschedcore.engine.listers import Listers


class Attachments:
    """Holds attached volumes on their nodes, so that they count against the nodes' limits.

    Args:
        core: Where they are held.
        listers: Where attachments and volumes are looked up.
    """

    def __init__(self, core: Core, listers: Listers) -> None:
        self._core = core
        self._listers = listers
        self._held: dict[str, set[CSIVolume]] = {}

    def follow(self) -> None:
        """Hold what is attached now, and nothing else."""
        attached: dict[str, set[CSIVolume]] = {}
        for attachment in self._listers.volume_attachments():
            source = attachment.spec.source.persistent_volume_name or ""
            volume = self._listers.persistent_volume(source)
            if volume is not None and volume.spec.csi is not None:
                csi = CSIVolume(volume.spec.csi.driver, volume.spec.csi.volume_handle)
                attached.setdefault(attachment.spec.node_name, set()).add(csi)
        for node in self._held.keys() | attached.keys():
            before, after = self._held.get(node, set()), attached.get(node, set())
            self._hold(node, before - after, -1)
            self._hold(node, after - before, 1)
        self._held = attached

    def node_added(self, node: str) -> None:
        """Hold what is attached to a node that was not there."""
        self._hold(node, self._held.get(node, set()), 1)

    def node_leaving(self, node: str) -> None:
        """Let go of what is attached to a node."""
        self._hold(node, self._held.get(node, set()), -1)

    def _hold(self, node: str, volumes: set[CSIVolume], sign: int) -> None:
        slot = self._core.nodes.slot_of(node)
        if slot >= 0:
            for volume in sorted(volumes):
                self._core.hold(slot, volume.what, tag_of(volume.driver), sign)
