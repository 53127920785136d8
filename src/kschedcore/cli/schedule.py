"""``kschedcore schedule -f …``: place pending pods, and explain why the others have no node."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kschedcore.cli import decisions, utilisation
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
from kschedcore.cli.inputs import build_engine, load, select
from kschedcore.cli.interruption import InterruptibleInquiries, Interruption
from kschedcore.cli.options import (
    ClusterChanges,
    NoHeaders,
    OutputFormat,
    SchedulerFlags,
    Seed,
    Selection,
    Sources,
    Strict,
    TieBreak,
    TieBreakPolicy,
)
from kschedcore.cli.output import Output, document, emit, emit_csv, write
from kschedcore.cli.progress import progress

if TYPE_CHECKING:
    from collections.abc import Collection

    from kschedcore.engine.decision import Decision

__all__ = ["EPILOG", "command"]

EPILOG = """\
Examples:
  kubectl get nodes,pods -A -o json | kschedcore schedule -f - -f app.yaml
  helm template shop | kschedcore schedule -f cluster.json -f -
  kschedcore schedule -f cluster.json -k overlays/production
  kschedcore schedule -f cluster.json --drain node-7 --add-node node-1=2
"""


def command(
    sources: Sources,
    selection: Selection,
    changes: ClusterChanges,
    scheduler: SchedulerFlags,
    tie_break: TieBreakPolicy = TieBreak.first,
    seed: Seed = 0,
    strict: Strict = False,
    output: OutputFormat = Output.table,
    no_headers: NoHeaders = False,
) -> None:
    """Place the pending pods of the manifests, and the pods that their workloads lack, on the manifests' nodes.

    Prints the node of each pod, why others have none, and the utilisation before and after. Ctrl-C ends the placing
    early; what was placed until then is printed, marked partial, and the exit status is 130.
    """
    from kschedcore.cli.why_not import Inquiries
    from kschedcore.engine.decision import Decisions
    from kschedcore.planning.plan import Plan, plan

    manifests = load(sources, changes, namespace=selection.namespace)
    engine = build_engine(manifests, scheduler, tie_break=tie_break, seed=seed)
    report_coverage(manifests, strict=strict)
    pods = select(manifests.pending, selection)
    before = engine.utilisation()
    interruption = Interruption()
    with progress(f"placing {len(pods):,} pods"):
        planned = interruption.run_batch(lambda: plan(manifests, engine, pods), Plan(Decisions([])))
    made, refused = planned.decisions, planned.refused
    used = utilisation.compare(before, engine.utilisation())
    inquiries = InterruptibleInquiries(Inquiries(engine, manifests.nodes), interruption)
    placed = sum(each.node is not None for each in made)
    if output.is_document:
        documents = [decisions.as_document(each, inquiries) for each in made]
        emit(
            document(
                "ScheduleResult",
                partial=interruption.partial,
                placed=placed,
                unschedulable=len(made) - placed,
                decisions=documents,
                refused=refused_document(refused),
                evicted=evicted_document(planned.evicted),
                rollouts=rollouts_document(planned.rollouts),
                notConsidered=not_considered(manifests),
                utilisation=utilisation.documents(used),
            ),
            output,
        )
    elif output is Output.name:
        write("".join(f"pod/{each.pod.metadata.name}\n" for each in made if each.node))
    elif output is Output.csv:
        emit_csv(decisions.FIELDS, map(decisions.as_row, made), show_headers=not no_headers)
    else:
        show_headers = not no_headers
        why = decisions.refusals(made, inquiries) + refused_lines(refused)
        why += evicted_lines(planned.evicted) + rollout_lines(planned.rollouts)
        total = len(pods) if interruption.partial else planned.pods
        parts = [
            decisions.placements(made, wide=output is Output.wide, show_headers=show_headers),
            f"{placed:,} of {total:,} pods placed{_part(made, interruption)}\n{why}",
            utilisation.table(used, show_headers=show_headers),
        ]
        write("\n".join(part for part in parts if part))
    interruption.end()


def _part(made: Collection[Decision], interruption: Interruption) -> str:
    """Return a note about an interruption."""
    return f" (partial: interrupted after {len(made):,})" if interruption.partial else ""
