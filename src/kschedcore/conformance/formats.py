"""The formats of recorded cases, and detection of a case's format.

To add a format: write a module with a :class:`Format` and list it in :data:`FORMATS`.
"""

from __future__ import annotations

from typing import Protocol

from kschedcore.conformance.controllers import ControllerHistories
from kschedcore.conformance.histories import ApiHistories
from kschedcore.conformance.results import Case, CaseResult
from kschedcore.conformance.scheduler import DECISIONS, TRACE

__all__ = ["FORMATS", "Format", "format_of"]


class Format(Protocol):
    """A format of recorded cases."""

    @property
    def name(self) -> str:
        """The format's name in messages."""
        ...

    @property
    def family_is_id(self) -> bool:
        """Whether each case is a family, named by its ``id``."""
        ...

    def recognises(self, case: Case) -> bool:
        """Return whether the case's keys are those of this format."""
        ...

    def steps(self, case: Case) -> int:
        """Return the number of steps of the case."""
        ...

    def replay(self, case: Case) -> CaseResult:
        """Run the case and compare every step with the recording."""
        ...


FORMATS: tuple[Format, ...] = (ControllerHistories(), ApiHistories(), TRACE, DECISIONS)
"""All formats, the more specific first: the first that recognises a case replays it."""


def format_of(case: Case) -> Format | None:
    """Return the format of a case, or None if no format recognises it."""
    return next((each for each in FORMATS if each.recognises(case)), None)
