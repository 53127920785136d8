"""What a configuration may call labels and resources, in apimachinery's words."""

from __future__ import annotations

from kschedcore.api import labels


def label_name_problems(name: str) -> list[str]:
    """What is wrong with a label key; nothing for a good one."""
    return list(labels.is_qualified_name(name))


def label_value_problems(value: str) -> list[str]:
    """What is wrong with a label value; nothing for a good one."""
    return list(labels.is_label_value(value))


def extended_resource_problems(name: str) -> list[str]:
    """What is wrong with the name of an extended resource (``v1helper.IsExtendedResourceName``)."""
    problems = label_name_problems(name)
    if problems:
        return problems
    native = "/" not in name or "kubernetes.io/" in name
    if native or name.startswith("requests.") or label_name_problems(f"requests.{name}"):
        return ["is an invalid extended resource name"]
    return []
