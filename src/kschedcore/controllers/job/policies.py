"""Early ends of Jobs: ``podFailurePolicy`` (KEP-3329) and ``successPolicy`` (KEP-3998)."""

from __future__ import annotations

from dataclasses import dataclass

from kschedcore.api.completion_indexes import parse_indexes
from kschedcore.api.machinery.types import Object

__all__ = ["Verdict", "failure_verdict", "succeeds_early"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of ``podFailurePolicy`` for a failed pod.

    Attributes:
        action: ``FailJob``, ``FailIndex``, ``Ignore`` or ``Count``.
        message: The message of the Job's condition, for ``FailJob``.
    """

    action: str
    message: str = ""


_COUNT = Verdict("Count")


def failure_verdict(job: Object, pod: Object) -> Verdict:
    """Return the result of the first rule of ``podFailurePolicy`` that matches a failed pod; ``Count`` without one."""
    for number, rule in enumerate((job["spec"].get("podFailurePolicy") or {}).get("rules", ())):
        why = _on_exit_codes(rule, pod) if rule.get("onExitCodes") else _on_conditions(rule, pod)
        if why:
            return Verdict(rule["action"], f"{why} matching {rule['action']} rule at index {number}")
    return _COUNT


def _on_exit_codes(rule: Object, pod: Object) -> str:
    wanted, status = rule["onExitCodes"], pod.get("status", {})
    name, values = wanted.get("containerName"), wanted.get("values", ())
    for each in [*status.get("containerStatuses", ()), *status.get("initContainerStatuses", ())]:
        code = each.get("state", {}).get("terminated", {}).get("exitCode")
        # A container that succeeded matches no requirement on exit codes.
        if not code or (name is not None and each["name"] != name):
            continue
        if (code in values) == (wanted["operator"] == "In"):
            metadata = pod["metadata"]
            return (
                f"Container {each['name']} for pod {metadata['namespace']}/{metadata['name']} failed with "
                f"exit code {code}"
            )
    return ""


def _on_conditions(rule: Object, pod: Object) -> str:
    conditions = {each["type"]: each["status"] for each in pod.get("status", {}).get("conditions", ())}
    for pattern in rule.get("onPodConditions", ()):
        if conditions.get(pattern["type"]) == pattern.get("status", "True"):
            metadata = pod["metadata"]
            return f"Pod {metadata['namespace']}/{metadata['name']} has condition {pattern['type']}"
    return ""


def succeeds_early(job: Object, succeeded: set[int]) -> str:
    """Return the message of the first rule of ``successPolicy`` that is met; empty if there is none."""
    completions = job["spec"].get("completions", 0)
    for number, rule in enumerate((job["spec"].get("successPolicy") or {}).get("rules", ())):
        named = rule.get("succeededIndexes")
        wanted = succeeded if named is None else succeeded & parse_indexes(named, completions)
        enough = rule.get("succeededCount")
        if enough is None:
            enough = len(parse_indexes(named or "", completions))
        if enough and len(wanted) >= enough:
            return f"Matched rules at index {number}"
    return ""
