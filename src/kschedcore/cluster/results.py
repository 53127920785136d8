"""Results of verbs: the changed object and the line that kubectl prints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kschedcore.api.machinery.confidential import masked
from kschedcore.api.machinery.kinds import kind_by_resource
from kschedcore.cluster.references import display_name

__all__ = ["Result", "Results", "result_of"]


@dataclass(frozen=True, slots=True)
class Result:
    """Result of a verb for one object.

    Attributes:
        object: The object after the change; None when it was deleted.
        message: kubectl's line: ``deployment.apps/web scaled``.
    """

    object: Mapping[str, Any] | None
    message: str

    def __repr__(self) -> str:
        return f"Result(object={masked(self.object)!r}, message={self.message!r})"

    def __str__(self) -> str:
        return self.message


class Results(list[Result]):
    """Results for several objects; as text, one line each."""

    def __str__(self) -> str:
        return "\n".join(map(str, self))


def result_of(resource: str, obj: Mapping[str, Any], what: str) -> Result:
    """Return a result with the message ``deployment.apps/web`` followed by ``what``."""
    return Result(obj, f"{display_name(kind_by_resource(resource), obj['metadata']['name'])} {what}")
