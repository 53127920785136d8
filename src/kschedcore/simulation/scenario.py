"""The ``Scenario`` document: what happens to a cluster, and when.

.. code-block:: yaml

    apiVersion: simulation.kschedcore.dev/v1alpha1
    kind: Scenario
    metadata: {name: bad-day}
    spec:
      steps:
        - {at: 10h, failNodes: {zone: zone-a, for: 2h}}
        - {every: 7d, grow: {target: deployment/web, percent: 5}}

Spans of time are seconds or texts such as ``90s``, ``5m``, ``1h30m``, ``7d``, counted from the beginning of the
simulation unless a field says otherwise. Files are named relative to the scenario's own folder.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import msgspec

from kschedcore.manifests.strict import Fields
from kschedcore.nodes.runtimes.behaviour import Behaviour, Match

__all__ = [
    "API_VERSION", "KIND", "AddNodes", "Arrivals", "Curve", "Day", "Distribution", "Grow", "Load", "Lognormal",
    "NodeSet", "Scale", "Scenario", "SetImage", "Spec", "Step", "Trace", "TraceColumns", "TraceRequest", "is_scenario",
]  # fmt: skip

API_VERSION = "simulation.kschedcore.dev/v1alpha1"
KIND = "Scenario"

Span = str | float | int
Amount = str | float | int
Count = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
Number = Annotated[float, msgspec.Meta(ge=0)]


class NodeSet(Fields, frozen=True):
    """Which nodes are meant: those that match all given fields.

    Attributes:
        names: Names or patterns with ``*`` and ``?``; any by default.
        zone: Value of their label ``topology.kubernetes.io/zone``.
        count: Only so many of them, drawn from the seed.
        for_: After which time what was done to them is undone (a failed node repaired, a cordoned or drained
            one uncordoned); never by default.
        rebooted: Whether failed nodes come back rebooted, with what ran on them lost.
    """

    names: tuple[str, ...] = ()
    zone: str = ""
    count: Count | None = None
    for_: Span | None = msgspec.field(default=None, name="for")
    rebooted: bool = False


class Scale(Fields, frozen=True):
    """Set the replicas of a workload."""

    target: str
    replicas: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]


class Grow(Fields, frozen=True):
    """Let a workload grow, or shrink, by so many per cent of what it then has; exactly, rounded only when set."""

    target: str
    percent: Annotated[float, msgspec.Meta(ge=-100, le=1_000_000)]


class SetImage(Fields, frozen=True):
    """Give containers of a workload other images, by container name."""

    target: str
    images: dict[str, str]


class AddNodes(Fields, frozen=True):
    """Add nodes that look like one that is there, but for its name, taints by controllers and hostname.

    Attributes:
        like: The node to copy.
        count: How many.
        zone: Their zone; that of the copied node by default.
    """

    like: str
    count: Count = 1
    zone: str = ""


class Step(Fields, frozen=True):
    """One thing that happens, at a time or again and again.

    Attributes:
        at: When; with ``every``, when for the first time (after one ``every`` by default).
        every: How often.
        until: After which time no more.
        namespace: Of the objects that are named.
        apply: Manifests: files, or objects in place.
        delete: Objects, as ``kind/name``.
        scale: Replicas of a workload.
        grow: Growth of a workload.
        set_image: Images of a workload.
        rollout_restart: A workload whose pods are replaced.
        rollout_undo: A workload that goes back to its last revision.
        fail_nodes: Nodes that fall silent.
        repair_nodes: Nodes that speak again.
        cordon_nodes: Nodes that take no more pods.
        uncordon_nodes: Nodes that take pods again.
        drain_nodes: Nodes that are emptied as disruption budgets allow, daemons left where they are.
        add_nodes: New nodes.
        delete_nodes: Nodes that are taken away.
    """

    at: Span | None = None
    every: Span | None = None
    until: Span | None = None
    namespace: str = "default"
    apply: tuple[str | dict[str, Any], ...] | None = None
    delete: tuple[str, ...] | None = None
    scale: Scale | None = None
    grow: Grow | None = None
    set_image: SetImage | None = None
    rollout_restart: str | None = None
    rollout_undo: str | None = None
    fail_nodes: NodeSet | None = None
    repair_nodes: NodeSet | None = None
    cordon_nodes: NodeSet | None = None
    uncordon_nodes: NodeSet | None = None
    drain_nodes: NodeSet | None = None
    add_nodes: AddNodes | None = None
    delete_nodes: NodeSet | None = None

    def actions(self) -> Iterator[tuple[str, Any]]:
        """What is to be done, as the name of a field and its value."""
        for name in self.__struct_fields__:
            if name not in _TIMING and getattr(self, name) is not None:
                yield name, getattr(self, name)


_TIMING = ("at", "every", "until", "namespace")


class Lognormal(Fields, frozen=True):
    """Spans with this median whose logarithm is normally distributed with the standard deviation ``sigma``."""

    median: Span
    sigma: Number


class Distribution(Fields, frozen=True):
    """A distribution of spans of time; exactly one field is set.

    Attributes:
        constant: Always this one.
        exponential: Exponentially distributed with this mean; arrivals at such gaps are a Poisson process.
        lognormal: Lognormally distributed.
    """

    constant: Span | None = None
    exponential: Span | None = None
    lognormal: Lognormal | None = None


class TraceRequest(Fields, frozen=True):
    """The column of a trace with the request of a resource.

    Attributes:
        column: The column.
        unit: What follows its number in a quantity: ``m``, ``Mi``, nothing.
    """

    column: str
    unit: str = ""


class TraceColumns(Fields, frozen=True):
    """The columns of a trace.

    Attributes:
        arrival: When the pod comes, as a number of ``timeUnit`` or a timestamp.
        name: The pod's name; numbered by default.
        lifetime: For how long it runs, in ``timeUnit`` or as a duration; where it is empty, as the arrivals'
            ``lifetime`` says, and for ever when that is empty.
        departure: When it would go if it started on arrival; instead of ``lifetime``.
        requests: Amounts requested of the pod's first container, by resource; empty and zero request nothing.
        labels: Labels, by key; empty sets none.
    """

    arrival: str = "arrival"
    name: str | None = None
    lifetime: str | None = None
    departure: str | None = None
    requests: dict[str, TraceRequest] = msgspec.field(default_factory=dict)
    labels: dict[str, str] = msgspec.field(default_factory=dict)

    @property
    def says_ends(self) -> bool:
        """Whether a column says when pods end."""
        return self.lifetime is not None or self.departure is not None


class Trace(Fields, frozen=True):
    """Arrivals from a table.

    Attributes:
        file: CSV (plain or ``.gz``), ``.parquet``, or Arrow IPC (``.arrow``, ``.arrows``, ``.feather``, ``.ipc``).
        time_unit: How long a time of 1 is.
        columns: What its columns mean.
    """

    file: str
    time_unit: Span = 1
    columns: TraceColumns = TraceColumns()


class Arrivals(Fields, frozen=True):
    """Pods or Jobs that come over time; from a distribution (``every``) or a table (``trace``).

    Attributes:
        name: What they are called, with a number behind it.
        template: The Pod or Job, without a name.
        every: How long after one the next comes.
        trace: Where a table says when they come.
        lifetime: For how long each one's containers run; by default until they end by themselves.
        from_: When the first may come.
        until: After which time none comes.
        count: How many come at most.
    """

    name: str
    template: dict[str, Any]
    every: Distribution | None = None
    trace: Trace | None = None
    lifetime: Distribution | None = None
    from_: Span = msgspec.field(default=0, name="from")
    until: Span | None = None
    count: Count | None = None


class Day(Fields, frozen=True):
    """A sine wave with a period of a day.

    Attributes:
        low: The least, twelve hours from the peak.
        high: The most.
        peak: When of the simulation's day.
    """

    low: Amount
    high: Amount
    peak: Span = "14h"


class CurveStep(Fields, frozen=True):
    """An amount from some time on."""

    amount: Amount
    from_: Span = msgspec.field(default=0, name="from")


class Curve(Fields, frozen=True):
    """An amount over time; exactly one of ``constant``, ``steps`` and ``day`` is set.

    Attributes:
        constant: Always this one.
        steps: One after another; nothing before the first.
        day: Up and down with the day.
        growth_percent_per_week: By how much it is more with each week, compounded continuously.
    """

    constant: Amount | None = None
    steps: tuple[CurveStep, ...] = ()
    day: Day | None = None
    growth_percent_per_week: Annotated[float, msgspec.Meta(gt=-100)] = 0


class Load(Fields, frozen=True):
    """What containers use, for autoscalers and memory pressure; the first load that matches a container counts.

    Attributes:
        match: Whose, as in behaviours.
        cpu: Cores; by default the usage of the container's behaviour.
        memory: Bytes; likewise.
        per_container: Whether each container uses that much; otherwise all that match and run share it evenly.
    """

    match: Match = Match()
    cpu: Curve | None = None
    memory: Curve | None = None
    per_container: bool = False


class Spec(Fields, frozen=True):
    """What happens."""

    steps: tuple[Step, ...] = ()
    arrivals: tuple[Arrivals, ...] = ()
    loads: tuple[Load, ...] = ()
    behaviours: tuple[Behaviour, ...] = ()


class Metadata(Fields, frozen=True):
    """The scenario's name."""

    name: str = ""


class Scenario(Fields, frozen=True):
    """A document of kind ``Scenario``."""

    api_version: str
    kind: str
    spec: Spec
    metadata: Metadata = Metadata()


def is_scenario(data: Any) -> bool:
    """Whether a document claims to be a scenario."""
    return isinstance(data, Mapping) and data.get("kind") == KIND
