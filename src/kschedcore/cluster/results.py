"""What a verb answers: the object as it is now, and the line that kubectl would print."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kschedcore.api.machinery.kinds import kind_by_resource
from kschedcore.cluster.references import display_name

__all__ = ["Result", "Results", "told"]


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one object.

    Attributes:
        object: The object after it; None where it is gone.
        message: kubectl's line: ``deployment.apps/web scaled``.
    """

    object: Mapping[str, Any] | None
    message: str

    def __str__(self) -> str:
        return self.message


class Results(list[Result]):
    """What became of several objects; as text, a line each."""

    def __str__(self) -> str:
        return "\n".join(map(str, self))


def told(resource: str, obj: Mapping[str, Any], what: str) -> Result:
    """``deployment.apps/web`` and what happened to it."""
    return Result(obj, f"{display_name(kind_by_resource(resource), obj['metadata']['name'])} {what}")
