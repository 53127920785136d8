"""The quota controller: recalculates the usage in the status of ResourceQuotas.

Admission charges quotas when objects are created; this controller recalculates them from the existing objects, which
releases the charges of deleted and finished objects and refused writes.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from kschedcore.api.machinery.kinds import resources
from kschedcore.api.machinery.times import later, parse_time
from kschedcore.api.machinery.types import Namespace, Object
from kschedcore.api.phases import has_ended
from kschedcore.client.informer import Change, Informers, key_of
from kschedcore.controllers.controller import Controller, Key, Requeue, Watch, watch_objects
from kschedcore.rules.admission.quota import evaluator_for, quota_usage

__all__ = ["ResourceQuotaController"]

RESYNC = timedelta(minutes=5)
"""Interval at which every quota is recalculated (``--resource-quota-sync-period``)."""


class _Informed:
    """Reads objects from informers (:class:`kschedcore.rules.admission.device_quota.Lookup`)."""

    def __init__(self, informers: Informers) -> None:
        self._informers = informers

    def get(self, resource: str, namespace: Namespace, name: str) -> Object | None:
        return self._informers[resource].get(namespace, name)

    def list(self, resource: str, namespace: Namespace | None = None) -> Iterable[Object]:
        informer = self._informers[resource]
        return informer.all() if namespace is None else informer.in_namespace(namespace)


class ResourceQuotaController(Controller):
    """Keeps ``status.hard`` and ``status.used`` of every ResourceQuota."""

    name = "resourcequota-controller"

    @property
    def _lookup(self) -> _Informed:
        return _Informed(self.informers)

    def watches(self) -> Iterable[Watch]:
        """Return quotas, and objects whose deletion or end releases usage."""
        yield watch_objects("resourcequotas")
        # Read to count claims of devices; a quota follows a changed class at its next recalculation.
        yield Watch("deviceclasses.resource.k8s.io", lambda _: ())
        for resource in resources(namespaced=True):
            yield Watch(resource.qualified, self._replenished)

    def _replenished(self, change: Change) -> Iterable[Key]:
        if not _gives_back(change):
            return ()
        quotas = self.informers["resourcequotas"].seen_by("namespace", change.object["metadata"]["namespace"])
        return [key_of(quota) for quota in quotas]

    def reconcile(self, key: Key) -> Requeue | None:
        """Recalculate one quota."""
        namespace, name = key
        quota = self.informers["resourcequotas"].get(namespace, name)
        if quota is None:
            return None
        spec = quota["spec"]
        hard = dict(spec.get("hard", {}))
        objects = {
            resource: self.informers[resource.qualified].in_namespace(namespace)
            for resource in resources(namespaced=True)
            if evaluator_for(resource, self._lookup).matching_resources(hard)
        }
        now = self.clock.now()
        objects = {
            resource: [obj for obj in found if resource.qualified != "pods" or not _is_lost(obj, now)]
            for resource, found in objects.items()
        }
        status = {"hard": hard, "used": quota_usage(spec, objects, self._lookup)} if hard else {}
        if quota.get("status", {}) != status:
            self.client.update_status({**quota, "status": status}, "resourcequotas")
        return Requeue(self.clock.now() + RESYNC, background=True)


def _is_lost(pod: Object, now: datetime) -> bool:
    """Return whether a pod is past its grace period, as on a lost node (``QuotaV1Pod``)."""
    metadata = pod["metadata"]
    deleted, grace = parse_time(metadata.get("deletionTimestamp")), metadata.get("deletionGracePeriodSeconds")
    return deleted is not None and grace is not None and now > later(deleted, grace)


def _gives_back(change: Change) -> bool:
    """Return whether the object was deleted, or is a finished pod."""
    if change.new is None:
        return True
    return (
        change.new.get("kind") == "Pod"
        and has_ended(change.new)
        and not (change.old and has_ended(change.old))
    )
