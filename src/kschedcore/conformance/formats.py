"""The kinds of case there are, and which kind a case is.

To add a kind: write a module with a :class:`Format` and list it in :data:`FORMATS`.
"""

from __future__ import annotations

from typing import Protocol

from kschedcore.conformance.controllers import ControllerHistories
from kschedcore.conformance.histories import ApiHistories
from kschedcore.conformance.results import Case, CaseResult
from kschedcore.conformance.scheduler import DECISIONS, TRACE

__all__ = ["FORMATS", "Format", "format_of"]


class Format(Protocol):
    """One kind of recorded case."""

    @property
    def name(self) -> str:
        """What to call it in a message."""
        ...

    @property
    def family_is_id(self) -> bool:
        """Whether a case is a family of its own, named by its ``id``."""
        ...

    def recognises(self, case: Case) -> bool:
        """Whether the case is of this kind, judged by its keys."""
        ...

    def steps(self, case: Case) -> int:
        """How many steps the case has."""
        ...

    def replay(self, case: Case) -> CaseResult:
        """Run the case and compare every step with the recording."""
        ...


FORMATS: tuple[Format, ...] = (ControllerHistories(), ApiHistories(), TRACE, DECISIONS)
"""Every kind of case, the narrower before the wider: the first that recognises a case replays it."""


def format_of(case: Case) -> Format | None:
    """Return the kind of a case, None when it is of no kind known here."""
    return next((each for each in FORMATS if each.recognises(case)), None)
