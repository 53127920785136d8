"""A simulation: a simulated cluster, scenarios, and their recorded results."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from kschedcore.api.durations import Span, duration
from kschedcore.api.machinery.status import StatusError
from kschedcore.api.versions import DEFAULT, Release
from kschedcore.clock import START, SimulatedClock
from kschedcore.cluster import Cluster
from kschedcore.errors import KschedcoreError, ManifestError, UsageError
from kschedcore.manifests.loading import Document
from kschedcore.nodes.runtimes.behaviours import Behaviours
from kschedcore.simulation.arrivals import Arrival, arrivals_of
from kschedcore.simulation.loads import LoadedRuntime
from kschedcore.simulation.reading import read_scenario
from kschedcore.simulation.recorder import QUOTA, Recorder
from kschedcore.simulation.rows import KINDS, Take
from kschedcore.simulation.rundirectory import KIND, Run, RunWriter
from kschedcore.simulation.scenario import Arrivals, Scenario, is_scenario
from kschedcore.simulation.steps import StepRunner
from kschedcore.simulation.summary import summary
from kschedcore.version import __version__

__all__ = ["Simulation"]

CONFIG = "KubeSchedulerConfiguration"

SAMPLES = 288
"""Default number of samples: one every five minutes of a day."""

_CENTURY = timedelta(days=36525)

_INSTANT = timedelta(microseconds=1)
"""Delay of samples, so that all events of their time have been processed."""

API_VERSION = "kschedcore.dev/v1alpha1"

Progress = Callable[[float, int], None]
"""Progress callback: the elapsed fraction of the time, from 0 to 1, and the number of pods."""


class Simulation:
    """A cluster in simulated time, and the scenarios to run on it.

    Args:
        documents: The initial objects of the cluster, scenarios, and possibly a KubeSchedulerConfiguration.
        span: The duration to simulate.
        seed: Seed of all random choices.
        release: The Kubernetes version and feature gates to follow.
        config: A KubeSchedulerConfiguration to use instead of the default. One among the documents is not used: it
            may have extenders, to which pods would be sent.
        sample_every: The interval of samples; a 288th of ``span`` by default.

    Raises:
        ManifestError: A document or a trace cannot be read, or the API refuses an object.
        UsageError: ``span`` or ``sample_every`` is not a time above 0.
    """

    def __init__(
        self,
        documents: Iterable[Document],
        span: Span,
        *,
        seed: int = 0,
        config: Mapping[str, Any] | None = None,
        release: Release = DEFAULT,
        sample_every: Span | None = None,
    ) -> None:
        self.span = _above_zero("duration", span)
        self._every = self.span / SAMPLES if sample_every is None else _above_zero("samples", sample_every)
        self._seed = seed
        self._digest = hashlib.sha256()
        objects, scenarios, self.ignores_config = _sorted_out(documents)
        self.ignores_config = self.ignores_config and config is None
        self._config, self._release = config, release
        self._take_down([document.data for document in objects])
        self._take_down(self._config)
        clock = SimulatedClock()
        specs = [scenario.spec for _, scenario in scenarios]
        runtime = LoadedRuntime(
            [load for spec in specs for load in spec.loads],
            START,
            Behaviours(each for spec in specs for each in spec.behaviours),
            seed=seed,
        )
        self.cluster = Cluster(
            clock, nodes=objects, seed=seed, config=self._config, behaviours=runtime, kubernetes=self._release
        )
        runtime.share(self.cluster)
        self._runtime = runtime
        self._recorder = Recorder(self.cluster)
        for document, scenario in scenarios:
            self._prepare(document, scenario)
        self._stopped = False
        clock.call_after(0, self._sample, background=True)

    def run(self, progress: Progress | None = None) -> Run:
        """Run the simulation, to its end or until :meth:`stop` is called; can be called once.

        Args:
            progress: Called repeatedly with the elapsed fraction of the time and the number of pods.

        Returns:
            The results; ``summary["partial"]`` is whether it was stopped.

        Raises:
            ManifestError: A step of a scenario failed.
        """
        batches: dict[str, list[Any]] = {kind: [] for kind in KINDS}
        summary = self._run(lambda kind, batch: batches[kind].append(batch), progress)
        return Run.of(summary, batches)

    def run_to(self, folder: Path | None, progress: Progress | None = None) -> dict[str, Any]:
        """Run the simulation as :meth:`run` does, in bounded memory.

        Args:
            folder: The folder to write the run to, for :meth:`Run.read`; None to keep only the summary. If the run
                fails, existing files are kept.
            progress: As for :meth:`run`.

        Returns:
            The summary.

        Raises:
            ManifestError: As for :meth:`run`.
            OSError: The folder cannot be written to.
        """
        if folder is None:
            return self._run(lambda _kind, _batch: None, progress)
        with RunWriter(folder) as writer:
            summary = self._run(writer.take, progress)
            writer.finish(summary)
        return summary

    def _run(self, take: Take, progress: Progress | None) -> dict[str, Any]:
        end = START + self.span
        recorder = self._recorder
        recorder.rows.flow(take)

        def look() -> bool:
            recorder.look()
            self._runtime.look()
            if progress is not None:
                progress((self.cluster.now() - START) / self.span, recorder.totals.created)
            return self._stopped

        if not self._stopped:
            self.cluster.run_until(look, end - self.cluster.now())
        recorder.finish()
        recorder.rows.flush()
        return self._summary()

    def stop(self) -> None:
        """Stop the run at the next event; the results until then are returned. Safe in a signal handler."""
        self._stopped = True

    def _summary(self) -> dict[str, Any]:
        now = self.cluster.now()
        return {
            "apiVersion": API_VERSION,
            "kind": KIND,
            "version": __version__,
            "inputs": f"sha256:{self._digest.hexdigest()}",
            "seed": self._seed,
            "durationSeconds": self.span.total_seconds(),
            "simulatedSeconds": (now - START).total_seconds(),
            "partial": self._stopped,
            **summary(self._recorder, now),
        }

    def _prepare(self, document: Document, scenario: Scenario) -> None:
        folder = Path() if document.source.startswith("<") else Path(document.source).parent
        self._take_down(document.data)
        for index, step in enumerate(scenario.spec.steps):
            StepRunner(
                self.cluster,
                step,
                path=f"{document.source}: document {document.number}: spec.steps[{index}]",
                seed=self._seed,
                folder=folder,
                report=self._recorder.stepped,
            ).start()
            for each in step.apply or ():
                if isinstance(each, str):
                    self._take_down_file(folder / each)
        for arrivals in scenario.spec.arrivals:
            if arrivals.trace is not None:
                self._take_down_file(folder / arrivals.trace.file)
            self._come(arrivals, arrivals_of(arrivals, self._seed, folder))

    def _come(self, arrivals: Arrivals, coming: Iterator[Arrival]) -> None:
        """Set the timer for the next arrival, one at a time."""
        arrival = next(coming, None)
        if arrival is None or arrival.after > self.span:
            return

        def come() -> None:
            self._create(arrivals, arrival)
            self._come(arrivals, coming)

        self.cluster.clock.call_at(START + arrival.after, come, background=True)

    def _create(self, arrivals: Arrivals, arrival: Arrival) -> None:
        metadata = arrival.object["metadata"]
        try:
            self.cluster.create(arrival.object)
        except KschedcoreError as error:
            refusal = error.__cause__ if isinstance(error, ManifestError) else error
            if not isinstance(refusal, StatusError) or QUOTA not in refusal.message:
                raise ManifestError(f"arrivals {arrivals.name}: {error}") from error
            namespace = metadata.get("namespace", self.cluster.namespace)
            self._recorder.refused(arrival.object["kind"], namespace, metadata["name"], refusal.message)

    def _sample(self) -> None:
        clock = self.cluster.clock
        clock.call_at(clock.now() + _INSTANT, partial(self._take_sample, clock.now()), background=True)
        clock.call_after(self._every.total_seconds(), self._sample, background=True)

    def _take_sample(self, time: datetime) -> None:
        self._recorder.look()
        self._recorder.sample(time)

    def _take_down(self, data: Any) -> None:
        """Add an input to the summary's digest."""
        text = json.dumps(data, sort_keys=True, separators=(",", ":"), default=str)
        self._digest.update(text.encode())

    def _take_down_file(self, place: Path) -> None:
        files = sorted(place.iterdir()) if place.is_dir() else [place]
        for file in files:
            if file.is_file():
                self._digest.update(file.read_bytes())


def _above_zero(what: str, span: Span) -> timedelta:
    problem = f"{what} {span!r}: expected a span of time above 0 and of at most a century"
    try:
        found = duration(span)
    except OverflowError:
        raise UsageError(problem) from None
    if not timedelta() < found <= _CENTURY:
        raise UsageError(problem)
    return found


def _sorted_out(
    documents: Iterable[Document],
) -> tuple[Sequence[Document], list[tuple[Document, Scenario]], bool]:
    """Return the objects, the scenarios, and whether there is a scheduler configuration."""
    objects, scenarios, configured = [], [], False
    for document in documents:
        if is_scenario(document.data):
            scenarios.append((document, read_scenario(document)))
        elif isinstance(document.data, Mapping) and document.data.get("kind") == CONFIG:
            configured = True
        else:
            objects.append(document)
    return objects, scenarios, configured
