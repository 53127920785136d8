"""DefaultBinder: writes a pod's node to the cluster."""

from __future__ import annotations

from kschedcore.scheduling.plugin import Plugin


class DefaultBinder(Plugin):
    """Binds through the API, which here is whatever the scheduling cycle was given to bind with."""

    name = "DefaultBinder"
    points = frozenset({"bind"})
