"""The ``Scenario`` document: the events of a simulation, and their times.

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
    """A selection of nodes: those that match all given fields.

    Attributes:
        names: Names or patterns with ``*`` and ``?``; any by default.
        zone: Value of their label ``topology.kubernetes.io/zone``.
        count: Only this many of them, chosen at random by the seed.
        for_: The time after which the action is undone (a failed node repaired, a cordoned or drained one
            uncordoned); never by default.
        rebooted: Whether repaired nodes have been rebooted, so that their containers are lost.
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
    """Scale a workload by a percentage; the exact value is compounded, and rounded only when set."""

    target: str
    percent: Annotated[float, msgspec.Meta(ge=-100, le=1_000_000)]


class SetImage(Fields, frozen=True):
    """Set images of a workload's containers, by container name."""

    target: str
    images: dict[str, str]


class AddNodes(Fields, frozen=True):
    """Add copies of an existing node, without its name, hostname and taints by controllers.

    Attributes:
        like: The node to copy.
        count: Number of nodes.
        zone: The zone; that of the copied node by default.
    """

    like: str
    count: Count = 1
    zone: str = ""


class Step(Fields, frozen=True):
    """One action, at a time or repeatedly.

    Attributes:
        at: The time; with ``every``, that of the first time (one ``every`` by default).
        every: The interval of repetition.
        until: The time after which it is not repeated.
        namespace: The namespace of named objects.
        apply: Manifests: files, or objects in place.
        delete: Objects, as ``kind/name``.
        scale: Replicas of a workload.
        grow: Growth of a workload.
        set_image: Images of a workload.
        rollout_restart: A workload to restart.
        rollout_undo: A workload to roll back to its previous revision.
        fail_nodes: Nodes that fail.
        repair_nodes: Nodes to repair.
        cordon_nodes: Nodes to cordon.
        uncordon_nodes: Nodes to uncordon.
        drain_nodes: Nodes to drain, as disruption budgets allow, without DaemonSet pods.
        add_nodes: New nodes.
        delete_nodes: Nodes to delete.
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
        """The actions, as names and values of fields."""
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
        constant: A constant value.
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
        unit: The suffix of its quantities: ``m``, ``Mi``, or empty.
    """

    column: str
    unit: str = ""


class TraceColumns(Fields, frozen=True):
    """The columns of a trace.

    Attributes:
        arrival: Arrival time of the pod, as a number of ``timeUnit`` or a timestamp.
        name: The pod's name; numbered by default.
        lifetime: Run time, in ``timeUnit`` or as a duration; if empty, the arrivals' ``lifetime``, and endless without
            one.
        departure: End time if the pod started on arrival; instead of ``lifetime``.
        requests: Requests of the pod's first container, by resource; empty and zero mean none.
        labels: Labels, by key; empty means none.
    """

    arrival: str = "arrival"
    name: str | None = None
    lifetime: str | None = None
    departure: str | None = None
    requests: dict[str, TraceRequest] = msgspec.field(default_factory=dict)
    labels: dict[str, str] = msgspec.field(default_factory=dict)

    @property
    def has_ends(self) -> bool:
        """Whether a column has the end of pods."""
        return self.lifetime is not None or self.departure is not None


class Trace(Fields, frozen=True):
    """Arrivals from a table.

    Attributes:
        file: CSV (plain or ``.gz``), ``.parquet``, or Arrow IPC (``.arrow``, ``.arrows``, ``.feather``, ``.ipc``).
        time_unit: The unit of times.
        columns: The columns.
    """

    file: str
    time_unit: Span = 1
    columns: TraceColumns = TraceColumns()


class Arrivals(Fields, frozen=True):
    """Arrivals of pods or Jobs; from a distribution (``every``) or a table (``trace``).

    Attributes:
        name: The prefix of their names, followed by a number.
        template: The Pod or Job, without a name.
        every: Time between arrivals.
        trace: A table of arrivals.
        lifetime: Run time of their containers; by default until they terminate by themselves.
        from_: Time before which none arrives.
        until: Time after which none arrives.
        count: Maximum number.
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
        low: The minimum, twelve hours from the peak.
        high: The maximum.
        peak: Time of the peak in the simulation's day.
    """

    low: Amount
    high: Amount
    peak: Span = "14h"


class CurveStep(Fields, frozen=True):
    """An amount from a time on."""

    amount: Amount
    from_: Span = msgspec.field(default=0, name="from")


class Curve(Fields, frozen=True):
    """An amount over time; exactly one of ``constant``, ``steps`` and ``day`` is set.

    Attributes:
        constant: A constant value.
        steps: Amounts from times on; 0 before the first.
        day: A daily sine wave.
        growth_percent_per_week: Growth per week, compounded continuously.
    """

    constant: Amount | None = None
    steps: tuple[CurveStep, ...] = ()
    day: Day | None = None
    growth_percent_per_week: Annotated[float, msgspec.Meta(gt=-100)] = 0


class Load(Fields, frozen=True):
    """The usage of containers, for autoscalers and memory pressure; the first load that matches a container applies.

    Attributes:
        match: The containers, as in behaviours.
        cpu: Cores; by default the usage of the container's behaviour.
        memory: Bytes; likewise.
        per_container: Whether each container uses the amount; otherwise matching running containers share it evenly.
    """

    match: Match = Match()
    cpu: Curve | None = None
    memory: Curve | None = None
    per_container: bool = False


class Spec(Fields, frozen=True):
    """The content of a scenario."""

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
    """Return whether a document has the apiVersion and kind of a scenario."""
    return isinstance(data, Mapping) and data.get("kind") == KIND
