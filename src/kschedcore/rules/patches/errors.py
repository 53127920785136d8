"""What can be wrong with a patch."""

from __future__ import annotations

from kschedcore.errors import KschedcoreError

__all__ = ["PatchConflict", "PatchError"]


class PatchError(KschedcoreError, ValueError):
    """A patch that makes no sense, whatever it is applied to."""


class PatchConflict(PatchError):  # noqa: N818 - named as what happened
    """A patch that does not fit the object it is applied to."""
