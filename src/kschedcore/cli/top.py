"""``kschedcore top -f …``: what is free in a cluster, where, and in what pieces."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Final

import typer

from kschedcore.cli.amounts import amount, share
from kschedcore.cli.coverage import not_considered, report_coverage
from kschedcore.cli.inputs import build_engine, load
from kschedcore.cli.options import NoHeaders, SchedulerFlags, Sources, Strict
from kschedcore.cli.output import NONE, NOTHING, Output, columns, document, emit, emit_csv, write
from kschedcore.errors import UsageError

if TYPE_CHECKING:
    from kschedcore.api.objects import Node
    from kschedcore.manifests.manifests import Manifests
    from kschedcore.planning.headroom import Group, Headroom, NamespaceUse, ResourceAmounts

__all__ = ["EPILOG", "command"]

EPILOG = """\
The pool of a node is the value of the label that its cloud or tool gives it, such as karpenter.sh/nodepool,
cloud.google.com/gke-nodepool, eks.amazonaws.com/nodegroup or kubernetes.azure.com/agentpool; --group-by names another.

Examples:
  kubectl get nodes,pods -A -o json | kschedcore top -f -
  kschedcore top -f cluster.json --group-by node.kubernetes.io/instance-type -o wide
  kschedcore top -f cluster.json --group-by node -l pool=gpu -o csv
