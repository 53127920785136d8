"""``kschedcore simulate -f …``: run a cluster through scenarios of load and failures in simulated time."""

from __future__ import annotations

import enum
import signal
import sys
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kschedcore.cli.amounts import duration_text
from kschedcore.cli.counts import check_counts
from kschedcore.cli.coverage import report_not_considered
from kschedcore.cli.exits import INTERRUPTED
from kschedcore.cli.inputs import NOT_FOLLOWED, note, read_config, release
from kschedcore.cli.options import SchedulerFlags, Sources, Strict
from kschedcore.cli.output import Output, columns, emit, emit_csv, write
from kschedcore.cli.progress import measured
from kschedcore.cli.sources import documents_of, validation_of
from kschedcore.errors import APIWarning, UsageError

if TYPE_CHECKING:
    from kschedcore.simulation import Simulation

__all__ = ["EPILOG", "command"]

EPILOG = """\
A scenario is a document of kind Scenario (apiVersion: simulation.kschedcore.dev/v1alpha1) among the files. A bad day:
  spec: {steps: [{at: 10h, failNodes: {zone: zone-a, for: 2h}}]}
A quarter, with --duration 13w:
  spec: {steps: [{every: 7d, grow: {target: deployment/web, percent: 5}}]}
Steps: apply, delete, scale, grow, setImage, rolloutRestart, rolloutUndo, failNodes, repairNodes, cordonNodes,
uncordonNodes, drainNodes, addNodes, deleteNodes. spec.arrivals: pods and jobs over time; spec.loads: usage over time;
spec.behaviours: how containers act.

Example:
  kschedcore simulate -f cluster.yaml -f app.yaml -f bad-day.yaml --duration 24h
"""


class Results(enum.StrEnum):
    """The values of ``-o`` here."""

    table = "table"
    json = "json"
    csv = "csv"
    parquet = "parquet"


Duration = Annotated[
    str, typer.Option("--duration", metavar="TIME", help="For how long to simulate: 90m, 24h, 7d, 13w.")
]
Seed = Annotated[int, typer.Option("--seed", metavar="N", help="For everything that is drawn.")]
Format = Annotated[
    Results,
    typer.Option(
        "-o", "--output", help="How to print the summary; parquet needs --output-dir, and prints none."
    ),
]
OutputDir = Annotated[
    Path | None,
    typer.Option(
        "--output-dir",
        metavar="FOLDER",
        help="Write pods.parquet, events.parquet, samples.parquet and summary.json there, for kschedcore diff.",
    ),
]
SampleEvery = Annotated[
    str | None,
    typer.Option(
        "--sample-every",
        metavar="TIME",
        help="How often to sample utilisation; a 288th of the time by default.",
    ),
]


def command(
    sources: Sources,
    scheduler: SchedulerFlags,
    duration: Duration = "24h",
    seed: Seed = 0,
    strict: Strict = False,
    sample_every: SampleEvery = None,
    output: Format = Results.table,
    output_dir: OutputDir = None,
) -> None:
    """Put the manifests' cluster and workloads through scenarios, in simulated time, and say how they fared.

    The same files and seed give the same results. Ctrl-C ends a run early; its results are marked partial, and
    the exit status is 130.
    """
    from kschedcore.manifests.fields import check_documents
    from kschedcore.simulation import Simulation
    from kschedcore.simulation.scenario import is_scenario

    if output is Results.parquet and output_dir is None:
        raise UsageError("-o parquet: needs a folder to write to; name one with --output-dir")
    chosen = None if scheduler.config is None else read_config(scheduler.config)
    documents = documents_of(sources)
    for warning in check_documents(
        [each for each in documents if not is_scenario(each.data)], validation_of(sources)
    ):
        sys.stderr.write(f"warning: {warning}\n")
    check_counts(document.data for document in documents)
    with warnings.catch_warnings():
        # Fields of new objects were checked above, with their places; those of a dump may be of a later version.
        warnings.filterwarnings("ignore", "unknown field", APIWarning)
        simulation = Simulation(
            documents,
            duration,
            seed=seed,
            config=chosen,
            release=release(scheduler),
            sample_every=sample_every,
        )
    if simulation.ignores_config:
        note(NOT_FOLLOWED)
    report_not_considered(simulation.cluster.left_aside, strict=strict)
    with measured(f"simulating {duration}", "pods") as progress, _stopping(simulation):
        summary = simulation.run_to(output_dir, progress)
    if output is Results.json:
        emit(summary, Output.json)
    elif output is Results.table:
        write(_table(summary))
    elif output is Results.csv:
        emit_csv(("about", "name", "figure", "value"), rows_of(summary))
    if summary["partial"]:
        raise typer.Exit(INTERRUPTED)


@contextmanager
def _stopping(simulation: Simulation) -> Iterator[None]:
    """Have Ctrl-C end the simulation between two events, rather than in the middle of one."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, lambda *_: simulation.stop())
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def rows_of(summary: Mapping[str, Any]) -> Iterator[list[str | float | None]]:
    """Yield every figure of a summary as a row: what it is about, its name there, the figure and its value."""
    for about in ("pods", "pendingSeconds", "disruptions"):
        for figure, value in summary[about].items():
            yield [about, "", figure, value]
    yield ["run", "", "simulatedSeconds", summary["simulatedSeconds"]]
    yield ["run", "", "quotaRefusals", summary["quotaRefusals"]]
    for zone, resources in summary["zones"].items():
        for resource, figures in resources.items():
            yield from (["zone", zone, f"{resource} {figure}", value] for figure, value in figures.items())
    for name, app in summary["apps"].items():
        for figure, value in app.items():
            if figure != "disruptions":
                yield ["app", name, figure, value]
        yield from (
            ["app", name, f"disruptions {cause}", count] for cause, count in app["disruptions"].items()
        )


def _table(summary: Mapping[str, Any]) -> str:
    head = f"{duration_text(summary['simulatedSeconds'])} simulated, seed {summary['seed']}"
    head += " (partial: interrupted)\n" if summary["partial"] else "\n"
    figures: list[list[str | float]] = [[f"pods {name}", count] for name, count in summary["pods"].items()]
    figures += [[f"pending {name}", duration_text(each)] for name, each in summary["pendingSeconds"].items()]
    figures += [[f"disrupted by {name}", count] for name, count in summary["disruptions"].items()]
    figures.append(["refused by quotas", summary["quotaRefusals"]])
    zones = [
        [zone or "-", resource, *(f"{part:.1%}" for part in figures.values())]
        for zone, resources in summary["zones"].items()
        for resource, figures in resources.items()
    ]
    apps = [
        [name, _or_dash(app["desired"]), app["mostMissing"], duration_text(app["unavailableSeconds"]),
         duration_text(app["missingPodSeconds"]), sum(app["disruptions"].values())]
        for name, app in summary["apps"].items()
    ]  # fmt: skip
    parts = [
        head + columns(["FIGURE", "VALUE"], figures),
        columns(["ZONE", "RESOURCE", "REQUESTED", "MOST REQUESTED", "STRANDED"], zones),
        columns(["APP", "DESIRED", "MOST MISSING", "UNAVAILABLE", "MISSING PODS' TIME", "DISRUPTIONS"], apps),
    ]
    return "\n".join(part for part in parts if part)


def _or_dash(value: int | None) -> int | str:
    return "-" if value is None else value
