"""ResourceQuota: charges the quotas of a namespace before an object is stored, all or none."""

from __future__ import annotations

from typing import Any

from kschedcore.api.machinery.status import StatusError
from kschedcore.api.quantity import Quantity
from kschedcore.apiserver.admission.plugins.base import BasePlugin, refused, resizes
from kschedcore.apiserver.admission.types import AdmissionRequest, ObjectReader, Operation
from kschedcore.rules.admission.quota import (
    Evaluator,
    evaluator_for,
    exceeded_problem,
    missing_problem,
    quota_matches,
)
from kschedcore.rules.amounts import ResourceList, added, parse

__all__ = ["ResourceQuota"]

_ATTEMPTS = 3


class ResourceQuota(BasePlugin):
    """Refuses (403) objects that exceed a quota, and charges quotas.

    A quota is enforced once its status has ``hard``: the quota controller copies ``spec.hard`` there, and later
    releases the usage of deleted and finished objects.

    Args:
        reader: Where quotas are stored, and what they are counted by.
        extended_resources: Whether claims count as the extended resources that device classes back (KEP-5004).
    """

    subresources = ("", "resize")

    def __init__(self, reader: ObjectReader, *, extended_resources: bool = True) -> None:
        self._reader = reader
        self._lookup = reader if extended_resources else None

    def review(self, request: AdmissionRequest) -> None:
        """Check all quotas of the namespace, then charge them."""
        if not request.namespace or not self._reader.list("resourcequotas", request.namespace):
            return
        resize = resizes(request) is not None
        if (request.subresource and not resize) or request.object is None:
            return
        evaluator = evaluator_for(request.resource, self._lookup)
        updates = request.operation is Operation.UPDATE
        if updates and not (resize or evaluator.charges_updates):
            return
        if request.operation not in (Operation.CREATE, Operation.UPDATE):
            return
        for _ in range(_ATTEMPTS):
            charges = self._charges(request, evaluator)
            if request.dry_run or self._charge(charges):
                return
        raise StatusError(
            500, "InternalError", "Internal error occurred: resource quota status changed too often"
        )

    def _charges(
        self, request: AdmissionRequest, evaluator: Evaluator
    ) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """Return the quotas to charge, each with its charged version; raises if one refuses."""
        obj = request.object or {}
        concerned = []
        for quota in self._reader.list("resourcequotas", request.namespace):
            hard = quota["status"].get("hard", {})
            names = evaluator.matching_resources(hard)
            if not names or not quota_matches(quota["spec"], obj, evaluator):
                continue
            if why := missing_problem(quota["metadata"]["name"], names, obj, evaluator):
                raise refused(request, why)
            unknown = [name for name in names if name not in quota["status"].get("used", {})]
            if unknown:
                name = quota["metadata"]["name"]
                why = f"status unknown for quota: {name}, resources: {','.join(sorted(unknown))}"
                raise refused(request, why)
            concerned.append(quota)
        delta = _delta(request, evaluator) if concerned else {}
        charged = [(quota, _charged(request, quota, delta)) for quota in concerned]
        return [(quota, new) for quota, new in charged if new is not quota]

    def _charge(self, charges: list[tuple[dict[str, Any], dict[str, Any]]]) -> bool:
        """Write all charges, or roll back those written if a quota has changed meanwhile."""
        written: list[dict[str, Any]] = []
        for quota, charged in charges:
            if not self._reader.replace_status("resourcequotas", charged):
                for before in written:
                    self._refund(before)
                return False
            written.append(quota)
        return True

    def _refund(self, before: dict[str, Any]) -> None:
        metadata = before["metadata"]
        current = self._reader.get("resourcequotas", metadata["namespace"], metadata["name"])
        if current is not None:
            status = {**current["status"], "used": before["status"].get("used", {})}
            self._reader.replace_status("resourcequotas", {**current, "status": status})


def _delta(request: AdmissionRequest, evaluator: Evaluator) -> ResourceList:
    """Return the usage that the request adds; usage released by an update is left to the quota controller."""
    zero = Quantity.parse("0")
    usage = evaluator.usage(request.object or {})
    if request.old_object is not None:
        before = evaluator.usage(request.old_object)
        usage = {name: q - before[name] if name in before else q for name, q in usage.items()}
    return {name: quantity for name, quantity in usage.items() if quantity > zero}


def _charged(request: AdmissionRequest, quota: dict[str, Any], delta: ResourceList) -> dict[str, Any]:
    status = quota["status"]
    hard, used = parse(status.get("hard", {})), parse(status.get("used", {}))
    requested = {name: quantity for name, quantity in delta.items() if name in hard}
    if why := exceeded_problem(quota["metadata"]["name"], hard, used, requested):
        raise refused(request, why)
    if not requested:
        return quota
    total = added(used, requested)
    return {**quota, "status": {**status, "used": {name: str(q) for name, q in total.items()}}}
