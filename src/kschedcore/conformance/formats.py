"""The formats of recorded cases, and which format a case has.

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
        """Whether a case is a family of its own, named by its ``id``."""
        ...

    def recognises(self, case: Case) -> bool:
        """Whether the case's keys are those of this format."""
        ...

    def steps(self, case: Case) -> int:
        """How many steps the case has."""
        ...

    def replay(self, case: Case) -> CaseResult:
        """Run the case and compare every step with the recording."""
        ...


FORMATS: tuple[Format, ...] = (ControllerHistories(), ApiHistories(), TRACE, DECISIONS)
"""Every format, the narrower before the wider: the first that recognises a case replays it."""


def format_of(case: Case) -> Format | None:
    """Return the format of a case, or None if no format recognises it."""
    return next((each for each in FORMATS if each.recognises(case)), None)
