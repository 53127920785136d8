"""Base class of invariants."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kschedcore.chaos.cluster import ChaosCluster, Process
    from kschedcore.chaos.writes import Objects, Write

__all__ = ["Invariant"]


class Invariant:
    """A property of a cluster that holds under any requests and faults; the name of the class states it.

    Every run of a history has its own instance, which may keep state. Each method yields one message per
    violation.
    """

    def __init_subclass__(cls) -> None:
        for old, new in (("written", "on_write"), ("turned", "on_step"), ("settled", "at_rest")):
            if hasattr(cls, old):
                raise TypeError(f"{cls.__name__}.{old} would not be called: the method is called {new} now")

    def on_write(self, write: Write, objects: Objects) -> Iterable[str]:  # noqa: ARG002
        """Check one write.

        Args:
            write: The write.
            objects: The objects that exist right after it.
        """
        return ()

    def on_step(self, component: str, process: Process, objects: Objects) -> Iterable[str]:  # noqa: ARG002
        """Check a component after a step in which it did work.

        Args:
            component: Name of the component.
            process: The process that runs it.
            objects: The objects that exist now.
        """
        return ()

    def at_rest(self, cluster: ChaosCluster, objects: Objects) -> Iterable[str]:  # noqa: ARG002
        """Check a settled cluster from which all faults were removed.

        Args:
            cluster: The cluster.
            objects: The objects that exist.
        """
        return ()
