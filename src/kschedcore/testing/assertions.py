"""Assertions about placements.

Each raises :class:`kschedcore.testing.BrokenRuleError` with the pods, the nodes and the engine's explanation. An
assertion about no pods raises a UsageError, as it could not fail.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sized
from typing import Any

from kschedcore.api.objects import Pod
from kschedcore.api.taints import parse_taint
from kschedcore.engine.binding import key_of
from kschedcore.engine.plugin import Plugin
from kschedcore.errors import UsageError
from kschedcore.testing.broken_rules import broken
from kschedcore.testing.placements import Placements, place
from kschedcore.testing.sources import ClusterSource, manifests_of

__all__ = [
    "assert_all_placed", "assert_does_not_fit", "assert_fits", "assert_never_on", "assert_only_on",
    "assert_spread", "assert_survives",
]  # fmt: skip


def assert_fits(
    pod: str | Pod | Mapping[str, Any], cluster: ClusterSource, *, plugins: Iterable[type[Plugin]] = ()
) -> Placements:
    """Assert that a pod, or every pod of a workload, fits on the cluster.

    Args:
        pod: A complete Pod or workload; or a pending pod of the cluster: ``name`` or ``namespace/name``, or its view
            in :attr:`kschedcore.Manifests.pending`.
        cluster: The cluster; its other pending pods are not placed.
        plugins: Custom scheduling plugins that the cluster's configuration may name.

    Returns:
        The placements.

    Raises:
        BrokenRuleError: It does not fit.
        UsageError: There is no such pod.
        KschedcoreError: An input is invalid.
    """
    placements = _tried(pod, cluster, plugins)
    assert_all_placed(placements)
    return placements


def assert_does_not_fit(
    pod: str | Pod | Mapping[str, Any],
    cluster: ClusterSource,
    reason: str = "",
    *,
    plugins: Iterable[type[Plugin]] = (),
) -> None:
    """Assert that a pod, or a pod of a workload, fits on no node of the cluster.

    Args:
        pod: As in :func:`assert_fits`.
        cluster: The cluster; its other pending pods are not placed.
        reason: A part of kube-scheduler's message: ``Insufficient cpu``.
        plugins: Custom scheduling plugins that the cluster's configuration may name.

    Raises:
        BrokenRuleError: It fits, or does not fit for another reason.
        UsageError: There is no such pod.
        KschedcoreError: An input is invalid.
    """
    placements = _tried(pod, cluster, plugins)
    if not placements.unplaced:
        raise broken("fits, and should not", placements, placements)
    others = [each for each in placements.unplaced if reason not in placements.explain(each).decision.message]
    if others:
        raise broken(f"does not fit, but not because of: {reason}", placements, others)


def assert_all_placed(placements: Placements) -> None:
    """Assert that every pod has a node.

    Raises:
        BrokenRuleError: One has none.
        UsageError: There are no pods.
    """
    _some(placements)
    lacking = placements.unplaced
    if lacking:
        raise broken(f"{_share(lacking, placements)} without a node", placements, lacking)


def assert_never_on(placements: Placements, where: str) -> None:
    """Assert that no pod is on a matching node.

    Args:
        placements: The pods.
        where: The nodes: a label selector (``disk=hdd``, ``!gpu``), or a taint (``gpu:NoSchedule`` of any
            value, ``gpu=a100:NoSchedule``).

    Raises:
        BrokenRuleError: A pod is on such a node.
        UsageError: ``where`` cannot be read, or there are no pods.
    """
    _some(placements)
    forbidden = _nodes(placements, where)
    offenders = [each for each in placements if each.node in forbidden]
    if offenders:
        allowed = sorted(placements.nodes.keys() - forbidden)
        rule = f"{_share(offenders, placements)} on nodes where none may be: {where}"
        raise broken(rule, placements, offenders, wanted=allowed)


def assert_only_on(placements: Placements, where: str) -> None:
    """Assert that every placed pod is on a matching node.

    Args:
        placements: The pods.
        where: The nodes, as in :func:`assert_never_on`.

    Raises:
        BrokenRuleError: One is on another node.
        UsageError: ``where`` cannot be read, or no pod has a node.
    """
    _some(placements.placed)
    allowed = _nodes(placements, where)
    offenders = [each for each in placements.placed if each.node not in allowed]
    if offenders:
        rule = f"{_share(offenders, placements)} on other nodes than they may be: {where}"
        raise broken(rule, placements, offenders, wanted=sorted(allowed))


def assert_spread(placements: Placements, key: str, max_skew: int, *, among: str = "") -> None:
    """Assert that pods are spread over topology domains: their counts differ by at most ``max_skew``.

    ``topologySpreadConstraints`` with ``DoNotSchedule`` guarantee this while pods are placed (PodTopologySpread,
    KEP-895). Domains without pods count.

    Args:
        placements: The pods; those without a node do not count.
        key: The topology key: ``topology.kubernetes.io/zone``.
        max_skew: The maximum difference; 1 for even spreading.
        among: Count only domains of nodes with these labels.

    Raises:
        BrokenRuleError: The skew is larger.
        UsageError: There are no pods, or nodes lack the key.
    """
    _some(placements.placed)
    nodes = [placements.nodes[name] for name in placements.nodes_with(f"{key},{among}" if among else key)]
    if not nodes:
        raise UsageError(f"no node has the label {key}{' and ' if among else ''}{among}")
    counted = {(node.metadata.labels or {})[key] for node in nodes}
    domains = {domain: pods for domain, pods in placements.by(key).items() if domain in counted}
    counts = {domain: len(pods) for domain, pods in domains.items()}
    fullest, emptiest = max(counts, key=counts.__getitem__), min(counts, key=counts.__getitem__)
    skew = counts[fullest] - counts[emptiest]
    if skew > max_skew:
        shown = ", ".join(f"{domain} {count}" for domain, count in counts.items())
        rule = f"skew of {skew} over {key}, expected at most {max_skew}: {shown}"
        there = placements.nodes_with(f"{key}={emptiest}")
        raise broken(rule, placements, [domains[fullest][-1]], wanted=there)


def assert_survives(placements: Placements, key: str) -> None:
    """Assert that the pods of any one topology domain fit elsewhere when it is lost.

    All pods that were placed together with these lose their nodes too, and compete.

    Args:
        placements: The pods.
        key: The topology key of the lost domain: ``topology.kubernetes.io/zone``, ``kubernetes.io/hostname``.

    Raises:
        BrokenRuleError: A pod has no node without some domain.
        UsageError: There are no pods, or no node has the key.
    """
    assert_all_placed(placements)
    domains = list(placements.by(key))
    if not domains:
        raise UsageError(f"no node has the label {key}")
    for domain in domains:
        after = placements.without(f"{key}={domain}")
        if after.unplaced:
            rule = f"after the loss of {key}={domain}: {_share(after.unplaced, after)} without a node"
            raise broken(rule, after, after.unplaced)


def _some(placements: Placements) -> None:
    if not placements:
        raise UsageError("no pods to hold to the rule: the selector matches none, or none has a node")


def _share(some: Sized, of: Sized) -> str:
    return f"{len(some)} of {len(of)} pods"


def _nodes(placements: Placements, where: str) -> set[str]:
    """Return the nodes that match a selector or a taint."""
    if ":" not in where:  # label selectors do not contain colons
        return set(placements.nodes_with(where))
    try:
        spec = parse_taint(where)
    except ValueError as fault:
        raise UsageError(f"{where!r}: {fault}") from None
    any_value = "=" not in where
    return {
        name
        for name, node in placements.nodes.items()
        for taint in node.spec.taints or ()
        if (taint.key, taint.effect) == (spec.taint.key, spec.taint.effect)
        and (any_value or (taint.value or "") == (spec.taint.value or ""))
    }


def _tried(
    pod: str | Pod | Mapping[str, Any], cluster: ClusterSource, plugins: Iterable[type[Plugin]]
) -> Placements:
    """Place only the given pods, and return their placements."""
    there = manifests_of(cluster)
    if isinstance(pod, str | Pod):
        given, meant = there, _named(pod if isinstance(pod, str) else "/".join(key_of(pod)))
    else:
        waiting = {key_of(each) for each in there.pending}
        given, meant = manifests_of(there, pod), lambda each: key_of(each) not in waiting
    tried = place(given, only=meant, plugins=plugins)
    return tried.named(each.name for each in tried if each.decision is not None)


def _named(name: str) -> Callable[[Pod], bool]:
    namespace, _, plain = name.rpartition("/")
    return lambda pod: pod.metadata.name == plain and namespace in ("", key_of(pod)[0])
