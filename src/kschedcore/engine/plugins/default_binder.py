"""DefaultBinder: binds pods."""

from __future__ import annotations

from kschedcore.engine.plugin import Assumed, Plugin


class DefaultBinder(Plugin):
    """Binds pods through the function that the scheduling cycle was given."""

    name = "DefaultBinder"

    def bind(self, assumed: Assumed) -> None:
        """Bind a pod."""
        assumed.bind(assumed.pod, assumed.node)
