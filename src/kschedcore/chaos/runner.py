"""Runs histories and checks invariants: deterministic simulation testing of a whole cluster.

A history always produces the same writes, so a failure can be replayed, shrunk and kept as a test.
"""

from __future__ import annotations

import logging
import traceback
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from kschedcore.chaos.cluster import ChaosCluster, LivelockError, Process
from kschedcore.chaos.histories import History, Step
from kschedcore.chaos.invariants import INVARIANTS, Invariant
from kschedcore.chaos.writes import Write, WriteLog
from kschedcore.client.transport import path_of
from kschedcore.cluster.controlplane import Components
from kschedcore.errors import UsageError
from kschedcore.moved import renamed

__all__ = ["Execution", "InvariantError", "Outcome", "run_history", "shrink"]

DEFAULT = Components()
"""The components of a standard cluster."""

CRASH, IDLE, IDLE_AFTER_RESTART = "NoComponentFails", "IdleClustersStayIdle", "RestartedClustersStayIdle"
"""Names of the checks that the runner makes itself, beside the invariant classes."""

_LOGGER = logging.getLogger("kschedcore")
_SETTLE_SECONDS = 2400.0
"""Longer than the longest back-off followed by the progress deadline of a rollout."""
_CRON_SECONDS = 200.0
"""The time for which CronJobs keep running after all faults are removed."""
_IDLE_SECONDS = 1200.0
"""The time for which a settled cluster is observed."""
_UNSCHEDULABLE_NODE = "closed"
"""kube-scheduler retries forever when there is no node; on this one every pod is unschedulable."""
_CHANGES_AFTER_RESTART = "changed horizontalpodautoscalers.autoscaling"
"""Metrics and the history of recommendations are lost in a restart, which shows in the autoscaler's status."""
_IGNORED_RESOURCES = ("events", "leases.coordination.k8s.io")
"""Resources that an idle cluster keeps writing."""


class InvariantError(AssertionError):
    """An invariant does not hold.

    Attributes:
        invariant: Name of the invariant.
        detail: Description of the violation.
    """

    def __init__(self, invariant: str, detail: str) -> None:
        super().__init__(f"{invariant}: {detail}")
        self.invariant = invariant
        self.detail = detail


@dataclass
class Outcome:
    """Result of a history.

    Attributes:
        violation: The violated invariant, or None.
        step: Index of the step during which it was violated; the number of steps if it was at the end.
        writes: Number of writes, without events and leases.
        faults: Number of injected faults, by kind.
    """

    violation: InvariantError | None = None
    step: int = 0
    writes: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    broken = renamed("broken", "violation")
    tried = renamed("tried", "faults")


class Execution:
    """Applies steps to a cluster and checks invariants after every write and step.

    Args:
        seed: Seed of uids and generated names.
        invariants: The invariants to check.
        parts: Controllers, scheduler configuration and plugins of the cluster.

    Attributes:
        cluster: The cluster.
        writes: Number of writes by description, without events and leases.
    """

    def __init__(
        self,
        seed: int,
        invariants: Iterable[type[Invariant]] = INVARIANTS,
        parts: Components = DEFAULT,
    ) -> None:
        self._invariants = [each() for each in invariants]
        self.writes: Counter[str] = Counter()
        self.cluster = ChaosCluster(seed, self._on_step, parts)
        self._log = WriteLog(self.cluster.server.store.backend)

    def start(self) -> None:
        """Start all components; raises as :meth:`apply` does."""
        self._read_writes("bootstrap", stale=False)
        self.cluster.loop.run_ready()

    def apply(self, step: Step) -> None:
        """Apply a step.

        Raises:
            InvariantError: An invariant is violated.
            LivelockError: Components keep working at one moment of simulated time.
        """
        step.apply(self.cluster)
        self._read_writes(step.by, stale=False)

    def settle(self) -> None:
        """Remove all faults, let all deadlines pass and check the invariants of a settled cluster.

        Raises:
            InvariantError: An invariant is violated.
            LivelockError: Components keep working at one moment of simulated time.
        """
        cluster = self.cluster
        for process in cluster.processes.values():
            process.transport.heal()
        for node in sorted(cluster.failed_nodes):
            cluster.agents.repair(node)
        self._suspend_cron_jobs()
        closed = {"metadata": {"name": _UNSCHEDULABLE_NODE}, "spec": {"unschedulable": True}}
        cluster.server.request("POST", "/api/v1/nodes", closed)
        cluster.run_for(_SETTLE_SECONDS)
        self._check_idle(IDLE)
        cluster.server.expire()
        self._read_writes("apiserver", stale=False)
        for each in self._invariants:
            _check(each, each.at_rest(cluster, self._log.objects))
        for process in cluster.processes.values():
            process.restart()
        self._check_idle(IDLE_AFTER_RESTART, ignored=_CHANGES_AFTER_RESTART)

    def _suspend_cron_jobs(self) -> None:
        """Suspend CronJobs after some more runs, so that the cluster can become idle."""
        server = self.cluster.server
        cronjobs = list(server.store.list("cronjobs.batch"))
        if cronjobs:
            self.cluster.run_for(_CRON_SECONDS)
        for cronjob in cronjobs:
            metadata = cronjob["metadata"]
            path = path_of("batch/v1", "cronjobs", metadata["namespace"], metadata["name"])
            server.request("PATCH", path, {"spec": {"suspend": True}}, "application/merge-patch+json")

    def _check_idle(self, name: str, *, ignored: str = "") -> None:
        before = Counter(self.writes)
        self.cluster.run_for(_IDLE_SECONDS)
        written = {
            write: count
            for write, count in (self.writes - before).items()
            if not ignored or ignored not in write
        }
        if written:
            raise InvariantError(name, f"writes of an idle cluster: {written}")

    def _on_step(self, component: str, process: Process, *, stale: bool) -> None:
        self._read_writes(component, stale=stale)
        for each in self._invariants:
            _check(each, each.on_step(component, process, self._log.objects))

    def _read_writes(self, by: str, *, stale: bool) -> None:
        for write in self._log.writes(by, stale=stale):
            self._count(write)
            for each in self._invariants:
                _check(each, each.on_write(write, self._log.objects))

    def _count(self, write: Write) -> None:
        if write.resource not in _IGNORED_RESOURCES:
            self.writes[str(write)] += 1


