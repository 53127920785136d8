"""DefaultBinder: writes a pod's node to the cluster."""

from __future__ import annotations

from kschedcore.engine.plugin import Assumed, Plugin


class DefaultBinder(Plugin):
    """Binds through the API, which here is whatever the scheduling cycle was given to bind with."""

    name = "DefaultBinder"
    points = frozenset({"bind"})

    def bind(self, assumed: Assumed) -> None:
        """Bind a pod; there is no other way left."""
        assumed.bind(assumed.pod, assumed.node)
