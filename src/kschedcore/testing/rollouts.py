"""Assertions about the rollouts of a running cluster."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kschedcore.api.objects import LabelSelector, decode
from kschedcore.api.selectors import label_selector
from kschedcore.cluster.cluster import Cluster
from kschedcore.errors import UsageError
from kschedcore.testing.broken_rules import BrokenRuleError
from kschedcore.testing.placements import Placements

__all__ = ["assert_rolled_out"]

_KINDS = ("deployment", "statefulset", "daemonset")
"""The kinds that ``kubectl rollout status`` supports."""


def assert_rolled_out(
    cluster: Cluster, *refs: str, namespace: str | None = None, timeout: str = "1h"
) -> None:
    """Assert that rollouts complete: all pods updated and available (``kubectl rollout status``).

    Args:
        cluster: A running cluster, whose time is advanced.
        refs: ``deployment/web``, …; all Deployments, StatefulSets and DaemonSets of all namespaces by default.
        namespace: The namespace of ``refs``.
        timeout: Maximum time for each.

    Raises:
        BrokenRuleError: A rollout does not complete; the message quotes events of the workload and its pods.
        StatusError: There is no such workload.
    """
    for where, ref in [(namespace or cluster.namespace, each) for each in refs] or _all(cluster):
        try:
            cluster.rollout_status(ref, namespace=where, timeout=timeout)
        except UsageError as fault:
            raise _broken(cluster, cluster.get(ref, namespace=where), where, str(fault)) from None


def _all(cluster: Cluster) -> list[tuple[str, str]]:
    return [
        (obj["metadata"]["namespace"], f"{kind}/{obj['metadata']['name']}")
        for kind in _KINDS
        for obj in cluster.list(kind, all_namespaces=True)
    ]


def _broken(cluster: Cluster, workload: Mapping[str, Any], namespace: str, fault: str) -> BrokenRuleError:
    name = workload["metadata"]["name"]
    lines = [f"{namespace}: {fault}", *(f"  {line}" for line in _warnings(cluster, namespace, name))]
    matches = label_selector(decode(LabelSelector, workload["spec"]["selector"])).matches
    placements = Placements.of(cluster)
    waiting = [
        each
        for each in placements.unplaced
        if each.pod.metadata.namespace == namespace and matches(each.pod.metadata.labels or {})
    ]
    if not waiting:
        return BrokenRuleError("\n".join(lines))
    return BrokenRuleError("\n".join(lines), pod=waiting[0].name, manifest=placements.manifest(waiting[0]))


def _warnings(cluster: Cluster, namespace: str, name: str) -> Iterator[str]:
    """Return the last warning of each object that is named after the workload."""
    last = {}
    for event in cluster.events(namespace=namespace):
        about = event["involvedObject"]
        if event["type"] == "Warning" and f"{about['name']}-".startswith(f"{name}-"):
            last[about["kind"], about["name"]] = f"{event['reason']}: {event['message']}"
    for (kind, about_name), message in sorted(last.items()):
        yield f"{kind} {about_name}: {message}"
