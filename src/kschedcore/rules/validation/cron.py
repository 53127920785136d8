"""Validation of cron schedules, with the messages of Kubernetes' parser."""

from __future__ import annotations

from kschedcore.api.cron import parse_schedule

__all__ = ["schedule_problem"]


def schedule_problem(schedule: str) -> str:
    """Return the error of a schedule (five fields, or a descriptor such as ``@daily``), or ``""``."""
    try:
        parse_schedule(schedule)
    except ValueError as problem:
        return str(problem)
    return ""
