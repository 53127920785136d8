"""Lives through histories and says what broke: deterministic simulation testing of a whole cluster.

The same history gives the same writes, so a failure found once can be replayed, made shorter, and kept as a test.
"""

from __future__ import annotations

import logging
import traceback
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from kschedcore.chaos.breakable import BreakableCluster, Process, RestlessError
from kschedcore.chaos.chronicle import Chronicle, Write
from kschedcore.chaos.histories import History, Step
from kschedcore.chaos.invariants import INVARIANTS, Invariant
from kschedcore.client.transport import path_of
from kschedcore.cluster.controlplane import Components
from kschedcore.errors import UsageError

__all__ = ["BrokenError", "Life", "Outcome", "live", "shortened"]

DEFAULT = Components()
"""A cluster as it comes."""

_COMPONENTS = logging.getLogger("kschedcore")

CRASH, REST, REST_TWICE = "NoComponentCrashes", "SettledClustersAreAtRest", "RestartsFindNothingToDo"
"""What holds beside the invariants that have a class of their own."""

_OVER = 2400.0
"""After so many seconds everything that was set going is over: the longest back-off, and a rollout's deadline then."""
_CLOCKWORK = 200.0
"""For so many seconds what goes by the clock runs on in a cluster that is sound again."""
_WATCHED = 1200.0
"""For so many seconds a cluster at rest is watched."""
_LAST_NODE = "closed"
"""Where there is no node at all, kube-scheduler tries again and again; on this one no plugin lets a pod."""
_BEGINS_ANEW = "changed horizontalpodautoscalers.autoscaling"
"""Metrics, and what an autoscaler remembers of them, do not outlive a restart, and its status says so."""
_OF_NO_ACCOUNT = ("events", "leases.coordination.k8s.io")
"""What may be written again and again at rest."""


class BrokenError(AssertionError):
    """An invariant does not hold.

    Attributes:
        invariant: Its name.
        detail: What is wrong.
    """

    def __init__(self, invariant: str, detail: str) -> None:
        super().__init__(f"{invariant}: {detail}")
        self.invariant = invariant
        self.detail = detail


@dataclass
class Outcome:
    """What came of a history.

    Attributes:
        broken: What did not hold, or None.
        step: During which step, counted from 0; as many as there are steps when it was at the end.
        writes: How many writes there were.
        tried: How often each kind of fault came to pass.
    """

    broken: BrokenError | None = None
    step: int = 0
    writes: int = 0
    tried: Counter[str] = field(default_factory=Counter)


class Life:
    """One history as it is lived: a cluster, and what is to hold of it.

    Args:
        seed: For uids and generated names.
        invariants: What is to hold.
        parts: What the cluster is made of.

    Attributes:
        cluster: The cluster.
        writes: What was written how often, but for events and leases.
    """

    def __init__(
        self,
        seed: int,
        invariants: Iterable[type[Invariant]] = INVARIANTS,
        parts: Components = DEFAULT,
    ) -> None:
        self._invariants = [each() for each in invariants]
        self.writes: Counter[str] = Counter()
        self.cluster = BreakableCluster(seed, self._turned, parts)
        self._chronicle = Chronicle(self.cluster.server.store.backend)

    def begin(self) -> None:
        """Have every component come up; raises as :meth:`take` does."""
        self._take_in("bootstrap", late=False)
        self.cluster.loop.run_ready()

    def take(self, step: Step) -> None:
        """Have a step happen.

        Raises:
            BrokenError: Something does not hold.
            RestlessError: There is no end of work.
        """
        step.take(self.cluster)
        self._take_in(step.by, late=False)

    def come_to_rest(self) -> None:
        """Heal everything, let all deadlines pass, and look at what has become of the cluster.

        Raises:
            BrokenError: Something does not hold.
            RestlessError: There is no end of work.
        """
        cluster = self.cluster
        for process in cluster.processes.values():
            process.transport.heal()
        for node in sorted(cluster.failed_nodes):
            cluster.agents.repair(node)
        self._stop_the_clockwork()
        closed = {"metadata": {"name": _LAST_NODE}, "spec": {"unschedulable": True}}
        cluster.server.request("POST", "/api/v1/nodes", closed)
        cluster.run_for(_OVER)
        self._stay_at_rest(REST)
        for each in self._invariants:
            _hold(each, each.settled(cluster, self._chronicle.objects))
        for process in cluster.processes.values():
            process.restart()
        self._stay_at_rest(REST_TWICE, but=_BEGINS_ANEW)

    def _stop_the_clockwork(self) -> None:
        """What goes by the clock never rests: after some more rounds it is suspended, and what it began may end."""
        server = self.cluster.server
        cronjobs = list(server.store.list("cronjobs.batch"))
        if cronjobs:
            self.cluster.run_for(_CLOCKWORK)
        for cronjob in cronjobs:
            metadata = cronjob["metadata"]
            path = path_of("batch/v1", "cronjobs", metadata["namespace"], metadata["name"])
            server.request("PATCH", path, {"spec": {"suspend": True}}, "application/merge-patch+json")

    def _stay_at_rest(self, name: str, *, but: str = "") -> None:
        before = Counter(self.writes)
        self.cluster.run_for(_WATCHED)
        written = {
            write: count for write, count in (self.writes - before).items() if not but or but not in write
        }
        if written:
            raise BrokenError(name, f"at rest, and yet: {written}")

    def _turned(self, component: str, process: Process, *, late: bool) -> None:
        self._take_in(component, late=late)
        for each in self._invariants:
            _hold(each, each.turned(component, process, self._chronicle.objects))

    def _take_in(self, by: str, *, late: bool) -> None:
        for write in self._chronicle.writes(by, late=late):
            self._note(write)
            for each in self._invariants:
                _hold(each, each.written(write, self._chronicle.objects))

    def _note(self, write: Write) -> None:
        if write.resource not in _OF_NO_ACCOUNT:
            self.writes[str(write)] += 1


