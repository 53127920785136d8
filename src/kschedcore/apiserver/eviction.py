"""Eviction: deletion of a pod if its disruption budget allows (``pods/eviction``, ``policy/v1``)."""

from __future__ import annotations

from typing import Any

from kschedcore.api.machinery.resources import Resource
from kschedcore.api.machinery.status import StatusError, forbidden
from kschedcore.apiserver.admission.types import ObjectReader
from kschedcore.rules.validation.common import read_selector

__all__ = ["admit_eviction"]

_BUDGETS = Resource("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets")
_VIOLATES = "Cannot evict pod as it would violate the pod's disruption budget."
_SEVERAL = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
# Maximum number of evictions that the controller has not processed yet.
_MAX_DISRUPTED_PODS = 2000
_RETRY_AFTER_SECONDS = 10


def admit_eviction(reader: ObjectReader, pod: dict[str, Any], now: str, *, dry_run: bool = False) -> None:
    """Charge the eviction of ``pod`` to its budget.

    Args:
        reader: The store, in which the budget's status is written.
        pod: The stored pod.
        now: The time of the eviction, RFC 3339, which is recorded in the budget.
        dry_run: Whether to check only, without a write.

    Raises:
        StatusError: 429 if the budget allows no disruption or is not up to date, 500 if several budgets select the
            pod, 403 if the budget is invalid.
    """
    metadata = pod["metadata"]
    if _needs_no_budget(pod):
        return
    budgets = [
        budget
        for budget in reader.list(_BUDGETS.qualified, metadata["namespace"])
        if read_selector(budget["spec"].get("selector")).matches(metadata.get("labels", {}))
    ]
    if len(budgets) > 1:
        raise StatusError(500, "", _SEVERAL)
    for budget in budgets:
        if not _is_unhealthy_evictable(pod, budget):
            _charge(reader, budget, metadata["name"], now, dry_run)


def _needs_no_budget(pod: dict[str, Any]) -> bool:
    """Return whether the pod is not running, or is terminating already."""
    ended = pod["status"].get("phase") in ("Succeeded", "Failed", "Pending")
    return ended or bool(pod["metadata"].get("deletionTimestamp"))


def _is_unhealthy_evictable(pod: dict[str, Any], budget: dict[str, Any]) -> bool:
    """Return whether an unhealthy pod may be evicted without a charge (KEP-3017)."""
    if any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", ())):
        return False
    if budget["spec"].get("unhealthyPodEvictionPolicy") == "AlwaysAllow":
        return True
    desired = budget["status"].get("desiredHealthy", 0)
    return bool(budget["status"].get("currentHealthy", 0) >= desired > 0)


def _charge(reader: ObjectReader, budget: dict[str, Any], pod: str, now: str, dry_run: bool) -> None:
    name, status = budget["metadata"]["name"], budget["status"]
    if status.get("observedGeneration", 0) < budget["metadata"].get("generation", 0):
        why = f"The disruption budget {name} is still being processed by the server."
        raise _too_many(why, _RETRY_AFTER_SECONDS)
    allowed = status.get("disruptionsAllowed", 0)
    if allowed < 0:
        raise forbidden(_BUDGETS, name, "pod disruption budget is negative")
    disrupted = status.get("disruptedPods", {})
    if len(disrupted) > _MAX_DISRUPTED_PODS:
        why = "DisruptedPods map too big - too many evictions not confirmed by PDB controller"
        raise forbidden(_BUDGETS, name, why)
    if allowed == 0:
        raise _too_many(f"The disruption budget {name} {_why_none(status)}")
    if dry_run:
        return
    charged = {**status, "disruptionsAllowed": allowed - 1, "disruptedPods": {**disrupted, pod: now}}
    if not reader.replace_status(_BUDGETS.qualified, {**budget, "status": charged}):
        raise _too_many(f"The disruption budget {name} is still being processed by the server.")


def _why_none(status: dict[str, Any]) -> str:
    """Return the message why a budget allows no disruption (``checkAndDecrement``)."""
    conditions = status.get("conditions", ())
    failed = [c for c in conditions if c["type"] == "DisruptionAllowed" and c.get("reason") == "SyncFailed"]
    needs, has = status.get("desiredHealthy", 0), status.get("currentHealthy", 0)
    if failed and failed[0]["status"] == "False":
        return f"does not allow evicting pods currently because it failed sync: {failed[0]['message']}"
    if has <= needs:
        return f"needs {needs} healthy pods and has {has} currently"
    return "does not allow evicting pods currently"


def _too_many(why: str, retry_after: int = 0) -> StatusError:
    details: dict[str, Any] = {"causes": [{"reason": "DisruptionBudget", "message": why}]}
    if retry_after:
        details["retryAfterSeconds"] = retry_after
    return StatusError(429, "TooManyRequests", _VIOLATES, details)
