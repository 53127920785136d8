"""``kschedcore fit -f cluster -f app``: does it fit, and how many more would?"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from kschedcore.cli import decisions
from kschedcore.cli.coverage import (
    evicted_document,
    evicted_lines,
    not_considered,
    refused_document,
    refused_lines,
    report_coverage,
    rollout_lines,
    rollouts_document,
)
from kschedcore.cli.exits import NO
from kschedcore.cli.inputs import build_engine, load, select
from kschedcore.cli.interruption import InterruptibleInquiries, Interruption
from kschedcore.cli.names import key_of
from kschedcore.cli.options import (
    ClusterChanges,
    NoHeaders,
    OutputFormat,
    SchedulerFlags,
    Selection,
    Sources,
    Strict,
)
from kschedcore.cli.output import NOTHING, Output, columns, document, emit, emit_csv, styled, write
from kschedcore.cli.progress import progress
from kschedcore.errors import UsageError

if TYPE_CHECKING:
    from kschedcore.api.objects import Pod
    from kschedcore.engine.capacity import Capacity
    from kschedcore.engine.decision import Decision

__all__ = ["EPILOG", "command"]

EPILOG = """\
Examples:
  kschedcore fit -f cluster.json -f app.yaml --replicas web=12 && kubectl apply -f app.yaml
  kschedcore fit -f cluster.json --without-zone zone-b
  kschedcore fit -f cluster.json --scale shop/deployment/web=40 --add-node node-1=3