def _hold(invariant: Invariant, complaints: Iterable[str]) -> None:
    for complaint in complaints:
        raise BrokenError(type(invariant).__name__, complaint)


class _CrashLog(logging.Handler):
    """Collects the exceptions that components log: a component that fails on one key goes on with the others."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self._crashes: list[BaseException] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the exception of a record."""
        if record.exc_info and record.exc_info[1] is not None:
            self._crashes.append(record.exc_info[1])

    def check(self) -> None:
        """Raise the first exception that was logged."""
        if self._crashes:
            raise self._crashes[0]


def live(
    history: History, invariants: Iterable[type[Invariant]] = INVARIANTS, parts: Components = DEFAULT
) -> Outcome:
    """Live through a history, and to where the cluster has come to rest.

    Args:
        history: What happens.
        invariants: What is to hold.
        parts: What the cluster is made of.

    Raises:
        UsageError: A step names a component that there is not.
    """
    outcome = Outcome()
    life = Life(history.seed, invariants, parts)
    crashes = _CrashLog()
    _COMPONENTS.addHandler(crashes)
    try:
        life.begin()
        for outcome.step, step in enumerate(history.steps):
            life.take(step)
            crashes.check()
        outcome.step = len(history.steps)
        life.come_to_rest()
        crashes.check()
    except BrokenError as broken:
        outcome.broken = broken
    except RestlessError as restless:
        outcome.broken = BrokenError(REST, str(restless))
    except UsageError:
        raise
    except Exception as crash:
        place = traceback.extract_tb(crash.__traceback__)[-1]
        where = f"{place.name} in {place.filename.rpartition('/')[2]}"
        outcome.broken = BrokenError(CRASH, f"{type(crash).__name__}: {crash} ({where})")
        outcome.broken.__cause__ = crash
    finally:
        _COMPONENTS.removeHandler(crashes)
    outcome.writes = life.writes.total()
    outcome.tried = life.cluster.tried
    return outcome


def shortened(
    history: History,
    broken: BrokenError,
    lived: Callable[[History], Outcome] = live,
    *,
    attempts: int = 400,
) -> History:
    """A history that breaks the same invariant in fewer steps (delta debugging: parts are left out, while it does).

    Args:
        history: A history that breaks something.
        broken: What it breaks.
        lived: Lives through a history, with what else than all invariants or the usual parts broke it.
        attempts: How many histories to live through at most.
    """
    steps, size = list(history.steps), max(1, len(history.steps) // 2)
    while attempts > 0:
        place, smaller = 0, False
        while place < len(steps) and attempts > 0:
            fewer = steps[:place] + steps[place + size :]
            attempts -= 1
            outcome = lived(History(history.seed, tuple(fewer)))
            if outcome.broken is not None and outcome.broken.invariant == broken.invariant:
                steps, smaller = fewer, True
            else:
                place += size
        if size == 1 and not smaller:
            break
        size = max(1, size // 2)
    return History(history.seed, tuple(steps))
