"""Explanations why the devices of a node do not satisfy a request, in more detail than kube-scheduler's messages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from kschedcore.api.objects.devices import ResourceClaim
from kschedcore.api.taints import find_untolerated
from kschedcore.engine.devices.capacity import has_capacity
from kschedcore.engine.devices.claims import full_name
from kschedcore.engine.devices.features import DeviceFeatures
from kschedcore.engine.devices.inventory import Device, DeviceKey, NodeView
from kschedcore.engine.devices.requests import Alternative, ClaimPlan
from kschedcore.engine.devices.usage import Usage, key_of_result

__all__ = ["holders_of", "shortfalls"]


def shortfalls(
    view: NodeView,
    claims: Sequence[tuple[str, ClaimPlan]],
    usage: Usage,
    features: DeviceFeatures,
    holders: Mapping[DeviceKey, str],
) -> list[str]:
    """Return a line for each request that a node's devices cannot satisfy, with the count of each reason.

    Requests are checked one by one; there is a separate line if only their combination or a constraint fails.

    Args:
        view: The pools available to the node.
        claims: Each claim as ``namespace/name``, and its plan.
        usage: The allocated devices.
        features: The features that are on.
        holders: Device -> the claim that holds it.
    """
    lines = [
        f"resource pool {pool} is {'invalid' if pool.state == 'invalid' else 'being updated'}"
        for pool in view.pools
        if pool.state
    ]
    found = False
    for claim, plan in claims:
        for request in plan.requests:
            for alternative in request:
                reasons = Counter(
                    _why_not(device, alternative, view, usage, features, holders) for device in view.devices
                )
                suitable = reasons.pop("", 0)
                if suitable >= alternative.count:
                    continue
                found = True
                listed = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
                found_devices = f"{suitable} of {len(view.devices)} devices suit, {alternative.count} needed"
                lines.append(
                    f"claim {claim}, request {alternative.full_name}: {found_devices}{f': {listed}' if listed else ''}"
                )
    if not found:
        lines.append("each request could be allocated alone, but not all together or with their constraints")
    return lines


def _why_not(
    device: Device,
    alternative: Alternative,
    view: NodeView,
    usage: Usage,
    features: DeviceFeatures,
    holders: Mapping[DeviceKey, str],
) -> str:
    """Return the first reason why a device does not suit a request, empty if it does."""
    if not alternative.admin and usage.is_taken(device.key, features):
        return f"in use by claim {holders.get(device.key, 'of another pod')}"
    for owner, expressions in (
        (f"class {alternative.class_name}", alternative.class_selectors),
        ("the request", alternative.selectors),
    ):
        for number, expression in enumerate(expressions):
            answer = device.appearance.matches(expression)
            if answer is not True:
                return f"not selected by selector #{number} of {owner}"
    if device in view.out_of_reach:
        return "for other nodes"
    if features.taints and (taint := find_untolerated(device.taints, alternative.tolerations)) is not None:
        return f"with untolerated taint {taint.key}:{taint.effect}"
    if features.consumable_capacity and not has_capacity(
        device.spec, alternative.capacity, usage.amounts.get(device.key), None
    ):
        return "without enough capacity left"
    return ""


def holders_of(claims: Sequence[ResourceClaim]) -> dict[DeviceKey, str]:
    """Return device -> the claim, as ``namespace/name``, that holds all of it."""
    return {
        key_of_result(result): full_name(claim)
        for claim in claims
        if claim.status.allocation is not None
        for result in claim.status.allocation.devices.results or ()
        if not result.admin_access
    }