def _check(invariant: Invariant, violations: Iterable[str]) -> None:
    for violation in violations:
        raise InvariantError(type(invariant).__name__, violation)


class _LoggedErrors(logging.Handler):
    """Keeps the first error that a component logged: components log and retry what fails for one key."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self._first = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the message and the exception."""
        cause = f": {record.exc_info[1]!r}" if record.exc_info else ""
        self._first = self._first or f"{record.getMessage()}{cause}"

    def check(self) -> None:
        """Raise InvariantError if an error was logged."""
        if self._first:
            raise InvariantError(CRASH, self._first)


def run_history(
    history: History, invariants: Iterable[type[Invariant]] = INVARIANTS, parts: Components = DEFAULT
) -> Outcome:
    """Run a history, let the cluster settle and check its invariants.

    Args:
        history: The steps.
        invariants: The invariants to check.
        parts: Controllers, scheduler configuration and plugins of the cluster.

    Raises:
        UsageError: A step names a component that does not exist.
    """
    outcome, errors = Outcome(), _LoggedErrors()
    execution = Execution(history.seed, invariants, parts)
    _LOGGER.addHandler(errors)
    try:
        execution.start()
        for outcome.step, step in enumerate(history.steps):
            execution.apply(step)
            errors.check()
        outcome.step = len(history.steps)
        execution.settle()
        errors.check()
    except InvariantError as violation:
        outcome.violation = violation
    except LivelockError as restless:
        outcome.violation = InvariantError(IDLE, str(restless))
    except UsageError:
        raise
    except Exception as crash:
        place = traceback.extract_tb(crash.__traceback__)[-1]
        where = f"{place.name} in {place.filename.rpartition('/')[2]}"
        outcome.violation = InvariantError(CRASH, f"{type(crash).__name__}: {crash} ({where})")
        outcome.violation.__cause__ = crash
    finally:
        _LOGGER.removeHandler(errors)
    outcome.writes = execution.writes.total()
    outcome.faults = execution.cluster.faults
    return outcome


def shrink(
    history: History,
    violation: InvariantError,
    run: Callable[[History], Outcome] = run_history,
    *,
    attempts: int = 400,
) -> History:
    """Return a history of candidate steps that violates the same invariant (delta debugging).

    Args:
        history: A history that violates an invariant.
        violation: The violated invariant.
        run: Runs a history; pass one with the invariants and components that ``history`` was run with.
        attempts: Maximum number of histories to run.
    """
    steps, size = list(history.steps), max(1, len(history.steps) // 2)
    while attempts > 0:
        place, smaller = 0, False
        while place < len(steps) and attempts > 0:
            candidate = steps[:place] + steps[place + size :]
            attempts -= 1
            outcome = run(History(history.seed, tuple(candidate)))
            if outcome.violation is not None and outcome.violation.invariant == violation.invariant:
                steps, smaller = candidate, True
            else:
                place += size
        if size == 1 and not smaller:
            break
        size = max(1, size // 2)
    return History(history.seed, tuple(steps))
