"""Device taint eviction: pods leave devices whose ``NoExecute`` taints their claims do not tolerate (KEP-5055).

``tolerationSeconds`` counts from the taint's ``timeAdded``.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from datetime import datetime

from kschedcore.api.machinery.conditions import disrupted
from kschedcore.api.machinery.times import later, parse_time
from kschedcore.api.machinery.types import Namespace, Object
from kschedcore.client.informer import Change, key_of
from kschedcore.controllers.controller import Context, Controller, Key, Requeue, Watch, watch_objects

__all__ = ["DeviceTaintEvictionController"]

_CLAIMS, _SLICES = "resourceclaims.resource.k8s.io", "resourceslices.resource.k8s.io"
_BY_POOL = "driver and pool"


class DeviceTaintEvictionController(Controller):
    """Deletes the pods of allocated claims whose devices are tainted."""

    name = "device-taint-eviction-controller"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.informers[_CLAIMS].add_index(_BY_POOL, _pools_of_claim)
        self.informers[_SLICES].add_index(_BY_POOL, _pool_of_slice)

    def watches(self) -> Iterable[Watch]:
        """Return claims, and slices, which concern the claims on their devices."""
        return watch_objects(_CLAIMS), Watch(_SLICES, self._claims_on)

    def _claims_on(self, change: Change) -> Iterable[Key]:
        pools = {
            pool for each in (change.old, change.new) if each is not None for pool in _pool_of_slice(each)
        }
        claims = (claim for pool in pools for claim in self.informers[_CLAIMS].seen_by(_BY_POOL, pool))
        return dict.fromkeys(map(key_of, claims))

    def reconcile(self, key: Key) -> Requeue | None:
        """Evict the pods of one claim, or requeue it for the end of its tolerations."""
        claim = self.informers[_CLAIMS].get(*key)
        if claim is None:
            return None
        due = min(self._ends(claim), default=None)
        if due is None:
            return None
        if due > self.clock.now():
            return Requeue(due, background=True)
        for consumer in claim["status"].get("reservedFor", ()):
            if consumer.get("resource") == "pods" and not consumer.get("apiGroup"):
                self._evict(key[0], consumer)
        return None

    def _ends(self, claim: Object) -> Iterator[datetime]:
        """Yield when the claim no longer tolerates each of the taints of its devices."""
        for result in claim.get("status", {}).get("allocation", {}).get("devices", {}).get("results", ()):
            for taint in self._taints(result):
                end = self._end(taint, result.get("tolerations", ()))
                if end is not None:
                    yield end

    def _taints(self, result: Object) -> list[Object]:
        """Return the ``NoExecute`` taints of an allocated device, by the newest generation of its pool."""
        slices = self.informers[_SLICES].by(_BY_POOL, (result["driver"], result["pool"]))
        newest = max((each["spec"]["pool"].get("generation", 0) for each in slices), default=0)
        return [
            taint
            for each in slices
            if each["spec"]["pool"].get("generation", 0) == newest
            for device in each["spec"].get("devices", ())
            if device["name"] == result["device"]
            for taint in device.get("taints", ())
            if taint.get("effect") == "NoExecute"
        ]

    def _end(self, taint: Object, tolerations: Iterable[Object]) -> datetime | None:
        now = self.clock.now()
        tolerating = next((each for each in tolerations if _tolerates(each, taint)), None)
        if tolerating is None:
            return now
        seconds = tolerating.get("tolerationSeconds")
        return None if seconds is None else later(parse_time(taint.get("timeAdded")) or now, max(0, seconds))

    def _evict(self, namespace: Namespace, consumer: Object) -> None:
        pod = self.informers["pods"].get(namespace, consumer["name"])
        if (
            pod is None
            or pod["metadata"]["uid"] != consumer["uid"]
            or pod["metadata"].get("deletionTimestamp")
        ):
            return
        name, why = pod["metadata"]["name"], "Device Taint manager: deleting due to NoExecute taint"
        message = f"Marking for deletion Pod {namespace}/{name}"
        self.events.event(pod, "Normal", "DeviceTaintManagerEviction", message)
        status = disrupted(pod, "DeletionByDeviceTaintManager", why, self.clock.now())
        self.client.update_status({**pod, "status": status}, "pods")
        self.client.delete("pods", namespace, name, uid=pod["metadata"]["uid"])


def _tolerates(toleration: Object, taint: Object) -> bool:
    if toleration.get("effect") and toleration["effect"] != taint.get("effect"):
        return False
    if toleration.get("key") and toleration["key"] != taint["key"]:
        return False
    exists = toleration.get("operator", "Equal") == "Exists"
    return exists or bool(toleration.get("value", "") == taint.get("value", ""))


def _pools_of_claim(claim: Object) -> Iterable[Hashable]:
    results = claim.get("status", {}).get("allocation", {}).get("devices", {}).get("results", ())
    return dict.fromkeys((each["driver"], each["pool"]) for each in results)


def _pool_of_slice(found: Object) -> Iterable[Hashable]:
    return [(found["spec"]["driver"], found["spec"]["pool"]["name"])]
