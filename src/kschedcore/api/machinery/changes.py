"""Changes of objects, as delivered to watchers of a resource."""

from __future__ import annotations

import msgspec

from kschedcore.api.machinery.types import Object

__all__ = ["Change"]


class Change(msgspec.Struct, frozen=True, gc=False):
    """A change of one object.

    Attributes:
        old: The object before the change; None when it was created.
        new: The object after the change; None when it was deleted.
    """

    old: Object | None
    new: Object | None

    @property
    def object(self) -> Object:
        """The object after the change, or its last state."""
        found = self.new if self.new is not None else self.old
        assert found is not None
        return found
