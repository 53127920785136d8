"""``kschedcore explain POD -f …``: every node's verdict and every plugin's score."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from kschedcore.cli.coverage import not_considered, report_coverage
from kschedcore.cli.decisions import why_not_document, why_not_lines
from kschedcore.cli.inputs import build_engine, find_pod, load
from kschedcore.cli.interruption import InterruptibleInquiries, Interruption
from kschedcore.cli.names import key_of
from kschedcore.cli.options import (
    AllNamespaces,
    ClusterChanges,
    Namespace,
    NoHeaders,
    OutputFormat,
    SchedulerFlags,
    Sources,
    Strict,
)
from kschedcore.cli.output import Output, columns, document, emit, emit_csv, write
from kschedcore.errors import UsageError

if TYPE_CHECKING:
    from kschedcore.api.objects import Pod
    from kschedcore.engine.engine import Engine
    from kschedcore.engine.explanation import Explanation, Score

__all__ = ["EPILOG", "command"]

EPILOG = """\
Examples:
  kschedcore explain web-0 -f cluster.json -f app.yaml --sort-by NodeResourcesFit
  kschedcore explain shop/web-0 -f cluster.json --all -o wide
"""

FEW = 10
"""Number of feasible nodes that are shown without ``--all``."""

Every = Annotated[bool, typer.Option("--all", help="Show every node, each rejection in a line of its own.")]
Name = Annotated[str, typer.Argument(metavar="POD", help="The pod's name, or NAMESPACE/NAME.")]
SortBy = Annotated[
    str,
    typer.Option(
        "--sort-by",
        metavar="COLUMN",
        help="Order of the nodes: total (best first), name, or a plugin's name (highest score first).",
    ),
]


def command(
    pod: Name,
    sources: Sources,
    changes: ClusterChanges,
    scheduler: SchedulerFlags,
    namespace: Namespace = None,
    all_namespaces: AllNamespaces = False,
    sort_by: SortBy = "total",
    every: Every = False,
    strict: Strict = False,
    output: OutputFormat = Output.table,
    no_headers: NoHeaders = False,
) -> None:
    """Show each plugin's verdict and score of the nodes for one pod.

    The cluster is that of the manifests: no other pending pod is placed before this one, and a pod that has a node is
    taken off it first. Scores are normalised and weighted, as they add up to the total; -o wide shows them as
    raw/normalised/weighted. The best nodes are shown, and rejections with equal reasons share a line; --all shows
    every node.
    """
    from kschedcore.cli.why_not import Inquiries

    manifests = load(sources, changes, namespace=namespace)
    engine = build_engine(manifests, scheduler)
    report_coverage(manifests, strict=strict)
    found = find_pod(manifests, pod, namespace=None if all_namespaces else namespace)
    explained = engine.explain(unbound(engine, found))
    interruption = Interruption()
    inquiries = InterruptibleInquiries(Inquiries(engine, manifests.nodes), interruption)
    feasible = in_order(explained, sort_by)
    if output.is_document:
        why = why_not_document(explained.decision, inquiries)
        content = {"partial": interruption.partial, **explained.to_dict(feasible), **why}
        emit(document("Explanation", **content, notConsidered=not_considered(manifests)), output)
    elif output is Output.name:
        write("".join(f"node/{name}\n" for name in feasible))
    elif output is Output.csv:
        fields, rows = as_rows(explained, feasible)
        emit_csv(fields, rows, show_headers=not no_headers)
    else:
        show_headers = not no_headers
        parts = [
            headline(explained) + why_not_lines(explained.decision, inquiries),
            scores(
                explained,
                feasible if every else feasible[:FEW],
                wide=output is Output.wide,
                show_headers=show_headers,
            ),
            more(len(feasible), every=every),
            rejections(explained, every=every, show_headers=show_headers),
            devices(explained, every=every),
        ]
        write("\n".join(part for part in parts if part))
    interruption.end()


def more(feasible: int, *, every: bool) -> str:
    """Return a line about the feasible nodes that are not shown."""
    return "" if every or feasible <= FEW else f"{feasible - FEW} more feasible nodes; --all shows them\n"


def unbound(engine: Engine, pod: Pod) -> Pod:
    """Return the pod without a node; remove it from the node that it has."""
    if not pod.spec.node_name:
        return pod
    import msgspec

    namespace, name = key_of(pod)
    engine.remove_pod(name, namespace)
    return msgspec.structs.replace(pod, spec=msgspec.structs.replace(pod.spec, node_name=None))


def plugins(explained: Explanation) -> list[str]:
    """Return the plugins that scored, by name."""
    return sorted({plugin for each in explained.scores.values() for plugin in each})


def in_order(explained: Explanation, sort_by: str) -> list[str]:
    """Return the feasible nodes in the order of ``sort_by``; equal ones by name.

    Raises:
        UsageError: There is no column of that name.
    """
    if sort_by == "name":
        return sorted(explained.totals)
    if sort_by == "total":
        return sorted(explained.totals, key=lambda name: (-explained.totals[name], name))
    known = plugins(explained)
    if sort_by not in known and known:
        raise UsageError(f"--sort-by {sort_by}: expected total, name or one of {', '.join(known)}")
    return sorted(explained.totals, key=lambda name: (-explained.scores[name][sort_by].weighted, name))


def headline(explained: Explanation) -> str:
    """Return the decision in one line."""
    decision = explained.decision
    pod = "/".join(key_of(decision.pod))
    if decision.node is None:
        return f"{pod}: {decision.message}\n"
    best = f"score {decision.total}" if decision.ties == 1 else f"score {decision.total}, {decision.ties} tie"
    return (
        f"{pod} goes to {decision.node} ({best}); {decision.feasible} of {len(explained.nodes)} nodes fit\n"
    )


def scores(explained: Explanation, nodes: Sequence[str], *, wide: bool, show_headers: bool) -> str:
    """Return feasible nodes × plugins that score."""
    names = plugins(explained)
    rows = [
        [
            node,
            explained.totals[node],
            *(score_cell(explained.scores[node][plugin], wide=wide) for plugin in names),
        ]
        for node in nodes
    ]
    return columns(["NODE", "TOTAL", *names], rows, show_headers=show_headers)


def score_cell(score: Score, *, wide: bool) -> str | int:
    """Return the table cell of a score."""
    return f"{score.raw}/{score.normalised}/{score.weighted}" if wide else score.weighted


def rejections(explained: Explanation, *, every: bool, show_headers: bool) -> str:
    """Return rejected nodes with the first plugin that rejects each, and why; equal rejections as one row.

    Args:
        explained: The explanation.
        every: Whether to show each node in a row of its own.
        show_headers: Whether to show the headers.
    """
    groups: dict[tuple[str, str], list[str]] = {}
    for name, verdict in sorted(explained.verdicts.items()):
        if verdict is not None:
            key = verdict.plugin or verdict.code, "; ".join(verdict.reasons)
            groups.setdefault(key, []).append(name)
    if every:
        rows = sorted([name, *key] for key, names in groups.items() for name in names)
        return columns(["NODE", "REJECTED BY", "REASONS"], rows, show_headers=show_headers)
    largest = sorted(groups.items(), key=lambda item: (-len(item[1]), item[1]))
    grouped: list[list[str | int]] = [[len(names), *key, _example(names)] for key, names in largest]
    return columns(["NODES", "REJECTED BY", "REASONS", "SUCH AS"], grouped, show_headers=show_headers)


def devices(explained: Explanation, *, every: bool) -> str:
    """Return which requests for devices fail on nodes, and why; equal reasons as one line."""
    groups: dict[str, list[str]] = {}
    for node, lines in sorted(explained.devices.items()):
        for line in lines:
            groups.setdefault(line, []).append(node)
    shown = list(groups.items())[: None if every else FEW]
    return "".join(f"{', '.join(nodes) if every else _example(nodes)}: {line}\n" for line, nodes in shown)


def _example(names: Sequence[str]) -> str:
    shown = ", ".join(names[:3])
    return f"{shown}, …" if len(names) > 3 else shown


def as_rows(
    explained: Explanation, feasible: Sequence[str]
) -> tuple[list[str], Iterator[list[str | int | None]]]:
    """Return the columns of ``-o csv``, and a row for each node: feasible ones in their order, then the rejected."""
    names = plugins(explained)

    def rows() -> Iterator[list[str | int | None]]:
        for node in feasible:
            weighted = (explained.scores[node][plugin].weighted for plugin in names)
            yield [node, explained.totals[node], *weighted, None, None]
        for node, verdict in sorted(explained.verdicts.items()):
            if verdict is not None:
                yield [
                    node,
                    None,
                    *(None for _ in names),
                    verdict.plugin or verdict.code,
                    "; ".join(verdict.reasons),
                ]

    return ["node", "total", *names, "rejectedBy", "reasons"], rows()
