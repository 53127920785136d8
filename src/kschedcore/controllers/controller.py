"""The base class of controllers, their watches, and the runner that reconciles their keys."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, ClassVar, NamedTuple

from kschedcore.api.machinery.kinds import kind_by_resource
from kschedcore.api.machinery.status import StatusError
from kschedcore.api.machinery.types import UID, Object
from kschedcore.client.events import EventRecorder
from kschedcore.client.informer import Change, Informers, controller_of, key_of
from kschedcore.client.queue import WorkQueue
from kschedcore.client.verbs import Client
from kschedcore.clock import Timers

__all__ = [
    "Context",
    "Controller",
    "Key",
    "Requeue",
    "Runner",
    "Watch",
    "requeue_after",
    "watch_objects",
    "watch_owned",
]

_log = logging.getLogger(__name__)

Key = tuple[Any, ...]
"""The key that a controller reconciles: an :data:`ObjectKey`, which some controllers extend by the object's kind."""

USER_AGENT = "kube-controller-manager"


@dataclass(frozen=True, slots=True)
class Context:
    """The client, informers and clock that controllers share.

    Attributes:
        client: Reads and writes the API's objects.
        informers: The API's objects, indexed.
        clock: The time.
        external_owners: The uids of owners that exist outside this cluster: their dependents are not garbage.
    """

    client: Client
    informers: Informers
    clock: Timers
    external_owners: set[UID] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Requeue:
    """A later pass over the same key, if no change triggers one before.

    Attributes:
        at: The time.
        background: Whether the cluster counts as settled until then.
        refused: Whether a request was refused as well, so that the key is also retried with back-off.
    """

    at: datetime
    background: bool = False
    refused: bool = False


def requeue_after(refused: StatusError | None, again: Requeue | None) -> Requeue | None:
    """Return the later pass, marked as refused if a request was.

    Raises:
        StatusError: The refusal, if there is no later pass.
    """
    if refused is None:
        return again
    if again is None:
        raise refused
    return replace(again, refused=True)


@dataclass(frozen=True, slots=True)
class Watch:
    """A resource to watch, and the keys that a change of one of its objects concerns.

    Attributes:
        resource: The qualified plural.
        keys: Returns the keys that a change concerns.
        controlled: Deliver only objects whose controller is of this kind (:meth:`Informer.listen`).
        delay: Returns how long changes are batched; None for not at all.
    """

    resource: str
    keys: Callable[[Change], Iterable[Key]]
    controlled: str | None = None
    delay: Callable[[Change], timedelta] | None = None


def watch_objects(resource: str) -> Watch:
    """Watch the objects of a resource; a change is about the object itself."""
    return Watch(resource, lambda change: (key_of(change.object),))


def watch_owned(resource: str, of: str) -> Watch:
    """Watch owned objects; a change is about the owner, if that is of the resource ``of``.

    A change of owner is about both owners.
    """
    kind = kind_by_resource(of).resource.kind

    def keys(change: Change) -> Iterable[Key]:
        found = (_owner_key(each, kind) for each in (change.old, change.new) if each is not None)
        return dict.fromkeys(key for key in found if key is not None)

    return Watch(resource, keys, controlled=kind)


def _owner_key(obj: Object, kind: str) -> Key | None:
    reference = controller_of(obj)
    if reference is None or reference["kind"] != kind:
        return None
    return obj["metadata"].get("namespace", ""), reference["name"]


class Controller(ABC):
    """Reconciles the cluster with the desired state of objects of one kind.

    A controller is level-triggered: ``reconcile`` reads the current state, not the change, and keeps no state
    between two calls that a restart would lose.

    Attributes:
        name: ``deployment-controller``.
        component: The source of its events, where that is not its name.
    """

    name: ClassVar[str]
    component: ClassVar[str] = ""

    def __init__(self, context: Context) -> None:
        self.client = context.client.named(USER_AGENT)
        self.informers = context.informers
        self.clock = context.clock
        self.events = EventRecorder(self.client, context.clock, self.component or self.name)

    @abstractmethod
    def watches(self) -> Iterable[Watch]:
        """Return what to watch."""

    @abstractmethod
    def reconcile(self, key: Key) -> Requeue | None:
        """Reconcile one key.

        Returns:
            When to reconcile again if no change triggers it before; None for never.

        Raises:
            StatusError: The API refused a request; the key is retried with back-off.
        """


class Runner:
    """Runs one controller: a :class:`kschedcore.client.loop.Component`.

    Args:
        controller: The controller.
        context: Its client, informers and clock.
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

    def _listener(self, watched: Watch) -> Callable[[Change], None]:
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
        """Reconcile every key that is queued now; keys added meanwhile wait for the next step."""
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
        client = self._controller.client
        before = client.created
        try:
            again = self._controller.reconcile(key)
        except StatusError:
            self._queue.retry(key)
        except Exception:
            # An error with one object must not affect the others.
            name = "/".join(part for part in key if part)
            _log.exception("%s: failed on %s; tried again after a back-off", self._controller.name, name)
            self._queue.retry(key)
        else:
            (self._queue.retry if again is not None and again.refused else self._queue.forget)(key)
            if again is not None:
                self._queue.add_at(key, again.at, background=again.background)
        finally:
            self._passes.charge(key, client.created - before, self._clock.now())

    def close(self) -> None:
        """Stop watching, and drop the queue."""
        for informer, listener, controlled in self._listening:
            informer.unlisten(listener, controlled)
        self._queue.close()


class _Bucket(NamedTuple):
    """A token bucket: ``burst`` at once, and one more every ``period``."""

    burst: int
    period: timedelta

    def spent(self, account: _Account | None, now: datetime) -> int:
        """Return how much of the burst is used."""
        if account is None:
            return 0
        if account.since == now:
            return account.spent
        return max(0, account.spent - (now - account.since) // self.period)


class _Account(NamedTuple):
    """The used amount of a token bucket, and the time at which it was counted."""

    since: datetime
    spent: int


class _Passes:
    """Rate limit of reconciling one key, and of the objects that this creates: a burst, then 20 per second.

    Kubernetes' controllers share a client with such a limit (``--kube-api-qps``, ``--kube-api-burst``), so that
    controllers that undo each other's work are slowed down, and so is a workload with billions of replicas. Without
    it they would loop endlessly at one moment of simulated time.
    """

    PASSES = _Bucket(500, timedelta(seconds=1 / 20))
    CREATED = _Bucket(5_000, timedelta(seconds=1 / 20))
    _KEPT = 10_000

    def __init__(self) -> None:
        self._passes: dict[Key, _Account] = {}
        self._created: dict[Key, _Account] = {}

    def admit(self, key: Key, now: datetime) -> datetime | None:
        """Count a pass; return when the key may be reconciled, None for now."""
        created = self._created.get(key)
        if created is not None and (over := self.CREATED.spent(created, now) - self.CREATED.burst) >= 0:
            return now + (over + 1) * self.CREATED.period
        spent = self.PASSES.spent(self._passes.get(key), now)
        if spent >= self.PASSES.burst:
            return now + self.PASSES.period
        self._count(self._passes, key, _Account(now, spent + 1))
        return None

    def charge(self, key: Key, created: int, now: datetime) -> None:
        """Count the objects that a pass created."""
        if created:
            spent = self.CREATED.spent(self._created.get(key), now)
            self._count(self._created, key, _Account(now, spent + created))

    def _count(self, accounts: dict[Key, _Account], key: Key, account: _Account) -> None:
        if key not in accounts and len(accounts) > self._KEPT:
            accounts.clear()
        accounts[key] = account
