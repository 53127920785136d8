"""Defaults of Job and CronJob (``batch/v1``)."""

from __future__ import annotations

from typing import Any

from kschedcore.rules.defaults.pods import default_pod_template

__all__ = ["DEFAULTS"]

_MAX_INT32 = (1 << 31) - 1


def _job(obj: dict[str, Any]) -> None:
    spec = obj["spec"]
    default_pod_template(spec["template"])
    if "completions" not in spec and "parallelism" not in spec:
        spec["completions"] = 1
    spec.setdefault("parallelism", 1)
    spec.setdefault("backoffLimit", _MAX_INT32 if "backoffLimitPerIndex" in spec else 6)
    labels = spec["template"]["metadata"].get("labels")
    if labels and not obj["metadata"].get("labels"):
        # The same map, not a copy: labels that are added to a new job's template later are in both.
        obj["metadata"]["labels"] = labels
    spec.setdefault("completionMode", "NonIndexed")
    spec.setdefault("suspend", False)
    spec.setdefault("manualSelector", False)
    replacement = "Failed" if "podFailurePolicy" in spec else "TerminatingOrFailed"
    spec.setdefault("podReplacementPolicy", replacement)
    for rule in spec.get("podFailurePolicy", {}).get("rules") or ():
        for pattern in rule.get("onPodConditions", ()):
            pattern["status"] = pattern.get("status") or "True"


def _cron_job(obj: dict[str, Any]) -> None:
    spec = obj["spec"]
    default_pod_template(spec["jobTemplate"]["spec"]["template"])
    spec.setdefault("concurrencyPolicy", "Allow")
    spec.setdefault("suspend", False)
    spec.setdefault("successfulJobsHistoryLimit", 3)
    spec.setdefault("failedJobsHistoryLimit", 1)


DEFAULTS = {"Job": _job, "CronJob": _cron_job}
