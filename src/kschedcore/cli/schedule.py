"""``kschedcore schedule -f …``: place pending pods, and say why the others have no node."""

from __future__ import annotations

from kschedcore.api.versions import NEWEST
from kschedcore.cli import decisions, utilisation
from kschedcore.cli.coverage import (
    evicted_document,
    evicted_lines,
    not_considered,
    refused_document,
    refused_lines,
    report_coverage,
)
from kschedcore.cli.inputs import build_engine, load, release, select
from kschedcore.cli.options import (
    ConfigFile,
    FeatureGates,
    Filenames,
    KubernetesVersion,
    LabelSelector,
    Namespace,
    NoHeaders,
    OutputFormat,
    Replicas,
    Seed,
    Strict,
    TieBreak,
    TieBreakPolicy,
)
from kschedcore.cli.output import Output, document, emit, write
from kschedcore.cli.progress import progress

__all__ = ["EPILOG", "command"]

EPILOG = (
    "Examples: kubectl get nodes,pods -A -o json | kschedcore schedule -f - -f app.yaml;"
    " helm template shop | kschedcore schedule -f cluster.json -f -"
)


def command(
    filename: Filenames = None,
    namespace: Namespace = None,
    selector: LabelSelector = None,
    replicas: Replicas = None,
    config: ConfigFile = None,
    kubernetes: KubernetesVersion = NEWEST,
    feature_gates: FeatureGates = None,
    tie_break: TieBreakPolicy = TieBreak.first,
    seed: Seed = 0,
    strict: Strict = False,
    output: OutputFormat = Output.table,
    no_headers: NoHeaders = False,
) -> None:
    """Place the pending pods of the manifests, and the pods that their workloads lack, on the manifests' nodes.

    Prints the node of each pod, why others have none, and the utilisation before and after.
    """
    from kschedcore.cli.why_not import Inquiries
    from kschedcore.planning.plan import plan

    manifests = load(filename, namespace=namespace, replicas=replicas)
    engine = build_engine(
        manifests, config=config, release=release(kubernetes, feature_gates), tie_break=tie_break, seed=seed
    )
    report_coverage(manifests, strict=strict)
    pods = select(manifests.pending, namespace=namespace, selector=selector)
    before = engine.utilisation()
    with progress(f"placing {len(pods)} pods"):
        planned = plan(manifests, engine, pods)
    made, refused = planned.decisions, planned.refused
    used = utilisation.compare(before, engine.utilisation())
    inquiries = Inquiries(engine, manifests.nodes)
    placed = sum(each.node is not None for each in made)
    if output.is_document:
        emit(
            document(
                "ScheduleResult",
                placed=placed,
                unschedulable=len(made) - placed,
                decisions=[decisions.as_document(each, inquiries) for each in made],
                refused=refused_document(refused),
                evicted=evicted_document(planned.evicted),
                notConsidered=not_considered(manifests),
                utilisation=utilisation.documents(used),
            ),
            output,
        )
    elif output is Output.name:
        write("".join(f"pod/{each.pod.metadata.name}\n" for each in made if each.node))
    else:
        show_headers = not no_headers
        parts = [
            decisions.placements(made, wide=output is Output.wide, show_headers=show_headers),
            f"{placed} of {len(made) + len(refused)} pods placed\n"
            + decisions.refusals(made, inquiries)
            + refused_lines(refused)
            + evicted_lines(planned.evicted),
            utilisation.table(used, show_headers=show_headers),
        ]
        write("\n".join(part for part in parts if part))
