"""``kschedcore explain POD -f …``: every node's verdict and every plugin's score."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from kschedcore.api.versions import NEWEST
from kschedcore.cli.inputs import build_engine, find_pod, load, release
from kschedcore.cli.names import key_of
from kschedcore.cli.options import (
    ConfigFile,
    FeatureGates,
    Filenames,
    KubernetesVersion,
    Namespace,
    NoHeaders,
    OutputFormat,
    Replicas,
)
from kschedcore.cli.output import Output, columns, document, emit, write
from kschedcore.errors import UsageError

if TYPE_CHECKING:
    from kschedcore.api.objects import Pod
    from kschedcore.engine.engine import Engine
    from kschedcore.engine.explanation import Explanation, Score

__all__ = ["EPILOG", "command"]

EPILOG = "Example: kschedcore explain web-0 -f cluster.json -f app.yaml --sort-by NodeResourcesFit"

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
    filename: Filenames = None,
    namespace: Namespace = None,
    sort_by: SortBy = "total",
    replicas: Replicas = None,
    config: ConfigFile = None,
    kubernetes: KubernetesVersion = NEWEST,
    feature_gates: FeatureGates = None,
    output: OutputFormat = Output.table,
    no_headers: NoHeaders = False,
) -> None:
    """Show what every plugin says of every node for one pod.

    The cluster is taken as it stands in the manifests: no other pending pod is placed before this one, and a
    pod that has a node is taken off it first. Scores are normalised and weighted, as they add up to the total;
    -o wide shows them as raw/normalised/weighted.
    """
    manifests = load(filename, namespace=namespace, replicas=replicas)
    engine = build_engine(manifests, config=config, release=release(kubernetes, feature_gates))
    explained = engine.explain(unbound(engine, find_pod(manifests, pod, namespace=namespace)))
    feasible = in_order(explained, sort_by)
    if output.is_document:
        emit(as_document(explained, feasible), output)
    elif output is Output.name:
        write("".join(f"node/{name}\n" for name in feasible))
    else:
        show_headers = not no_headers
        parts = [
            headline(explained),
            scores(explained, feasible, wide=output is Output.wide, show_headers=show_headers),
            rejections(explained, show_headers=show_headers),
        ]
        write("\n".join(part for part in parts if part))


def unbound(engine: Engine, pod: Pod) -> Pod:
    """Return the pod without a node, taken off the one that it has."""
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
    """Return the feasible nodes in the order asked for; equal ones by name.

    Raises:
        UsageError: Nothing of that name can be sorted by.
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
        [node, explained.totals[node], *(told(explained.scores[node][plugin], wide=wide) for plugin in names)]
        for node in nodes
    ]
    return columns(["NODE", "TOTAL", *names], rows, show_headers=show_headers)


def told(score: Score, *, wide: bool) -> str | int:
    """Return a score as a cell."""
    return f"{score.raw}/{score.normalised}/{score.weighted}" if wide else score.weighted


def rejections(explained: Explanation, *, show_headers: bool) -> str:
    """Return rejected nodes with the first plugin that rejects each, and why."""
    rows = [
        [name, verdict.plugin or verdict.code, "; ".join(verdict.reasons)]
        for name, verdict in sorted(explained.verdicts.items())
        if verdict is not None
    ]
    return columns(["NODE", "REJECTED BY", "REASONS"], rows, show_headers=show_headers)


def as_document(explained: Explanation, feasible: Sequence[str]) -> dict[str, object]:
    """Return the whole explanation for programs."""
    return document("Explanation", **explained.to_dict(feasible))
