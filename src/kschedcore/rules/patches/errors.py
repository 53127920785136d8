"""Errors of patches."""

from __future__ import annotations

from kschedcore.errors import KschedcoreError

__all__ = ["PatchConflict", "PatchError"]


class PatchError(KschedcoreError, ValueError):
    """An invalid patch, regardless of the object."""


class PatchConflict(PatchError):  # noqa: N818 - named as what happened
    """A patch that cannot be applied to the object."""
