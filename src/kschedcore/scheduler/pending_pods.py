"""The scheduling queue: the order of pending pods, back-off, and requeueing by events.

As in kube-scheduler's ``SchedulingQueue``, *active* pods are tried in queue order; pods in *backoff* wait a second
after their first rejection, twice as long after each further one and ten seconds at most, or as long after errors in
a row; *unschedulable* ones wait for
an event that may help, for at most five minutes. When no pod is active, those that plugins have rejected leave back-off
early (feature gate ``SchedulerPopFromBackoffQ``, KEP-5142); those whose cycle failed with an error do not. Events that
arrive while a pod is *in flight*, between pop and requeue, are kept for it.
"""

from __future__ import annotations

import heapq
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from kschedcore.api.objects import Pod
from kschedcore.clock import Timer, Timers
from kschedcore.engine.binding import PodKey, key_of

__all__ = ["Backoff", "PendingPods", "QueuedPod"]

FLUSH_AFTER = timedelta(minutes=5)
"""Maximum time that a pod stays unschedulable (``podMaxInUnschedulablePodsDuration``)."""

_DOUBLINGS = 20
"""Number of doublings after which the longest back-off has long been reached."""


@dataclass(frozen=True)
class Backoff:
    """The back-off of pods after attempts (``podInitialBackoffSeconds``, ``podMaxBackoffSeconds``).

    Attributes:
        first: After the first failure.
        longest: At most.
    """

    first: timedelta = timedelta(seconds=1)
    longest: timedelta = timedelta(seconds=10)


DEFAULT_BACKOFF = Backoff()

Helps = Callable[["QueuedPod"], bool]
"""Whether an event may make a pod schedulable."""


@dataclass(slots=True)
class QueuedPod:
    """A pending pod.

    Attributes:
        pod: The pod as it was last seen.
        added: When it was last added, which orders pods of one priority.
        attempts: Number of scheduling attempts.
        rejections: Number of those that ended in a rejection by plugins.
        errors: Number of errors since the last rejection.
        tried: Time of the last attempt.
        plugins: The plugins that rejected it then.
        gated: Whether a PreEnqueue plugin holds it back.
        early: When it last left back-off early.
        place: Its number among the active pods, or among those in back-off; -1 if it is neither.
        timer: The end of its back-off or of its time as unschedulable.
    """

    pod: Pod
    added: datetime
    attempts: int = 0
    rejections: int = 0
    errors: int = 0
    tried: datetime | None = None
    plugins: frozenset[str] = frozenset()
    gated: bool = False
    early: datetime | None = None
    place: int = field(default=-1, repr=False)
    timer: Timer | None = field(default=None, repr=False)

    def ready_at(self, backoff: Backoff) -> datetime | None:
        """Return the end of its back-off; None if no attempt has failed."""
        failures = self.errors or self.rejections
        if not failures:
            return None
        return self.added + min(backoff.first * (1 << min(failures - 1, _DOUBLINGS)), backoff.longest)


