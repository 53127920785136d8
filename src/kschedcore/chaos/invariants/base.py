"""What an invariant is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kschedcore.chaos.breakable import BreakableCluster, Process
    from kschedcore.chaos.chronicle import Objects, Write

__all__ = ["Invariant"]


class Invariant:
    """Something that holds of a cluster whatever happens to it; its class's name says what.

    A history has an instance of its own, which may remember what it saw. Each method yields what is wrong, in
    a sentence for people, and nothing while the invariant holds.
    """

    def written(self, write: Write, objects: Objects) -> Iterable[str]:  # noqa: ARG002
        """Look at one write.

        Args:
            write: What was written.
            objects: What is there just after it.
        """
        return ()

    def turned(self, component: str, process: Process, objects: Objects) -> Iterable[str]:  # noqa: ARG002
        """Look at a component after a turn in which it had work to do.

        Args:
            component: Which.
            process: The process that it is part of.
            objects: What is there by now.
        """
        return ()

    def settled(self, cluster: BreakableCluster, objects: Objects) -> Iterable[str]:  # noqa: ARG002
        """Look at a cluster that has come to rest, with nothing broken any more.

        Args:
            cluster: The cluster.
            objects: What is there.
        """
        return ()
