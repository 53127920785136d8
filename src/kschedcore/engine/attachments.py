"""Volumes that are attached to a node but not used by a bound pod (VolumeAttachment objects)."""

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
        core: The native state.
        listers: The cluster's attachments and volumes.
    """

    def __init__(self, core: Core, listers: Listers) -> None:
        self._core = core
        self._listers = listers
        self._attached: dict[str, set[CSIVolume]] = {}

    def follow(self) -> None:
        """Update the volumes held to those attached now."""
        before, self._attached = self._attached, self._read()
        for node in before.keys() | self._attached.keys():
            self.node_added(node)

    def recover(self) -> None:
        """Set the volumes held to those attached now, after an interrupted change."""
        self._attached = self._read()
        for node in self._core.nodes.names():
            self.node_added(node)

    def _read(self) -> dict[str, set[CSIVolume]]:
        """Return node -> its attached volumes, from the listers."""
        attached: dict[str, set[CSIVolume]] = {}
        for attachment in self._listers.volume_attachments():
            source = attachment.spec.source.persistent_volume_name or ""
            volume = self._listers.persistent_volume(source)
            if volume is not None and volume.spec.csi is not None:
                csi = CSIVolume(volume.spec.csi.driver, volume.spec.csi.volume_handle)
                attached.setdefault(attachment.spec.node_name, set()).add(csi)
        return attached

    def node_added(self, node: str) -> None:
        """Hold the volumes attached to a node that was added."""
        slot = self._core.nodes.slot_of(node)
        if slot >= 0:
            volumes = self._attached.get(node, ())
            self._core.set_extra_holdings(
                slot, frozenset((each.what, tag_of(each.driver)) for each in volumes)
            )

    def node_leaving(self, node: str) -> None:
        """Release the volumes attached to a node that is removed."""
        self._core.set_extra_holdings(self._core.nodes.slot_of(node), frozenset())
