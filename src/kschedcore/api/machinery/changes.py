"""What happened to one object, as watchers of a resource are notified of it."""

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
        """The object after the change, or as it last was."""
        found = self.new if self.new is not None else self.old
        assert found is not None
        return found
