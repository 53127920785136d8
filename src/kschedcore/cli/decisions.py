"""Decisions as rows, lines and documents."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from kschedcore.cli.names import key_of
from kschedcore.cli.output import NONE, NOTHING, columns

if TYPE_CHECKING:
    from kschedcore.engine.decision import Decision

__all__ = ["as_document", "placements", "refusals"]


def placements(decisions: Collection[Decision], *, wide: bool, show_headers: bool) -> str:
    """Return one line a pod: where it goes."""
    headers = ["NAMESPACE", "NAME", "NODE", "SCORE", "FEASIBLE"]
    rows = [
        [*key_of(each.pod), each.node or NONE, each.total if each.node else NOTHING, each.feasible]
        for each in decisions
    ]
    if wide:
        headers += ["TIES", "NOMINATED", "VICTIMS"]
        for row, each in zip(rows, decisions, strict=True):
            row += [each.ties, each.nominated_node or NONE, ",".join(each.victims) or NONE]
        if any(each.devices for each in decisions):
            headers.append("DEVICES")
            for row, each in zip(rows, decisions, strict=True):
                row.append(",".join(each.devices) or NONE)
    return columns(headers, rows, show_headers=show_headers)


def refusals(decisions: Iterable[Decision]) -> str:
    """Return why pods have no node: a line a reason, for the first of the pods that share it."""
    same: dict[str, list[str]] = {}
    for each in decisions:
        if each.node is None:
            same.setdefault(_why(each), []).append("/".join(key_of(each.pod)))
    return "".join(
        f"{names[0]}{f' and {len(names) - 1} more' if len(names) > 1 else ''}: {why}\n"
        for why, names in same.items()
    )


def _why(decision: Decision) -> str:
    if not decision.nominated_node:
        return decision.message
    victims = ", ".join(decision.victims)
    return f"{decision.message} Preempting {victims} would make room on {decision.nominated_node}."


def as_document(decision: Decision) -> dict[str, object]:
    """Return one decision for programs; ``node`` is null for a pod that has none, and reasons say why."""
    namespace, name = key_of(decision.pod)
    told: dict[str, object] = {
        "namespace": namespace,
        "name": name,
        "node": decision.node,
        "feasible": decision.feasible,
    }
    if decision.node is not None:
        told |= {"score": decision.total, "ties": decision.ties}
        return {**told, "devices": list(decision.devices)} if decision.devices else told
    told["message"] = decision.message
    told["reasons"] = dict(decision.diagnosis.reasons) if decision.diagnosis is not None else {}
    if decision.nominated_node:
        told |= {"nominatedNode": decision.nominated_node, "victims": list(decision.victims)}
    return told
