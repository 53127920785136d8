"""The flags that several commands share, under kubectl's names.

Flags that always come together are fields of a dataclass, an option group, see :mod:`kschedcore.cli.groups`.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Annotated

import typer

from kschedcore.api.versions import NEWEST
from kschedcore.cli.output import Output

__all__ = [
    "ClusterChanges",
    "NoHeaders",
    "OutputFormat",
    "SchedulerFlags",
    "Seed",
    "Selection",
    "Sources",
    "Strict",
    "TieBreak",
    "TieBreakPolicy",
]


class TieBreak(enum.StrEnum):
    """The values of ``--tie-break``: the first of the best nodes by name, or a random one of them."""

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
Kustomizations = Annotated[
    list[str] | None,
    typer.Option(
        "-k",
        "--kustomize",
        metavar="FOLDER",
        help="A folder with a kustomization to build, by kubectl or kustomize. Repeatable.",
    ),
]
Recursive = Annotated[
    bool, typer.Option("-R", "--recursive", help="Also read the folders in the folders that -f names.")
]
Validate = Annotated[
    str,
    typer.Option(
        "--validate",
        metavar="strict|warn|ignore",
        help="What happens to fields that do not exist: refused, warned about or ignored, as with kubectl.",
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
AllNamespaces = Annotated[
    bool,
    typer.Option("-A", "--all-namespaces", help="Look at the pods of every namespace, whatever -n says."),
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

AddNode = Annotated[
    list[str] | None,
    typer.Option(
        "--add-node",
        metavar="NODE|FILE=N",
        help="What if there were N more nodes like this one, or like the Node in a file? Repeatable.",
    ),
]
RemoveNode = Annotated[
    list[str] | None,
    typer.Option(
        "--remove-node",
        metavar="NODE|SELECTOR",
        help="What if these nodes were gone, and their pods had to go elsewhere? Repeatable.",
    ),
]
Drain = Annotated[
    list[str] | None,
    typer.Option(
        "--drain",
        metavar="NODE|SELECTOR",
        help="What if these nodes were drained? DaemonSet pods stay, others have to go elsewhere. Repeatable.",
    ),
]
WithoutZone = Annotated[
    list[str] | None,
    typer.Option("--without-zone", metavar="ZONE", help="What if this zone were gone? Repeatable."),
]
Taint = Annotated[
    list[str] | None,
    typer.Option(
        "--taint",
        metavar="NODE=KEY[=VALUE]:EFFECT",
        help="What if the node had this taint? SELECTOR:KEY[=VALUE]:EFFECT taints the nodes with these labels; a - at"
        " the end removes the taint. Repeatable.",
    ),
]
Scale = Annotated[
    list[str] | None,
    typer.Option(
        "--scale",
        metavar="[NAMESPACE/]KIND/NAME=N",
        help="What if the workload had N replicas? As in deployment/web=10. Repeatable.",
    ),
]


@dataclass(frozen=True, slots=True)
class Sources:
    """Flags that select the manifests, and how they are read.

    Attributes:
        filename: Files, folders and ``-``.
        kustomize: Folders with kustomizations.
        recursive: Whether to read folders within folders.
        validate: What happens to fields that do not exist: strict, warn or ignore.
    """

    filename: Filenames = None
    kustomize: Kustomizations = None
    recursive: Recursive = False
    validate: Validate = "strict"


@dataclass(frozen=True, slots=True)
class Selection:
    """Flags that select the pods of a command.

    Attributes:
        namespace: The namespace of the pods; None for all.
        all_namespaces: Whether to ignore ``namespace``.
        selector: A label selector of the pods.
    """

    namespace: Namespace = None
    all_namespaces: AllNamespaces = False
    selector: LabelSelector = None

    @property
    def only(self) -> str | None:
        """The only selected namespace; None for all."""
        return None if self.all_namespaces else self.namespace


@dataclass(frozen=True, slots=True)
class ClusterChanges:
    """Flags that change the cluster before the command runs.

    Attributes:
        replicas: Replicas by workload.
        add_node: Nodes to add.
        remove_node: Nodes to remove.
        drain: Nodes to drain.
        without_zone: Zones to remove.
        taint: Taints to add or remove.
        scale: Workloads to scale.
    """

    replicas: Replicas = None
    add_node: AddNode = None
    remove_node: RemoveNode = None
    drain: Drain = None
    without_zone: WithoutZone = None
    taint: Taint = None
    scale: Scale = None


@dataclass(frozen=True, slots=True)
class SchedulerFlags:
    """Flags that configure the scheduler.

    Attributes:
        config: The file of a KubeSchedulerConfiguration.
        kubernetes: The Kubernetes version.
        feature_gates: Feature gates that differ from the version's defaults.
    """

    config: ConfigFile = None
    kubernetes: KubernetesVersion = NEWEST
    feature_gates: FeatureGates = None
