"""Served resources: group, version, kind and plural."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

__all__ = ["Resource"]


@dataclass(frozen=True)
class Resource:
    """A served resource: ``Resource("apps", "v1", "Deployment", "deployments")``; core is ``""``."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool = True

    @cached_property
    def api_version(self) -> str:
        """``apps/v1``, or ``v1`` for the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @cached_property
    def qualified(self) -> str:
        """``deployments.apps``, or ``pods`` for the core group, as in error messages."""
        return f"{self.plural}.{self.group}" if self.group else self.plural
