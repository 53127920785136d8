"""Preparation of new and changed objects besides defaulting (``PrepareForCreate``, ``PrepareForUpdate``).

One module per group of kinds, each exporting ``CREATE`` (kind -> a function that completes a new object in place) and
``UPDATE`` (the same with the old object as a second argument). Steps that need the store, such as the allocation of
addresses, are in the API server (:mod:`kschedcore.apiserver.strategies`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kschedcore.rules.preparation import gated, jobs, pods, services, volumes, workloads

__all__ = ["PREPARE_CREATE", "PREPARE_SELDOM", "PREPARE_UPDATE", "prepare_create"]

PREPARE_CREATE: dict[str, Callable[[dict[str, Any]], None]] = {
    **gated.CREATE,
    **jobs.CREATE,
    **pods.CREATE,
    **services.CREATE,
    **volumes.CREATE,
    **workloads.CREATE,
}
PREPARE_UPDATE: dict[str, Callable[[dict[str, Any], dict[str, Any]], None]] = {
    **gated.UPDATE,
    **services.UPDATE,
    **volumes.UPDATE,
    **workloads.UPDATE,
}
PREPARE_SELDOM: dict[str, Callable[[dict[str, Any]], bool]] = {**gated.SELDOM, **volumes.SELDOM}
"""Kind -> whether preparation may change an object's fields that a writer manages, where it seldom does."""


def prepare_create(kind: str, obj: dict[str, Any]) -> None:
    """Complete a new, defaulted object of ``kind`` (``Job``), in place; other kinds are unchanged."""
    prepare = PREPARE_CREATE.get(kind)
    if prepare is not None:
        prepare(obj)