"""

FIELDS = ("name", "pods", "placed", "more", "blockedBy")
"""The columns of ``-o csv``."""

RUN_OUT = ("Insufficient ", "Too many pods")
"""The prefix of NodeResourcesFit's reasons; other plugins' reasons held before anything was placed."""


def command(
    sources: Sources,
    selection: Selection,
    changes: ClusterChanges,
    scheduler: SchedulerFlags,
    strict: Strict = False,
    output: OutputFormat = Output.table,
    no_headers: NoHeaders = False,
) -> None:
    """Say whether every pending pod fits, how many more replicas would, and what runs out first.

    Exits with 0 when all fit, with 1 when some do not. Ctrl-C ends the work early; what was found until then is
    printed, marked partial, and the exit status is 130.
    """
    from kschedcore.cli.why_not import Inquiries
    from kschedcore.engine.decision import Decisions
    from kschedcore.planning.plan import Plan, plan

    manifests = load(sources, changes, namespace=selection.namespace)
    engine = build_engine(manifests, scheduler)
    report_coverage(manifests, strict=strict)
    pods = select(manifests.pending, selection)
    if not pods and not manifests.refused and not manifests.workloads:
        raise UsageError("nothing to fit: the manifests hold no pending pods and no workloads")
    interruption = Interruption()
    with progress(f"placing {len(pods):,} pods"):
        planned = interruption.run_batch(lambda: plan(manifests, engine, pods), Plan(Decisions([])))
    made, refused = planned.decisions, planned.refused
    inquiries = InterruptibleInquiries(Inquiries(engine, manifests.nodes), interruption)
    with progress("counting how many more would fit"):
        rows = [
            row_of(name, group, interruption.run(lambda: engine.capacity(group[0].pod)), inquiries)  # noqa: B023
            for name, group in by_workload(made).items()
        ]
    fits = not refused and all(each.node is not None for each in made)
    fits = fits and all(each.completes for each in planned.rollouts)
    if output.is_document:
        emit(
            document(
                "FitResult",
                partial=interruption.partial,
                fits=None if fits and interruption.partial else fits,
                workloads=[row.as_document() for row in rows],
                refused=refused_document(refused),
                evicted=evicted_document(planned.evicted),
                rollouts=rollouts_document(planned.rollouts),
                notConsidered=not_considered(manifests),
            ),
            output,
        )
    elif output is Output.csv:
        emit_csv(FIELDS, map(Row.as_csv, rows), show_headers=not no_headers)
    elif output is Output.name:
        write("".join(f"pod/{each.pod.metadata.name}\n" for each in made if each.node is None))
    else:
        why = decisions.refusals(made, inquiries) + refused_lines(refused)
        why += evicted_lines(planned.evicted) + rollout_lines(planned.rollouts)
        total = len(pods) if interruption.partial else planned.pods
        verdict = verdict_of(rows, total, partial=interruption.partial)
        table = report(rows, show_headers=not no_headers, wide=output is Output.wide)
        write(f"{verdict}\n{why}" + (f"\n{table}" if table else ""))
    interruption.end()
    if not fits:
        raise typer.Exit(NO)


@dataclass(frozen=True, slots=True)
class Row:
    """One workload: its pods' decisions, and how many more pods like them would fit after these.

    Attributes:
        name: The workload.
        decisions: The decisions.
        more: How many more would fit, and the reasons of the nodes then; None where Ctrl-C came before the answer.
        limit: The constraint without which the next replica would fit.
    """

    name: str
    decisions: Collection[Decision]
    more: Capacity | None
    limit: str = ""

    @property
    def placed(self) -> int:
        """The number of the pods that have a node."""
        return sum(each.node is not None for each in self.decisions)

    @property
    def limits(self) -> list[tuple[str, int]]:
        """The reasons why the next replica fits no node, with node counts: exhausted resources, then the commonest."""
        return sorted(
            self.more.limiting.items() if self.more is not None else (),
            key=lambda item: (not item[0].startswith(RUN_OUT), -item[1], item[0]),
        )

    def as_csv(self) -> list[str | int | None]:
        """Return the row under :data:`FIELDS`."""
        more = self.more.replicas if self.more is not None else None
        return [self.name, len(self.decisions), self.placed, more, self.limit]

    def as_document(self) -> dict[str, object]:
        """Return the row for programs."""
        return {
            "name": self.name,
            "pods": len(self.decisions),
            "placed": self.placed,
            "more": self.more.replicas if self.more is not None else None,
            "limiting": dict(self.limits),
            "blockedBy": self.limit,
            "unschedulable": [decisions.as_document(each) for each in self.decisions if each.node is None],
        }


def row_of(
    name: str, made: Sequence[Decision], more: Capacity | None, inquiries: InterruptibleInquiries
) -> Row:
    """Return the row of a workload, with the constraint that excludes the next replica.

    The engine counts the first plugin that rejects each node. That is the constraint itself for a pod that has nothing
    but requests and is refused for one reason.
    """
    from kschedcore.cli.constraints import constraints_of

    row = Row(name, made, more)
    if more is None:
        return row
    pod = made[0].pod
    first = limits_text(row, wide=False)
    if len(more.limiting) > 1 or (more.limiting and len(constraints_of(pod)) > 2):
        answer = inquiries.after(pod, more.replicas)
        first = (answer.limit if answer is not None else "") or first
    return Row(name, made, more, first)


def by_workload(made: Iterable[Decision]) -> dict[str, list[Decision]]:
    """Group decisions by what the pods belong to, as ``namespace/kind/name``.

    Pods without a workload that have equal specs are one group, under the name of the first.
    """
    from kschedcore.manifests.workloads import workload_of

    groups: dict[str, list[Decision]] = {}
    first_like: dict[bytes, str] = {}
    for each in made:
        namespace, name = key_of(each.pod)
        owner = workload_of(each.pod)
        if owner is None:
            name = first_like.setdefault(scheduling_key(each.pod), name)
        kind, name = owner or ("Pod", name)
        groups.setdefault(f"{namespace}/{kind.lower()}/{name}", []).append(each)
    return groups


def scheduling_key(pod: Pod) -> bytes:
    """Return the namespace, labels and spec of a pod as bytes, the same for pods that are alike."""
    import msgspec

    return msgspec.msgpack.encode((pod.metadata.namespace, pod.metadata.labels, pod.spec))


def verdict_of(rows: Sequence[Row], total: int, *, partial: bool) -> str:
    """Return the verdict: how many of all pods are placed."""
    placed = sum(row.placed for row in rows)
    verdict, colour = ("fits", "green") if placed == total else ("does not fit", "red")
    if partial:
        verdict, colour = "partial, interrupted", "yellow"
    return f"{styled(verdict, colour)}: {placed:,} of {total:,} pods placed"


def report(rows: Sequence[Row], *, show_headers: bool, wide: bool) -> str:
    """Return a line per workload."""
    return columns(
        ["WORKLOAD", "PODS", "PLACED", "MORE", "WHAT RUNS OUT FIRST"],
        [
            [
                row.name,
                len(row.decisions),
                row.placed,
                row.more.replicas if row.more is not None else NOTHING,
                limits_text(row, wide=wide),
            ]
            for row in rows
        ],
        show_headers=show_headers,
    )


def limits_text(row: Row, *, wide: bool) -> str:
    """Return the first reason, or with ``wide`` every one, with the number of nodes that give it."""
    if not wide and row.limit:
        return row.limit
    shown = row.limits if wide else row.limits[:1]
    return ", ".join(
        f"{reason} ({count} nodes)" if count > 1 else f"{reason} (1 node)" for reason, count in shown
    )
