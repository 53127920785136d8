"""What replaying recordings came to: per case, and added up per family."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Case", "CaseResult", "Difference", "Family", "StepResult"]

WIDTH = 160
"""Longer values are cut when they are told."""

Case = Mapping[str, Any]
"""One recorded case, as its JSON has it."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that is not as recorded.

    Attributes:
        path: Where in the step, ``rejected.node-1.reasons``.
        expected: The recorded value; None where nothing was recorded.
        found: The value that came out here; None where nothing did.
    """

    path: str
    expected: object
    found: object

    def __str__(self) -> str:
        return f"{self.path}: expected {_short(self.expected)}, found {_short(self.found)}"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= WIDTH else f"{text[: WIDTH - 1]}…"


@dataclass(frozen=True, slots=True)
class StepResult:
    """One step of a case, compared.

    Attributes:
        name: Which step it is.
        differences: Where it is not as recorded.
        aspects: Parts of the step that are counted apart, by name: whether each is as recorded. Every step of
            a kind has the same ones.
    """

    name: str
    differences: Sequence[Difference] = ()
    aspects: Mapping[str, bool] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether nothing differs."""
        return not self.differences


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One case: its steps, or the error that ended it early (which fails all that follow)."""

    steps: int
    results: Sequence[StepResult]
    error: str | None = None

    @property
    def steps_passed(self) -> int:
        """How many steps came out as recorded."""
        return sum(result.passed for result in self.results)

    @property
    def passed(self) -> bool:
        """Whether every step came out as recorded and no error ended the case."""
        return self.error is None and self.steps_passed == self.steps

    def problems(self) -> list[str]:
        """What went wrong, a line for each differing value, in order."""
        lines = [
            f"step {number} ({result.name}): {difference}"
            for number, result in enumerate(self.results, start=1)
            for difference in result.differences
        ]
        return lines if self.error is None else [*lines, self.error]


@dataclass(slots=True)
class Family:
    """Cases that belong together, counted.

    Attributes:
        name: The stem of the file they came from; for a trace, its own id.
        cases: How many cases there are, and of these ``cases_passed`` pass.
        steps: How many steps they have, and of these ``steps_passed`` pass.
        aspects: Of the steps, how many agree in each part that is counted apart.
        seconds: How long replaying them took.
        problems: The first lines that say what differs, each naming its case.
    """

    name: str
    cases: int = 0
    cases_passed: int = 0
    steps: int = 0
    steps_passed: int = 0
    aspects: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)

    def add(self, case_id: str, result: CaseResult, seconds: float, *, show: int) -> None:
        """Count one case, keeping at most ``show`` lines of problems for the whole family."""
        self.cases += 1
        self.cases_passed += result.passed
        self.steps += result.steps
        self.steps_passed += result.steps_passed
        for step in result.results:
            self.aspects.update({aspect: int(agrees) for aspect, agrees in step.aspects.items()})
        self.seconds += seconds
        room = show - len(self.problems)
        if not result.passed and room > 0:
            self.problems += [f"{case_id}: {problem}" for problem in result.problems()[:room]]

    def counts(self) -> dict[str, int]:
        """Return the counts under the names they have in ``-o json``."""
        return {
            "cases": self.cases,
            "cases_passed": self.cases_passed,
            "steps": self.steps,
            "steps_passed": self.steps_passed,
            **self.aspects,
        }