class PendingPods:
    """Pending pods of one scheduler.

    Args:
        clock: For back-offs.
        sort_key: The QueueSort plugin's order.
        pop_early: Whether rejected pods leave back-off when no pod is active.
        backoff: How long pods wait after attempts.
    """

    def __init__(
        self,
        clock: Timers,
        sort_key: Callable[[Pod], Any],
        *,
        pop_early: bool = True,
        backoff: Backoff = DEFAULT_BACKOFF,
    ) -> None:
        self._clock = clock
        self._backoff = backoff
        self._sort_key = sort_key
        self._pop_early = pop_early
        self._pods: dict[PodKey, QueuedPod] = {}
        self._active: list[tuple[Any, datetime, int, QueuedPod]] = []
        self._backing_off: list[tuple[datetime, Any, datetime, int, QueuedPod]] = []
        self._waiting: dict[PodKey, QueuedPod] = {}
        self._rejecting: Counter[frozenset[str]] = Counter()
        self._pushed = 0
        # Events since the oldest pod in flight was popped; `_forgotten` is the number of the first, and `_in_flight`
        # holds the number of the next event at each pod's pop.
        self._happened: deque[Helps] = deque()
        self._forgotten = 0
        self._in_flight: dict[PodKey, int] = {}

    def __contains__(self, key: object) -> bool:
        return key in self._pods

    def __iter__(self) -> Iterator[QueuedPod]:
        return iter(list(self._pods.values()))

    def get(self, key: PodKey) -> QueuedPod | None:
        """Return the pod with that namespace and name, in whichever part of the queue it is."""
        return self._pods.get(key)

    def add(self, pod: Pod, *, gated: bool) -> None:
        """Add a new pod."""
        queued = QueuedPod(pod, self._clock.now(), gated=gated)
        self._pods[key_of(pod)] = queued
        if gated:
            self._wait(queued)
        else:
            self._push(queued)

    def update(self, pod: Pod, *, gated: bool, may_help: bool) -> None:
        """Update a pod.

        Args:
            pod: The pod.
            gated: Whether a PreEnqueue plugin holds it back.
            may_help: Whether the change may make it schedulable.
        """
        key = key_of(pod)
        queued = self._pods[key]
        was_gated = queued.gated
        queued.pod, queued.gated = pod, gated
        if key in self._in_flight:
            if may_help:
                self._happened.append(lambda other: other is queued)
        elif gated:
            self._cancel(queued)
            self._stop_waiting(key)
            self._wait(queued)
        elif was_gated or (may_help and key in self._waiting):
            self._move(queued)

    def remove(self, key: PodKey) -> None:
        """Remove the pod with that namespace and name, if there is one."""
        queued = self._pods.pop(key, None)
        if queued is not None:
            self._cancel(queued)
            self._stop_waiting(key)
            self._land(key)

    def pop(self) -> QueuedPod | None:
        """Return the next active pod, else one in back-off, or None. It stays in flight until put back or removed."""
        queued = self._next_active() or self._next_backing_off()
        if queued is not None:
            self._cancel(queued)
            queued.attempts += 1
            queued.tried = self._clock.now()
            self._in_flight[key_of(queued.pod)] = self._forgotten + len(self._happened)
        return queued

    def _next_active(self) -> QueuedPod | None:
        while self._active:
            _, _, place, queued = heapq.heappop(self._active)
            # Entries of pods that were moved or removed are left in the heap.
            if queued.place == place:
                return queued
        return None

    def _next_backing_off(self) -> QueuedPod | None:
        """Return the first pod to leave back-off, among those of one second the first in queue order.

        A pod leaves early once at one moment: with simulated time, two pods whose failures are events for each other
        would otherwise be tried for ever at the same time.
        """
        now, kept = self._clock.now(), []
        found = None
        while self._backing_off and found is None:
            entry = heapq.heappop(self._backing_off)
            queued = entry[-1]
            if queued.place != entry[-2]:
                continue
            if queued.early == now:
                kept.append(entry)
            else:
                queued.early, found = now, queued
        for entry in kept:
            heapq.heappush(self._backing_off, entry)
        return found

    def put_back(self, queued: QueuedPod, plugins: frozenset[str]) -> None:
        """Requeue a pod that found no node, until an event that may help against the plugins that rejected it.

        If no plugin rejected it, it is tried again after its back-off.
        """
        key = key_of(queued.pod)
        if self._pods.get(key) is not queued:
            return
        queued.plugins = plugins
        queued.added = self._clock.now()
        if plugins:
            queued.rejections, queued.errors = queued.rejections + 1, 0
        else:
            queued.errors += 1
        helped = not plugins or any(helps(queued) for helps in self._missed(key))
        self._land(key)
        if queued.gated:
            self._wait(queued)
            return
        if helped:
            self._move(queued)
            return
        self._wait(queued)

        def flush() -> None:
            self._move(queued)

        queued.timer = self._clock.call_at(queued.added + FLUSH_AFTER, flush, background=True)

    def event(self, concerns: Callable[[frozenset[str]], bool], may_help: Helps) -> None:
        """Requeue the pods that an event may make schedulable.

        Args:
            concerns: Whether the event may help any pod that these plugins rejected.
            may_help: Whether the event may help a pod.
        """
        if self._in_flight:
            self._happened.append(may_help)
        if not any(concerns(plugins) for plugins in self._rejecting):
            return
        for queued in list(self._waiting.values()):
            if not queued.gated and may_help(queued):
                self._move(queued)

    def close(self) -> None:
        """Remove every pod."""
        for key in list(self._pods):
            self.remove(key)

    def _move(self, queued: QueuedPod) -> None:
        """Move a pod to the active pods, or to back-off until its time has passed."""
        self._cancel(queued)
        self._stop_waiting(key_of(queued.pod))
        ready = queued.ready_at(self._backoff)
        if ready is None or ready <= self._clock.now():
            self._push(queued)
            return

        def due() -> None:
            queued.timer = None
            self._push(queued)

        queued.timer = self._clock.call_at(ready, due)
        if self._pop_early and queued.plugins:
            window = ready.replace(microsecond=0)
            entry = window, self._sort_key(queued.pod), queued.added, self._numbered(queued), queued
            heapq.heappush(self._backing_off, entry)

    def _wait(self, queued: QueuedPod) -> None:
        self._waiting[key_of(queued.pod)] = queued
        self._rejecting[queued.plugins] += 1

    def _stop_waiting(self, key: PodKey) -> None:
        queued = self._waiting.pop(key, None)
        if queued is not None:
            self._rejecting[queued.plugins] -= 1
            if not self._rejecting[queued.plugins]:
                del self._rejecting[queued.plugins]

    def _missed(self, key: PodKey) -> Iterator[Helps]:
        """Return the events that arrived while a pod was in flight."""
        seen = self._in_flight.get(key, self._forgotten + len(self._happened))
        return islice(self._happened, seen - self._forgotten, None)

    def _land(self, key: PodKey) -> None:
        """End a pod's flight, and drop the events that no other pod in flight needs."""
        if self._in_flight.pop(key, None) is None:
            return
        first = next(iter(self._in_flight.values()), self._forgotten + len(self._happened))
        while self._forgotten < first:
            self._happened.popleft()
            self._forgotten += 1

    def _push(self, queued: QueuedPod) -> None:
        number = self._numbered(queued)
        heapq.heappush(self._active, (self._sort_key(queued.pod), queued.added, number, queued))

    def _numbered(self, queued: QueuedPod) -> int:
        queued.place = self._pushed
        self._pushed += 1
        return queued.place

    @staticmethod
    def _cancel(queued: QueuedPod) -> None:
        queued.place = -1
        if queued.timer is not None:
            queued.timer.cancel()
            queued.timer = None
