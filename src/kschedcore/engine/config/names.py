"""Validation of label keys and resource names in a configuration, with apimachinery's messages."""

from __future__ import annotations

from collections.abc import Iterator

from kschedcore.api.labels import is_qualified_name
from kschedcore.api.machinery.field_errors import FieldError, invalid


def label_name_errors(name: str, path: str) -> Iterator[FieldError]:
    """Yield the errors of a label key."""
    for problem in is_qualified_name(name):
        yield invalid(path, name, problem)


def extended_resource_problems(name: str) -> list[str]:
    """Return the errors of the name of an extended resource (``v1helper.IsExtendedResourceName``)."""
    problems = list(is_qualified_name(name))
    if problems:
        return problems
    native = "/" not in name or "kubernetes.io/" in name
    if native or name.startswith("requests.") or list(is_qualified_name(f"requests.{name}")):
        return ["is an invalid extended resource name"]
    return []
