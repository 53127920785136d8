"""What a controller is: a name, the objects it listens to, and ``reconcile(key)``; and what runs one."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import ClassVar

from kschedcore.api.machinery.kinds import kind_by_resource
from kschedcore.api.machinery.status import StatusError
from kschedcore.api.machinery.types import Object
from kschedcore.client.events import EventRecorder
from kschedcore.client.informer import Change, Informers, controller_of, key_of
from kschedcore.client.queue import WorkQueue
from kschedcore.client.verbs import Client
from kschedcore.clock import Timers

__all__ = ["Again", "Context", "Controller", "Key", "Runner", "Watched", "again_although", "itself", "owner"]

_log = logging.getLogger(__name__)

Key = tuple[str, ...]
"""Namespace and name; the namespace of what is cluster-scoped is ``""``."""

USER_AGENT = "kube-controller-manager"


@dataclass(frozen=True, slots=True)
class Context:
    """What every controller works with."""

    client: Client
    informers: Informers
    clock: Timers


@dataclass(frozen=True, slots=True)
class Again:
    """When to reconcile again if nothing happens before.

    Attributes:
        at: The time.
        background: Whether the cluster counts as settled meanwhile.
        refused: Whether something was refused as well, so that the key is also tried again later and later.
    """

    at: datetime
    background: bool = False
    refused: bool = False


def again_although(refused: StatusError | None, again: Again | None) -> Again | None:
    """When to look again, whether or not something was refused.

    Raises:
        StatusError: What was refused, when there is no such time.
    """
    if refused is None:
        return again
    if again is None:
        raise refused
    return replace(again, refused=True)


@dataclass(frozen=True, slots=True)
class Watched:
    """A resource to listen to, and which keys a change of one of its objects is about.

    Attributes:
        resource: The qualified plural.
        keys: Which keys a change is about.
        controlled: Of which objects alone to hear, by the kind of their controller (:meth:`Informer.listen`).
        delay: How long the look at a change may wait for others to come; None for not at all.
    """

    resource: str
    keys: Callable[[Change], Iterable[Key]]
    controlled: str | None = None
    delay: Callable[[Change], timedelta] | None = None


def itself(resource: str) -> Watched:
    """Changes of an object are about the object."""
    return Watched(resource, lambda change: (key_of(change.object),))


def owner(resource: str, of: str) -> Watched:
    """Changes of an object are about its controller, if that is of the resource ``of``.

    An object that changes hands is about both.
    """
    kind = kind_by_resource(of).resource.kind

    def keys(change: Change) -> Iterable[Key]:
        found = (_owner_key(each, kind) for each in (change.old, change.new) if each is not None)
        return dict.fromkeys(key for key in found if key is not None)

    return Watched(resource, keys, controlled=kind)


def _owner_key(obj: Object, kind: str) -> Key | None:
    reference = controller_of(obj)
    if reference is None or reference["kind"] != kind:
        return None
    return obj["metadata"].get("namespace", ""), reference["name"]


class Controller(ABC):
    """Brings the cluster nearer to what objects of one kind ask for.

    A controller is level-triggered: ``reconcile`` looks at how things are, not at what has happened, and keeps
    nothing between two calls that a restart would miss.

    Attributes:
        name: ``deployment-controller``.
    """

    name: ClassVar[str]

    def __init__(self, context: Context) -> None:
        self.client = context.client.named(USER_AGENT)
        self.informers = context.informers
        self.clock = context.clock
        self.events = EventRecorder(self.client, context.clock, self.name)

    @abstractmethod
    def watches(self) -> Iterable[Watched]:
        """What to listen to."""

    @abstractmethod
    def reconcile(self, key: Key) -> Again | None:
        """Look at ``key`` and do what is to be done.

        Returns:
            When to look again if nothing happens before; None for never.

        Raises:
            StatusError: The API refused something; the key is tried again later and later.
        """


class Runner:
    """Runs one controller: a :class:`kschedcore.client.loop.Component`.

    Args:
        controller: What to run.
        context: What it works with.
    """

    def __init__(self, controller: Controller, context: Context) -> None:
        self._controller = controller
        self._clock = context.clock
        self._queue: WorkQueue[Key] = WorkQueue(context.clock)
        self._passes = _Passes()
        self._listening = []
        for watched in controller.watches():
            informer, listener = context.informers[watched.resource], self._listener(watched)
            informer.listen(listener, watched.controlled)
            self._listening.append((informer, listener, watched.controlled))

    def _listener(self, watched: Watched) -> Callable[[Change], None]:
        keys, delay_of, add = watched.keys, watched.delay, self._queue.add

        def at_once(change: Change) -> None:
            for key in keys(change):
                add(key)

        if delay_of is None:
            return at_once

        def after_a_while(change: Change) -> None:
            if not (delay := delay_of(change)):
                at_once(change)
                return
            for key in keys(change):
                self._queue.add_at(key, self._clock.now() + delay)

        return after_a_while

    def step(self) -> bool:
        """Reconcile every key that waits now; those that come meanwhile wait for the next turn."""
        if not self._queue:
            return False
        for key in self._queue.drain():
            due = self._passes.admit(key, self._clock.now())
            if due is None:
                self._reconcile(key)
            else:
                self._queue.add_at(key, due)
        return True

    def _reconcile(self, key: Key) -> None:
        try:
            again = self._controller.reconcile(key)
        except StatusError:
            self._queue.retry(key)
        except Exception:
            # One object that the controller cannot handle must not keep it from the others.
            name = "/".join(part for part in key if part)
            _log.exception("%s: failed on %s; tried again after a back-off", self._controller.name, name)
            self._queue.retry(key)
        else:
            (self._queue.retry if again is not None and again.refused else self._queue.forget)(key)
            if again is not None:
                self._queue.add_at(key, again.at, background=again.background)

    def close(self) -> None:
        """Stop listening, and forget what was to be done."""
        for informer, listener, controlled in self._listening:
            informer.unlisten(listener, controlled)
        self._queue.close()


class _Passes:
    """Limits how often one key is reconciled: a burst, and then so many passes a second.

    Kubernetes' controllers share a client with such a limit (``--kube-api-qps``, ``--kube-api-burst``), so that
    controllers that undo each other's work take time over it. Without it they would do so without end at one
    moment of simulated time.
    """

    BURST = 500
    PERIOD = timedelta(seconds=1 / 20)
    _KEPT = 10_000

    def __init__(self) -> None:
        self._spent: dict[Key, tuple[datetime, int]] = {}

    def admit(self, key: Key, now: datetime) -> datetime | None:
        """Count a pass; return when the key may be reconciled, None for now."""
        since, spent = self._spent.get(key, (now, 0))
        if since < now and spent:
            spent = max(0, spent - (now - since) // self.PERIOD)
        if spent >= self.BURST:
            return now + self.PERIOD
        if len(self._spent) > self._KEPT:
            self._spent.clear()
        self._spent[key] = now, spent + 1
        return None
