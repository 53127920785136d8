"""Validation of cron schedules, in the words of the parser that Kubernetes uses."""

from __future__ import annotations

from kschedcore.api.cron import parse_schedule

__all__ = ["schedule_problem"]


def schedule_problem(schedule: str) -> str:
    """What is wrong with ``schedule``, or ``""``: five fields, or a descriptor such as ``@daily``."""
    try:
        parse_schedule(schedule)
    except ValueError as problem:
        return str(problem)
    return ""
