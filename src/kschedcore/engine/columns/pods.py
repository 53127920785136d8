"""Conversion of pods to the footprints that the native core accounts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kschedcore._native.plugins.inter_pod_affinity import (
    PREFERRED_AFFINITY,
    PREFERRED_ANTI_AFFINITY,
    REQUIRED_AFFINITY,
    REQUIRED_ANTI_AFFINITY,
)
from kschedcore._native.podinfo import PodInfo
from kschedcore.engine.columns.resources import require_resources
from kschedcore.engine.columns.selectors import affinity_term
from kschedcore.rules.amounts import non_zero_requests, pod_requests

if TYPE_CHECKING:
    from kschedcore._native.nodes import NodeTable
    from kschedcore._native.topology import AffinityTerm
    from kschedcore.api.objects import Pod, PodSpec

CarrierKey = tuple[str, "AffinityTerm", str]
"""(kind of term, the term, topology key)."""


def host_ports(spec: PodSpec) -> list[tuple[str, str, int]]:
    """Return (host address, protocol, port) of every host port of containers and sidecars (plugin NodePorts)."""
    sidecars = [c for c in spec.init_containers or () if c.restart_policy == "Always"]
    return [
        (port.host_ip or "0.0.0.0", port.protocol or "TCP", port.host_port)
        for container in (*(spec.containers or ()), *sidecars)
        for port in container.ports or ()
        if port.host_port
    ]


def carried_terms(spec: PodSpec, namespace: str) -> dict[CarrierKey, int]:
    """Return the inter-pod affinity terms of a pod, with the weights of equal terms summed."""
    carried: dict[CarrierKey, int] = {}
    affinity = spec.affinity
    if affinity is None:
        return carried
    for kinds, rules in (
        ((REQUIRED_AFFINITY, PREFERRED_AFFINITY), affinity.pod_affinity),
        ((REQUIRED_ANTI_AFFINITY, PREFERRED_ANTI_AFFINITY), affinity.pod_anti_affinity),
    ):
        if rules is None:
            continue
        required, preferred = kinds
        for term in rules.required_during_scheduling_ignored_during_execution or ():
            key = (required, affinity_term(term, namespace), term.topology_key)
            carried[key] = carried.get(key, 0) + 1
        for weighted in rules.preferred_during_scheduling_ignored_during_execution or ():
            term = weighted.pod_affinity_term
            key = (preferred, affinity_term(term, namespace), term.topology_key)
            carried[key] = carried.get(key, 0) + weighted.weight
    return carried


def pod_info(
    nodes: NodeTable,
    pod: Pod,
    *,
    terminating: bool = False,
    volumes: Sequence[tuple[tuple[str, ...], int]] = (),
    claims: Sequence[CarrierKey] = (),
) -> PodInfo:
    """Return the footprint of a pod.

    Args:
        nodes: The node table on which it is accounted.
        pod: The pod.
        terminating: Whether the pod is being deleted.
        volumes: The disks and volumes that the pod uses, see ``PodInfo``.
        claims: Carrier groups of its ReadWriteOncePod claims.

    Raises:
        ManifestError: The pod names more resources than a cluster may.
    """
    requests = pod_requests(pod.spec)
    non_zero = non_zero_requests(pod.spec)
    namespace = pod.metadata.namespace or "default"
    require_resources(nodes, requests)
    return PodInfo(
        nodes,
        requests,
        non_zero.get("cpu", 0),
        non_zero.get("memory", 0),
        host_ports(pod.spec),
        namespace,
        dict(pod.metadata.labels or {}),
        pod.spec.priority or 0,
        terminating,
        {**carried_terms(pod.spec, namespace), **dict.fromkeys(claims, 1)},
        volumes,
    )
