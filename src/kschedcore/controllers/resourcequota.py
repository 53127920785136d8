"""The quota controller: a ResourceQuota's status says what is allowed and what is used.

Admission charges quotas as objects come in; this controller recalculates them from the objects that are
there, which gives back what deletions, failures and refused writes left charged.
"""

from __future__ import annotations

from collections.abc import Iterable

from kschedcore.admission.quota import evaluator_for, quota_usage
from kschedcore.controllers.door import Door, get, items, path_of
from kschedcore.store.admission_types import Resource

__all__ = ["ResourceQuotaController"]

_USER_AGENT = "resourcequota-controller"


class ResourceQuotaController:
    """Keeps ``status.hard`` and ``status.used`` of every ResourceQuota.

    Args:
        door: The API server.
        resources: The namespaced resources that quotas may count.
    """

    def __init__(self, door: Door, resources: Iterable[Resource]) -> None:
        self._door = door
        self._resources = [resource for resource in resources if resource.namespaced]

    def reconcile(self, key: tuple[str, str]) -> bool:
        """Recalculate the quota ``(namespace, name)``; True when its status had to change."""
        namespace, name = key
        path = path_of("v1", "resourcequotas", namespace, name)
        quota = get(self._door, path)
        if quota is None:
            return False
        spec = quota["spec"]
        hard = dict(spec.get("hard", {}))
        objects = {
            resource: items(self._door, path_of(resource.api_version, resource.plural, namespace))
            for resource in self._resources
            if evaluator_for(resource).matching_resources(hard)
        }
        status = {"hard": hard, "used": quota_usage(spec, objects)} if hard else {}
        if quota.get("status", {}) == status:
            return False
        code, _ = self._door.request(
            "PUT", f"{path}/status", {**quota, "status": status}, user_agent=_USER_AGENT
        )
        return code == 200
