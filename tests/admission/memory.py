"""A store as small as can be, and the steps of a write in the registry's order, to test admission alone."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterable
from typing import Any

from kschedcore.api.machinery.resources import Resource
from kschedcore.api.machinery.status import StatusError, already_exists
from kschedcore.api.machinery.types import Object
from kschedcore.apiserver.admission.chain import AdmissionChain
from kschedcore.apiserver.admission.types import AdmissionRequest, Operation

RESOURCES = {
    r.plural: r
    for r in (
        Resource("", "v1", "Namespace", "namespaces", namespaced=False),
        Resource("", "v1", "Node", "nodes", namespaced=False),
        Resource("", "v1", "Pod", "pods"),
        Resource("", "v1", "Service", "services"),
        Resource("", "v1", "ConfigMap", "configmaps"),
        Resource("", "v1", "Secret", "secrets"),
        Resource("", "v1", "PodTemplate", "podtemplates"),
        Resource("", "v1", "ReplicationController", "replicationcontrollers"),
        Resource("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies"),
        Resource("", "v1", "ServiceAccount", "serviceaccounts"),
        Resource("", "v1", "LimitRange", "limitranges"),
        Resource("", "v1", "ResourceQuota", "resourcequotas"),
        Resource("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims"),
        Resource("", "v1", "PersistentVolume", "persistentvolumes", namespaced=False),
        Resource("apps", "v1", "Deployment", "deployments"),
        Resource("apps", "v1", "ReplicaSet", "replicasets"),
        Resource("apps", "v1", "StatefulSet", "statefulsets"),
        Resource("apps", "v1", "DaemonSet", "daemonsets"),
        Resource("batch", "v1", "Job", "jobs"),
        Resource("batch", "v1", "CronJob", "cronjobs"),
        Resource("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets"),
        Resource("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers"),
        Resource("networking.k8s.io", "v1", "Ingress", "ingresses"),
        Resource("networking.k8s.io", "v1", "IngressClass", "ingressclasses", namespaced=False),
        Resource("coordination.k8s.io", "v1", "Lease", "leases"),
        Resource("scheduling.k8s.io", "v1", "PriorityClass", "priorityclasses", namespaced=False),
        Resource("node.k8s.io", "v1", "RuntimeClass", "runtimeclasses", namespaced=False),
        Resource("storage.k8s.io", "v1", "StorageClass", "storageclasses", namespaced=False),
    )
}
_GENERATIONS = {"deployments", "replicasets", "statefulsets", "daemonsets", "jobs", "cronjobs", "ingresses",
                "poddisruptionbudgets", "horizontalpodautoscalers", "priorityclasses"}  # fmt: skip


class Cluster:
    """Objects by (qualified plural, namespace, name), written through an admission chain."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str, str], Object] = {}
        self.chain = AdmissionChain(self)
        self._versions = itertools.count(1)

    def get(self, resource: str, namespace: str, name: str) -> Object | None:
        return self.objects.get((resource, namespace, name))

    def list(self, resource: str, namespace: str | None = None) -> Iterable[Object]:
        keys = sorted(k for k in self.objects if k[0] == resource and namespace in (None, k[1]))
        return [self.objects[key] for key in keys]

    def replace_status(self, resource: str, obj: Object) -> bool:
        metadata = obj["metadata"]
        key = (resource, metadata.get("namespace", ""), metadata["name"])
        current = self.objects.get(key)
        if current is None or current["metadata"]["resourceVersion"] != metadata["resourceVersion"]:
            return False
        self.objects[key] = {**obj, "metadata": {**metadata, "resourceVersion": str(next(self._versions))}}
        return True

    def create(
        self, plural: str, body: Object, namespace: str = "", *, strict: bool = False, dry_run: bool = False
    ) -> Object:
        resource = RESOURCES[plural]
        obj = self.chain.decode(resource, copy.deepcopy(body), "Strict" if strict else "Warn").object
        metadata = obj["metadata"]
        if resource.namespaced:
            metadata.setdefault("namespace", namespace)
        name = metadata.get("name", "")
        self.chain.default(resource, obj)
        request = AdmissionRequest(Operation.CREATE, resource, namespace, name, obj, dry_run=dry_run)
        self.chain.admit(request)
        metadata.update(uid=f"uid-{next(self._versions)}", creationTimestamp="2026-01-01T00:00:00Z")
        metadata["resourceVersion"] = str(next(self._versions))
        if plural in _GENERATIONS:
            metadata["generation"] = 1
        self.chain.prepare(request)
        self.chain.validate(request)
        self.chain.review(request)
        key = (resource.qualified, namespace, name)
        if key in self.objects:
            raise already_exists(resource, name)
        if not dry_run:
            self.objects[key] = obj
        return obj

    def update(self, plural: str, body: Object, namespace: str = "", subresource: str = "") -> Object:
        resource = RESOURCES[plural]
        obj = self.chain.decode(resource, copy.deepcopy(body), "Warn").object
        name = obj["metadata"]["name"]
        key = (resource.qualified, namespace, name)
        old = self.objects[key]
        self.chain.default(resource, obj)
        request = AdmissionRequest(Operation.UPDATE, resource, namespace, name, obj, old, subresource)
        self.chain.admit(request)
        self.chain.prepare(request)
        self.chain.validate(request)
        self.chain.review(request)
        if plural in _GENERATIONS and obj.get("spec") != old.get("spec"):
            obj["metadata"]["generation"] = old["metadata"].get("generation", 0) + 1
        obj["metadata"]["resourceVersion"] = str(next(self._versions))
        self.objects[key] = obj
        return obj

    def delete(self, plural: str, namespace: str, name: str) -> Object:
        resource = RESOURCES[plural]
        key = (resource.qualified, namespace, name)
        old = self.objects[key]
        request = AdmissionRequest(Operation.DELETE, resource, namespace, name, None, old)
        self.chain.admit(request)
        self.chain.review(request)
        del self.objects[key]
        return old

    def with_namespace(self, name: str = "ns") -> Cluster:
        """Make a namespace with its service account, as the running controllers leave one."""
        self.create("namespaces", {"metadata": {"name": name}})
        self.create("serviceaccounts", {"metadata": {"name": "default"}}, name)
        return self


def refusal(action: Any) -> StatusError:
    """The refusal that ``action()`` ends with."""
    try:
        action()
    except StatusError as error:
        return error
    raise AssertionError("nothing was refused")
