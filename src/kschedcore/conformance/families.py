"""Families of controller histories that were recorded without node agents and scheduler.

A family is a set of controllers and an observation of their results: endpoints, disruption budgets, garbage
collection, taint eviction, and the binding of volumes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from kschedcore.api.machinery.types import Namespace, Object
from kschedcore.client.informer import Informers
from kschedcore.conformance.clusters import RecordedCluster
from kschedcore.controllers.controller import Controller, Watch
from kschedcore.controllers.disruption import DisruptionController
from kschedcore.controllers.endpoints import EndpointsController
from kschedcore.controllers.endpointslice import EndpointSliceController
from kschedcore.controllers.garbagecollector import GarbageCollector
from kschedcore.controllers.namespace import NamespaceController
from kschedcore.controllers.persistentvolume.binder import PersistentVolumeController
from kschedcore.controllers.serviceaccount import ServiceAccountController
from kschedcore.controllers.tainteviction import TaintEvictionController
from kschedcore.controllers.volumeprotection import ClaimProtectionController, VolumeProtectionController

__all__ = ["Requests", "family_of"]

_SETTLING = timedelta(minutes=1)
_ROUND_TRIP = timedelta(milliseconds=10)
_SERVICE = "kubernetes.io/service-name"
_MANAGER = "endpointslice.kubernetes.io/managed-by"
_HEADLESS = "service.kubernetes.io/headless"


class _PodTaintEviction(TaintEvictionController):
    """Taint eviction that only reconciles pods that change.

    The node lifecycle controller, which did not run, adds the index by which Kubernetes' controller finds the
    pods of a node; without the index a change of a node's taints reaches none of its pods.
    """

    def watches(self) -> Iterable[Watch]:
        """Return pods only."""
        return [watched for watched in super().watches() if watched.resource == "pods"]


@dataclass(frozen=True, slots=True)
class Family:
    """One family of histories.

    Attributes:
        controllers: The controllers that ran, besides those of every family.
        observe: Returns the observation of a namespace.
    """

    controllers: tuple[type[Controller], ...]
    observe: Callable[[Informers, Namespace], dict[str, Any]]


class Requests(RecordedCluster):
    """A cluster without node agents and scheduler.

    Args:
        namespace: The namespace that is observed.
        family: The family.
    """

    def __init__(self, namespace: Namespace, family: Family) -> None:
        always = (NamespaceController, ServiceAccountController)
        super().__init__(namespace, [*always, *family.controllers], _SETTLING)
        self._family = family
        self.settle()

    def request(self, request: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        """Send a recorded request; controllers notice its effect before the next one is sent."""
        response = super().request(request)
        self.wait(_ROUND_TRIP)
        return response

    def observation(self) -> dict[str, Any]:
        """Return the observation of the family."""
        return self._family.observe(self.plane.informers, self.namespace)


def family_of(observed: Mapping[str, Any]) -> Family | None:
    """Return the family that makes such observations; None when it is that of the workload controllers."""
    for key, family in _FAMILIES.items():
        if key in observed:
            return family
    return _TAINTS if isinstance(observed.get("pods"), list) else None


def _endpoints(informers: Informers, namespace: Namespace) -> dict[str, Any]:
    slices = informers["endpointslices.discovery.k8s.io"].in_namespace(namespace)
    endpoints = informers["endpoints"].in_namespace(namespace)
    return {
        "endpointSlices": sorted(map(_slice, slices), key=str),
        "endpoints": {each["metadata"]["name"]: _subsets(each) for each in endpoints},
    }


def _slice(found: Object) -> dict[str, Any]:
    labels = found["metadata"].get("labels", {})
    return {
        "service": labels.get(_SERVICE),
        "managedBy": labels.get(_MANAGER),
        "headless": _HEADLESS in labels,
        "addressType": found["addressType"],
        "ports": list(found.get("ports") or ()),
        "endpoints": sorted(map(_endpoint, found.get("endpoints") or ()), key=str),
    }


def _endpoint(found: Object) -> dict[str, Any]:
    kept: dict[str, Any] = {
        key: found[key] for key in ("addresses", "conditions", "nodeName", "hostname") if key in found
    }
    return {**kept, "pod": found.get("targetRef", {}).get("name")}


def _subsets(endpoints: Object) -> list[dict[str, Any]]:
    return [
        {
            key: [each["ip"] for each in subset[key]] if key != "ports" else list(subset[key])
            for key in ("addresses", "notReadyAddresses", "ports")
            if subset.get(key)
        }
        for subset in endpoints.get("subsets", ())
    ]


def _disruption(informers: Informers, namespace: Namespace) -> dict[str, Any]:
    budgets = informers["poddisruptionbudgets.policy"].in_namespace(namespace)
    return {
        "budgets": {each["metadata"]["name"]: _budget(each) for each in budgets},
        "pods": sorted(pod["metadata"]["name"] for pod in informers["pods"].in_namespace(namespace)),
    }


def _budget(budget: Object) -> dict[str, Any]:
    status = budget.get("status", {})
    kept = ("currentHealthy", "desiredHealthy", "disruptionsAllowed", "expectedPods")
    return {
        "conditions": sorted(
            [each["type"], each["status"], each["reason"]] for each in status.get("conditions", ())
        ),
        "disrupted": sorted(status.get("disruptedPods", {})),
        **{key: status[key] for key in kept if key in status},
    }


def _garbage(informers: Informers, namespace: Namespace) -> dict[str, Any]:
    found = informers["configmaps"].in_namespace(namespace)
    return {"configMaps": {each["metadata"]["name"]: _config_map(each) for each in found}}


def _config_map(config_map: Object) -> dict[str, Any]:
    metadata = config_map["metadata"]
    return {
        "deleting": "deletionTimestamp" in metadata,
        "finalizers": sorted(metadata.get("finalizers", ())),
        "owners": sorted(each["name"] for each in metadata.get("ownerReferences", ())),
    }


def _taints(informers: Informers, namespace: Namespace) -> dict[str, Any]:
    pods = (pod["metadata"] for pod in informers["pods"].in_namespace(namespace))
    return {"pods": sorted(pod["name"] for pod in pods if "deletionTimestamp" not in pod)}


def _volumes(informers: Informers, namespace: Namespace) -> dict[str, Any]:
    claims = informers["persistentvolumeclaims"].in_namespace(namespace)
    volumes = informers["persistentvolumes"].all()
    return {
        "claims": {
            each["metadata"]["name"]: {
                "deleting": "deletionTimestamp" in each["metadata"],
                "phase": each.get("status", {}).get("phase"),
                "volume": each["spec"].get("volumeName", "").removeprefix(namespace),
            }
            for each in claims
        },
        "volumes": {
            each["metadata"]["name"].removeprefix(namespace): {
                "claim": each["spec"].get("claimRef", {}).get("name"),
                "deleting": "deletionTimestamp" in each["metadata"],
                "phase": each.get("status", {}).get("phase"),
            }
            for each in volumes
        },
    }


_TAINTS = Family((_PodTaintEviction,), _taints)
_FAMILIES = {
    "endpointSlices": Family((EndpointsController, EndpointSliceController), _endpoints),
    "budgets": Family((DisruptionController,), _disruption),
    "configMaps": Family((GarbageCollector,), _garbage),
    "volumes": Family(
        (PersistentVolumeController, ClaimProtectionController, VolumeProtectionController), _volumes
    ),
}
"""Families by a key that only their observations have."""
