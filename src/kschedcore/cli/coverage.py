"""Report the objects of the manifests that a command did not consider, and the pods that admission rejects."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from kschedcore.cli.names import key_of
from kschedcore.errors import UsageError

if TYPE_CHECKING:
    from kschedcore.api.objects import Pod
    from kschedcore.manifests.manifests import Manifests
    from kschedcore.manifests.review import Refusal
    from kschedcore.planning.plan import Eviction
    from kschedcore.planning.rollouts import Rollout

__all__ = [
    "evicted_document",
    "evicted_lines",
    "not_considered",
    "refused_document",
    "refused_lines",
    "report_coverage",
    "report_not_considered",
    "rollout_lines",
    "rollouts_document",
]

_WITHOUT_EFFECT = frozenset({
    "ClusterRole", "ClusterRoleBinding", "ComponentStatus", "ConfigMap", "ControllerRevision", "Endpoints",
    "EndpointSlice", "Event", "Ingress", "IngressClass", "Lease", "NetworkPolicy", "Role", "RoleBinding", "Secret",
    "ServiceAccount",
})  # fmt: skip
"""Kinds that have no effect on which pods there are or where they go."""


def not_considered(manifests: Manifests) -> dict[str, int]:
    """Return kind -> number of objects that may create pods or affect placement, and that are not read."""
    kinds = Counter(str(each["kind"]) for each in manifests.others)
    return with_effect(kinds)


def with_effect(kinds: Mapping[str, int]) -> dict[str, int]:
    """Return the kinds that may create pods or affect placement, sorted."""
    return {kind: count for kind, count in sorted(kinds.items()) if kind not in _WITHOUT_EFFECT}


def report_coverage(manifests: Manifests, *, strict: bool) -> None:
    """Print a line on standard error about objects that are not considered.

    Raises:
        UsageError: There are some, and ``--strict`` was given.
    """
    report_not_considered(not_considered(manifests), strict=strict)


def report_not_considered(kinds: Mapping[str, int], *, strict: bool) -> None:
    """Print a line on standard error about objects that are not considered, by kind.

    Raises:
        UsageError: There are some, and ``--strict`` was given.
    """
    kinds = with_effect(kinds)
    if not kinds:
        return
    listed = ", ".join(f"{count} {kind}{'s' if count > 1 else ''}" for kind, count in kinds.items())
    if strict:
        raise UsageError(f"--strict: not considered: {listed}")
    sys.stderr.write(f"not considered: {listed}\n")


def refused_lines(refused: Sequence[Refusal]) -> str:
    """Return a line per reason for which admission refuses pods, naming the first of them."""
    same: dict[str, list[Pod]] = {}
    for each in refused:
        same.setdefault(each.reason, []).append(each.pod)
    return "".join(
        f"{pods[0].metadata.namespace or 'default'}/{pods[0].metadata.name}"
        f"{f' and {len(pods) - 1} more' if len(pods) > 1 else ''}: {why}\n"
        for why, pods in same.items()
    )


def evicted_lines(evicted: Sequence[Eviction]) -> str:
    """Return a line per pod that a pod of higher priority preempts."""
    return "".join(
        f"{'/'.join(key_of(each.pod))}: evicted from {each.node} for {'/'.join(key_of(each.preemptor))}\n"
        for each in evicted
    )


def evicted_document(evicted: Sequence[Eviction]) -> list[dict[str, str]]:
    """Return the evicted pods for programs."""
    return [
        {
            "namespace": key_of(each.pod)[0],
            "name": each.pod.metadata.name,
            "node": each.node,
            "preemptor": "/".join(key_of(each.preemptor)),
        }
        for each in evicted
    ]


def rollout_lines(rollouts: Sequence[Rollout]) -> str:
    """Return a line per workload that is rolled out."""
    return "".join(f"{each.text}\n" for each in rollouts)


def rollouts_document(rollouts: Sequence[Rollout]) -> list[dict[str, object]]:
    """Return the rollouts for programs."""
    return [
        {
            "kind": each.kind,
            "namespace": each.namespace,
            "name": each.name,
            "completes": each.completes,
            "wanted": each.wanted,
            "updated": each.updated,
            "outdated": each.outdated,
        }
        for each in rollouts
    ]


def refused_document(refused: Sequence[Refusal]) -> list[dict[str, str]]:
    """Return the refused pods for programs."""
    return [
        {
            "namespace": each.pod.metadata.namespace or "default",
            "name": each.pod.metadata.name,
            "plugin": each.plugin,
            "message": each.message,
        }
        for each in refused
    ]
