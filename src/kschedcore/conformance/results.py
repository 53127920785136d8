"""Results of replaying recordings, per case and per family."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Case", "CaseResult", "Difference", "Family", "StepResult"]

WIDTH = 160
"""Longer values are cut in messages."""

Case = Mapping[str, Any]
"""One recorded case, as JSON-shaped data."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that differs from the recording.

    Attributes:
        path: The path in the step, ``rejected.node-1.reasons``.
        expected: The recorded value; None if there is none.
        found: The computed value; None if there is none.
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
        name: A label of the step, such as its pod.
        differences: The values that differ from the recording.
        aspects: Aspect -> whether it agrees with the recording. Aspects are counted separately, and the same for every
            step of a format.
    """

    name: str
    differences: Sequence[Difference] = ()
    aspects: Mapping[str, bool] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether the step agrees with the recording."""
        return not self.differences


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One case: its steps, or the error that ended it early (which fails all that follow)."""

    steps: int
    results: Sequence[StepResult]
    error: str | None = None

    @property
    def steps_passed(self) -> int:
        """Number of steps that agree with the recording."""
        return sum(result.passed for result in self.results)

    @property
    def passed(self) -> bool:
        """Whether every step agrees with the recording and no error ended the case."""
        return self.error is None and self.steps_passed == self.steps

    def problems(self) -> list[str]:
        """Return a line for each differing value, in order, then the error that ended the case."""
        lines = [
            f"step {number} ({result.name}): {difference}"
            for number, result in enumerate(self.results, start=1)
            for difference in result.differences
        ]
        return lines if self.error is None else [*lines, self.error]


@dataclass(slots=True)
class Family:
    """Counts of the cases of one file, or of one trace.

    Attributes:
        name: The stem of the file; the case's id for a trace.
        cases: Number of cases, of which ``cases_passed`` pass.
        steps: Number of steps, of which ``steps_passed`` pass.
        aspects: Aspect -> number of steps that agree in it.
        seconds: Duration of the replay.
        problems: The first differences, each naming its case.
        version: The version of Kubernetes that was recorded, ``1.36``; empty if unknown.
    """

    name: str
    cases: int = 0
    cases_passed: int = 0
    steps: int = 0
    steps_passed: int = 0
    aspects: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)
    version: str = ""

    def add(self, case_id: str, result: CaseResult, seconds: float, *, show: int) -> None:
        """Count one case, keeping at most ``show`` lines of problems for the whole family."""
        self.cases += 1
        self.cases_passed += result.passed
        self.steps += result.steps
        self.steps_passed += result.steps_passed
        for step in result.results:
            self.aspects.update({aspect: int(agrees) for aspect, agrees in step.aspects.items()})
        self.seconds += seconds
        left = show - len(self.problems)
        if not result.passed and left > 0:
            self.problems += [f"{case_id}: {problem}" for problem in result.problems()[:left]]

    def counts(self) -> dict[str, int]:
        """Return the counts, with the names that ``-o json`` prints."""
        return {
            "cases": self.cases,
            "cases_passed": self.cases_passed,
            "steps": self.steps,
            "steps_passed": self.steps_passed,
            **self.aspects,
        }
