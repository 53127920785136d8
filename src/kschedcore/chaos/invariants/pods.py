"""Invariants of running pods, Jobs, DaemonSets and Services."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from kschedcore.api.machinery.types import Object
from kschedcore.api.phases import has_ended
from kschedcore.chaos.cluster import ChaosCluster
from kschedcore.chaos.invariants.base import Invariant
from kschedcore.chaos.writes import Objects, Write
from kschedcore.client.informer import controller_of
from kschedcore.controllers.activepods import is_active

__all__ = [
    "AddressesAreUnique",
    "EndpointsMatchReadyPods",
    "FinishedPodsStayFinished",
    "JobsCountSuccessesOnce",
    "OneDaemonPodPerNode",
]


class FinishedPodsStayFinished(Invariant):
    """The phases ``Succeeded`` and ``Failed`` are final."""

    def on_write(self, write: Write, objects: Objects) -> Iterator[str]:  # noqa: ARG002
        """Check changes of phase."""
        if (
            write.resource == "pods"
            and write.old is not None
            and write.new is not None
            and has_ended(write.old)
        ):
            before, now = (each["status"].get("phase") for each in (write.old, write.new))
            if before != now:
                yield f"from {before} to {now}: {write}"


class AddressesAreUnique(Invariant):
    """No two unfinished pods have the same address, except pods in the host network."""

    def on_write(self, write: Write, objects: Objects) -> Iterator[str]:
        """Check pods that get an address."""
        if write.resource != "pods" or write.new is None or not (address := _address(write.new)):
            return
        if write.old is not None and _address(write.old) == address:
            return
        for (namespace, name), pod in objects["pods"].items():
            if pod is not write.new and _address(pod) == address and not has_ended(pod):
                yield f"{address} belongs to {namespace}/{name}: {write}"


def _address(pod: Object) -> str | None:
    if pod["spec"].get("hostNetwork"):
        return None
    found: str | None = pod.get("status", {}).get("podIP")
    return found


class JobsCountSuccessesOnce(Invariant):
    """A Job never counts more successes than ``completions``."""

    def on_write(self, write: Write, objects: Objects) -> Iterator[str]:  # noqa: ARG002
        """Check the status of Jobs."""
        if write.resource != "jobs.batch" or write.new is None:
            return
        spec, succeeded = write.new["spec"], write.new.get("status", {}).get("succeeded", 0)
        wanted = spec.get("completions")
        if wanted is not None and succeeded > wanted:
            yield f"{succeeded} succeeded of {wanted}: {write}"


class OneDaemonPodPerNode(Invariant):
    """In a settled cluster a DaemonSet has at most one active pod per node."""

    def at_rest(self, cluster: ChaosCluster, objects: Objects) -> Iterator[str]:  # noqa: ARG002
        """Count the pods."""
        places = Counter(
            (owner["uid"], pod["spec"]["nodeName"])
            for pod in objects.get("pods", {}).values()
            if is_active(pod)
            and pod["spec"].get("nodeName")
            and (owner := controller_of(pod)) is not None
            and owner["kind"] == "DaemonSet"
        )
        for (uid, node), count in places.items():
            if count > 1:
                yield f"{count} pods of DaemonSet {uid} on {node}"


class EndpointsMatchReadyPods(Invariant):
    """In a settled cluster the endpoint slices of a Service list exactly the ready pods that it selects."""

    def at_rest(self, cluster: ChaosCluster, objects: Objects) -> Iterator[str]:  # noqa: ARG002
        """Compare addresses."""
        for (namespace, name), service in objects.get("services", {}).items():
            selector = service["spec"].get("selector")
            if not selector:
                continue
            ready = {
                pod["status"]["podIP"]
                for (where, _), pod in objects.get("pods", {}).items()
                if where == namespace
                and selector.items() <= pod["metadata"].get("labels", {}).items()
                and _is_ready(pod)
            }
            listed = {
                address
                for (where, _), each in objects.get("endpointslices.discovery.k8s.io", {}).items()
                if where == namespace and each["metadata"]["labels"].get("kubernetes.io/service-name") == name
                for endpoint in each["endpoints"] or ()
                if endpoint["conditions"]["ready"]
                for address in endpoint["addresses"]
            }
            if ready != listed:
                yield f"service {namespace}/{name} lists {sorted(listed)}, and {sorted(ready)} are ready"


def _is_ready(pod: Object) -> bool:
    conditions = pod.get("status", {}).get("conditions", ())
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