"""

_DEFAULT: Final = ("pool", "zone", "namespace")

_ALWAYS_THERE: Final = frozenset({"pods", "ephemeral-storage"})
"""Resources of every node, which are shown with -o wide only; so are huge pages."""

FIELDS: Final = (
    "by", "name", "nodes", "usable", "pods", "resource", "allocatable", "requested", "free", "nodesWithFree", "largest",
    "largestOn",
)  # fmt: skip
"""The columns of ``-o csv``."""


class Format(enum.StrEnum):
    """Values of ``-o`` here."""

    table = "table"
    wide = "wide"
    json = "json"
    yaml = "yaml"
    csv = "csv"


GroupBy = Annotated[
    list[str] | None,
    typer.Option(
        "--group-by",
        metavar="pool|zone|namespace|node|LABEL",
        help="What to sum up by, instead of pool, zone and namespace; any label of nodes. Repeatable.",
    ),
]
NodeSelector = Annotated[
    str | None,
    typer.Option("-l", "--selector", metavar="SELECTOR", help="Look at nodes whose labels match only."),
]
OutputFormat = Annotated[Format, typer.Option("-o", "--output", help="How to print.")]


def command(
    sources: Sources,
    scheduler: SchedulerFlags,
    group_by: GroupBy = None,
    selector: NodeSelector = None,
    strict: Strict = False,
    output: OutputFormat = Format.table,
    no_headers: NoHeaders = False,
) -> None:
    """Show what nodes have, what their pods request, what is free, and the largest hole on one node.

    Amounts are summed up by node pool, zone and namespace. What is free counts on nodes that may take pods only. A
    hole is what one node has free: it bounds the pod that fits, however much is free in all.
    """
    from kschedcore.planning.headroom import headroom

    manifests = load(sources)
    engine = build_engine(manifests, scheduler)
    report_coverage(manifests, strict=strict)
    nodes = _select(manifests, selector)
    wanted = list(dict.fromkeys(group_by or _DEFAULT))
    if "" in wanted:
        raise UsageError("--group-by '': expected pool, zone, namespace, node or a label")
    found = headroom(manifests, engine, [each for each in wanted if each != "namespace"], nodes=nodes)
    with_namespaces = "namespace" in wanted
    if output in (Format.json, Format.yaml):
        emit(as_document(found, manifests, with_namespaces=with_namespaces), Output(output.value))
    elif output is Format.csv:
        emit_csv(FIELDS, rows_of(found, with_namespaces=with_namespaces), show_headers=not no_headers)
    else:
        wide = output is Format.wide
        shown = _resources(found, wide=wide)
        tables = [
            _table(
                by, [each for each in found.groups if each.by == by], shown, wide=wide, headers=not no_headers
            )
            for by in wanted
            if by != "namespace"
        ]
        if with_namespaces:
            tables.append(_namespaces(found, shown, headers=not no_headers))
        parts = [*tables, "".join(f"{line}\n" for line in [*fragments(found, shown), *_unusable(found)])]
        write("\n".join(part for part in parts if part))


def _select(manifests: Manifests, selector: str | None) -> list[Node]:
    """Return the nodes that ``-l`` selects.

    Raises:
        UsageError: The selector cannot be parsed, or there is no such node.
    """
    from kschedcore.api.selectors import parse_selector

    try:
        matches = parse_selector(selector or "").matches
    except ValueError as error:
        raise UsageError(f"--selector {selector}: {error}") from None
    nodes = [node for node in manifests.nodes if matches(node.metadata.labels or {})]
    if not nodes:
        raise UsageError(f"-l {selector}: selects no node" if selector else "the manifests hold no nodes")
    return nodes


def _resources(found: Headroom, *, wide: bool) -> list[str]:
    """Return the resources to show: cpu and memory first, then those of the nodes; with ``wide`` also what all have."""
    first = [each for each in ("cpu", "memory") if each in found.total.resources]
    others = [each for each in sorted(found.total.resources) if each not in first]
    if not wide:
        others = [each for each in others if each not in _ALWAYS_THERE and not each.startswith("hugepages-")]
    return [each for each in [*first, *others] if found.total.resources[each].allocatable]


def _table(by: str, groups: Sequence[Group], resources: Sequence[str], *, wide: bool, headers: bool) -> str:
    """Return a row for each group and each resource that it has."""
    titles = [
        by.rpartition("/")[2].upper(),
        "NODES",
        "RESOURCE",
        "ALLOCATABLE",
        "REQUESTED",
        "FREE",
        "LARGEST HOLE",
    ]
    if wide:
        titles += ["ON", "PODS", "FRAGMENTED"]
    rows: list[list[str | int]] = []
    for group in groups:
        for resource in resources:
            amounts = group.resources.get(resource)
            if amounts is None or not (amounts.allocatable or amounts.requested):
                continue
            row: list[str | int] = [
                group.name or NONE,
                group.nodes,
                resource,
                amount(resource, amounts.allocatable),
                f"{amount(resource, amounts.requested)} ({share(amounts.requested, amounts.allocatable)})",
                amount(resource, amounts.free),
                amount(resource, amounts.largest),
            ]
            rows.append(
                [*row, amounts.largest_on or NOTHING, group.pods, f"{amounts.fragmentation:.0%}"]
                if wide
                else row
            )
    return columns(titles, rows, show_headers=headers)


def _namespaces(found: Headroom, resources: Iterable[str], *, headers: bool) -> str:
    rows: list[list[str | int]] = [
        [
            each.name,
            each.pods,
            resource,
            amount(resource, each.requested[resource]),
            share(each.requested[resource], found.total.resources[resource].allocatable),
        ]
        for each in found.namespaces
        for resource in resources
        if each.requested.get(resource)
    ]
    return columns(["NAMESPACE", "PODS", "RESOURCE", "REQUESTED", "OF ALL"], rows, show_headers=headers)


def fragments(found: Headroom, resources: Iterable[str]) -> Iterator[str]:
    """Yield a line for each resource: how much is free on how many nodes, and the most that one of them has."""
    for resource in resources:
        amounts = found.total.resources[resource]
        if not amounts.free:
            yield f"{resource}: none free"
        elif amounts.nodes == 1:
            yield f"{resource}: {amount(resource, amounts.free)} free, on {amounts.largest_on}"
        else:
            yield (
                f"{resource}: {amount(resource, amounts.free)} free on {amounts.nodes:,} nodes,"
                f" one node has {amount(resource, amounts.largest)} ({amounts.largest_on})"
            )


def _unusable(found: Headroom) -> Iterator[str]:
    out = found.total.nodes - found.total.usable
    if out:
        verb = "is" if out == 1 else "are"
        yield f"{out:,} of {found.total.nodes:,} nodes {verb} cordoned or not ready: what they have free does not count"


def rows_of(found: Headroom, *, with_namespaces: bool) -> Iterator[list[str | int | None]]:
    """Yield a row for each group and resource under :data:`FIELDS`; namespaces have no nodes."""
    for group in found.groups:
        for resource, amounts in group.resources.items():
            yield [
                group.by, group.name, group.nodes, group.usable, group.pods, resource, amounts.allocatable,
                amounts.requested, amounts.free, amounts.nodes, amounts.largest, amounts.largest_on,
            ]  # fmt: skip
    for each in found.namespaces if with_namespaces else ():
        for resource, requested in sorted(each.requested.items()):
            empty = [None] * 4
            yield ["namespace", each.name, None, None, each.pods, resource, None, requested, *empty]


def as_document(found: Headroom, manifests: Manifests, *, with_namespaces: bool) -> dict[str, object]:
    """Return everything for programs."""
    content: dict[str, object] = {
        "total": _group_document(found.total),
        "groups": [{"by": each.by, "name": each.name, **_group_document(each)} for each in found.groups],
        "notConsidered": not_considered(manifests),
    }
    if with_namespaces:
        content["namespaces"] = [_namespace_document(each) for each in found.namespaces]
    return document("TopResult", **content)


def _group_document(group: Group) -> dict[str, object]:
    return {
        "nodes": group.nodes,
        "usable": group.usable,
        "pods": group.pods,
        "resources": {resource: _amounts_document(amounts) for resource, amounts in group.resources.items()},
    }


def _amounts_document(amounts: ResourceAmounts) -> Mapping[str, object]:
    return {
        "allocatable": amounts.allocatable,
        "requested": amounts.requested,
        "free": amounts.free,
        "nodesWithFree": amounts.nodes,
        "largest": amounts.largest,
        "largestOn": amounts.largest_on or None,
        "fragmentation": round(amounts.fragmentation, 4),
    }


def _namespace_document(use: NamespaceUse) -> dict[str, object]:
    return {"name": use.name, "pods": use.pods, "requested": dict(sorted(use.requested.items()))}
