"""Allocation results: ``status.allocation`` of a claim."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence

from kschedcore.api.objects.affinity import NodeSelector, NodeSelectorRequirement, NodeSelectorTerm
from kschedcore.api.objects.devices import AllocationResult, DeviceAllocation, DeviceAllocations
from kschedcore.api.objects.meta import Quantity
from kschedcore.engine.devices.search import Chosen

__all__ = ["allocation_of"]


def allocation_of(chosen: Sequence[Chosen], node: str, claim: str) -> AllocationResult:
    """Return the allocation of one claim.

    Args:
        chosen: The devices of the claim.
        node: The node of the devices.
        claim: A unique key of the claim, from which the IDs of its shares are derived.
    """
    results = tuple(_result(each, f"{claim}/{place}") for place, each in enumerate(chosen))
    return AllocationResult(devices=DeviceAllocations(results=results), node_selector=_reach(chosen, node))


def _result(chosen: Chosen, share: str) -> DeviceAllocation:
    driver, pool, device = chosen.device.key
    spec, alternative = chosen.device.spec, chosen.alternative
    consumed: dict[str, Quantity] | None = None
    if chosen.shares:
        consumed = {name: str(amount) for name, amount in chosen.shares.items()}
    return DeviceAllocation(
        request=alternative.full_name,
        driver=driver,
        pool=pool,
        device=device,
        admin_access=True if alternative.admin else None,
        tolerations=alternative.tolerations or None,
        binding_conditions=spec.binding_conditions or None,
        binding_failure_conditions=spec.binding_failure_conditions or None,
        share_id=None if chosen.shares is None else str(uuid.uuid5(uuid.NAMESPACE_OID, share)),
        consumed_capacity=consumed,
    )


def _reach(chosen: Iterable[Chosen], node: str) -> NodeSelector | None:
    """Return the nodes that can use all devices: one node if any device is local to it, None for all nodes."""
    fields: dict[tuple[str, str, frozenset[str]], NodeSelectorRequirement] = {}
    expressions: dict[tuple[str, str, frozenset[str]], NodeSelectorRequirement] = {}
    for each in chosen:
        device, published = each.device.spec, each.device.slice.spec
        choice = device if published.per_device_node_selection else published
        if choice.node_name is not None or device.binds_to_node:
            only = NodeSelectorRequirement(key="metadata.name", operator="In", values=(node,))
            return NodeSelector(node_selector_terms=(NodeSelectorTerm(match_fields=(only,)),))
        terms = choice.node_selector.node_selector_terms if choice.node_selector is not None else None
        for term in (terms or ())[:1]:
            _add(fields, term.match_fields)
            _add(expressions, term.match_expressions)
    if not fields and not expressions:
        return None
    both = NodeSelectorTerm(
        match_fields=tuple(fields.values()) or None, match_expressions=tuple(expressions.values()) or None
    )
    return NodeSelector(node_selector_terms=(both,))


def _add(
    known: dict[tuple[str, str, frozenset[str]], NodeSelectorRequirement],
    requirements: Iterable[NodeSelectorRequirement] | None,
) -> None:
    """Add requirements that are not in the term yet, regardless of the order of values."""
    for each in requirements or ():
        known.setdefault((each.key, each.operator, frozenset(each.values or ())), each)
