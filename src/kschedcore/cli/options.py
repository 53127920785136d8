"""The flags that several commands share, under kubectl's names."""

from __future__ import annotations

import enum
from typing import Annotated

import typer

from kschedcore.cli.output import Output

__all__ = [
    "ConfigFile",
    "FeatureGates",
    "Filenames",
    "KubernetesVersion",
    "LabelSelector",
    "Namespace",
    "NoHeaders",
    "OutputFormat",
    "Replicas",
    "Seed",
    "Strict",
    "TieBreak",
    "TieBreakPolicy",
]


class TieBreak(enum.StrEnum):
    """What ``--tie-break`` takes: the first of the best nodes by name, or a random one of them."""

    first = "first"
    random = "random"


Filenames = Annotated[
    list[str] | None,
    typer.Option(
        "-f",
        "--filename",
        metavar="PATH",
        help="Manifests to read: a file, a folder, or - for standard input; YAML, JSON, gzip. Repeatable.",
    ),
]
Namespace = Annotated[
    str | None,
    typer.Option(
        "-n",
        "--namespace",
        metavar="NAMESPACE",
        help="Look at pods of this namespace only; it is also that of manifests that name none.",
    ),
]
LabelSelector = Annotated[
    str | None,
    typer.Option(
        "-l", "--selector", metavar="SELECTOR", help="Look at pods whose labels match, as in kubectl -l."
    ),
]
OutputFormat = Annotated[Output, typer.Option("-o", "--output", help="How to print.")]
NoHeaders = Annotated[bool, typer.Option("--no-headers", help="Print tables without their first line.")]
Replicas = Annotated[
    list[str] | None,
    typer.Option(
        "--replicas",
        metavar="[NAME=]N",
        help="Replicas to assume instead of the manifests', for every workload or the one named. Repeatable.",
    ),
]
ConfigFile = Annotated[
    str | None,
    typer.Option(
        "--config",
        metavar="PATH",
        help="A KubeSchedulerConfiguration to follow instead of the default; its extenders are called.",
    ),
]
KubernetesVersion = Annotated[
    str,
    typer.Option(
        "--kubernetes", metavar="VERSION", help="The version of kube-scheduler to decide as: 1.34 or 1.36."
    ),
]
FeatureGates = Annotated[
    str | None,
    typer.Option(
        "--feature-gates",
        metavar="A=true,B=false",
        help="Feature gates, as Kubernetes names them, that differ from the version's defaults.",
    ),
]
TieBreakPolicy = Annotated[
    TieBreak,
    typer.Option(
        "--tie-break", metavar="POLICY", help="Which of the best nodes to take: first (by name) or random."
    ),
]
Strict = Annotated[
    bool,
    typer.Option(
        "--strict", help="Fail if the manifests hold objects that are not considered, such as custom ones."
    ),
]
Seed = Annotated[int, typer.Option("--seed", metavar="N", help="Where --tie-break random starts.")]
