"""Decisions as rows, lines and documents."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from kschedcore.cli.names import key_of
from kschedcore.cli.output import NONE, NOTHING, columns

if TYPE_CHECKING:
    from kschedcore.cli.interruption import InterruptibleInquiries
    from kschedcore.cli.why_not import WhyNot
    from kschedcore.engine.decision import Decision

__all__ = ["FIELDS", "as_document", "as_row", "placements", "refusals", "why_not_document", "why_not_lines"]

FIELDS = (
    "namespace", "name", "node", "score", "feasible", "ties", "nominatedNode", "victims", "devices", "message",
)  # fmt: skip
"""The columns of ``-o csv``; several victims or devices stand in one field, divided by blanks."""


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


def as_row(decision: Decision) -> list[str | int | None]:
    """Return one decision as a row under :data:`FIELDS`."""
    placed = decision.node is not None
    return [
        *key_of(decision.pod),
        decision.node,
        decision.total if placed else None,
        decision.feasible,
        decision.ties if placed else None,
        decision.nominated_node,
        " ".join(decision.victims),
        " ".join(decision.devices),
        decision.message,
    ]


def refusals(decisions: Iterable[Decision], inquiries: InterruptibleInquiries | None = None) -> str:
    """Return why pods have no node: a line a reason, for the first of the pods that share it.

    Args:
        decisions: The decisions.
        inquiries: The source of the sets of constraints that nodes fail, and of the changes that make the pod fit.
    """
    same: dict[str, list[Decision]] = {}
    for each in decisions:
        if each.node is None:
            same.setdefault(_why(each), []).append(each)
    lines = []
    for why, alike in same.items():
        others = f" and {len(alike) - 1} more" if len(alike) > 1 else ""
        lines.append(f"{'/'.join(key_of(alike[0].pod))}{others}: {why}\n")
        lines.append(why_not_lines(alike[0], inquiries))
    return "".join(lines)


def why_not_lines(decision: Decision, inquiries: InterruptibleInquiries | None) -> str:
    """Return why a pod without a node fits none, indented; nothing for a pod that has a node."""
    answer = _answer(decision, inquiries) if decision.node is None else None
    return "".join(f"  {line}\n" for line in (answer.lines() if answer is not None else ()))


def _answer(decision: Decision, inquiries: InterruptibleInquiries | None) -> WhyNot | None:
    """Return why a pod fits no node; None for a pod that PreEnqueue rejects, whatever the nodes are like."""
    diagnosis = decision.diagnosis
    status = diagnosis.pre_filter if diagnosis is not None else None
    if inquiries is None or (status is not None and status.pre_enqueue):
        return None
    return inquiries.answer(decision.pod)


def _why(decision: Decision) -> str:
    if not decision.nominated_node:
        return decision.message
    victims = ", ".join(decision.victims)
    return f"{decision.message} Preempting {victims} would let it fit on {decision.nominated_node}."


def as_document(decision: Decision, inquiries: InterruptibleInquiries | None = None) -> dict[str, object]:
    """Return one decision for programs; ``node`` is null for a pod that has none, and reasons say why.

    Args:
        decision: The decision.
        inquiries: The source of ``whyNot``.
    """
    namespace, name = key_of(decision.pod)
    content: dict[str, object] = {
        "namespace": namespace,
        "name": name,
        "node": decision.node,
        "feasible": decision.feasible,
    }
    if decision.node is not None:
        content |= {"score": decision.total, "ties": decision.ties}
        return {**content, "devices": list(decision.devices)} if decision.devices else content
    content["message"] = decision.message
    content["reasons"] = dict(decision.diagnosis.reasons) if decision.diagnosis is not None else {}
    if decision.nominated_node:
        content |= {"nominatedNode": decision.nominated_node, "victims": list(decision.victims)}
    return {**content, **why_not_document(decision, inquiries)}


def why_not_document(decision: Decision, inquiries: InterruptibleInquiries | None) -> dict[str, object]:
    """Return ``whyNot`` for a pod without a node; nothing for others, and where no answer was found."""
    answer = _answer(decision, inquiries) if decision.node is None else None
    return {} if answer is None else {"whyNot": answer.as_document()}
