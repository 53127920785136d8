"""A cluster that can be broken at any point: the parts of a real one, as processes on bad connections.

Where :class:`kschedcore.Cluster` has every component share one view of the API, here controllers, scheduler and
node agents are processes with a view of their own, which faults make late or interrupt. They take their turns in
the product's own loop.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import Protocol

from kschedcore.api.machinery.types import Object
from kschedcore.apiserver import APIServer
from kschedcore.chaos.faults import FaultyTransport, Stopped
from kschedcore.client.informer import Informers
from kschedcore.client.loop import Component, Loop
from kschedcore.client.verbs import Client
from kschedcore.clock import SimulatedClock
from kschedcore.cluster.controlplane import (
    AGENTS,
    NODE_AGENTS,
    SCHEDULER,
    ComponentMaker,
    Components,
)
from kschedcore.controllers.controller import Context
from kschedcore.errors import UsageError
from kschedcore.nodes.agents import NodeAgents
from kschedcore.nodes.runtimes.simulated import SimulatedRuntime
from kschedcore.scheduler.loop import Scheduler

__all__ = ["BreakableCluster", "Process", "RestlessError"]

_MOST_TURNS = 20_000
"""So many turns with work to do may follow one another while time stands still."""


class RestlessError(Exception):
    """Components have work to do again and again although nothing happens."""


class Observer(Protocol):
    """Is told of every turn."""

    def __call__(self, component: str, process: Process, *, late: bool) -> None:
        """A component has had its turn.

        Args:
            component: Which.
            process: The process that it is part of.
            late: Whether that had not heard of everything before.
        """


class Process:
    """Components that share a connection and a view of the API.

    Args:
        name: Which process it is.
        cluster: Of which cluster.
        makers: What makes each of its components.
    """

    def __init__(self, name: str, cluster: BreakableCluster, makers: Mapping[str, ComponentMaker]) -> None:
        self.name = name
        self._cluster = cluster
        self.transport = FaultyTransport(cluster.server, cluster.tried)
        self._makers = makers
        self.components: dict[str, Component] = {}
        self.informers = Informers(self.transport)
        self._start()

    def _context(self) -> Context:
        return Context(Client(self.transport, self.name), self.informers, self._cluster.clock)

    def _start(self) -> None:
        context = self._context()
        for name, make in self._makers.items():
            self.components[name] = make(context)

    def restart(self) -> None:
        """Stop the process wherever it is, and start it anew; all it knew is forgotten."""
        self._cluster.tried["restart of a process"] += 1
        for component in self.components.values():
            component.close()
        self.transport.forget_watches()
        self.informers = Informers(self.transport)
        self._start()

    def restart_one(self, component: str) -> None:
        """Stop one component, and start it anew beside the others."""
        self._cluster.tried["restart of a component"] += 1
        self.components[component].close()
        self.components[component] = self._makers[component](self._context())


class _Hearing:
    """Lets a process take in its news: the first turn of a round is its informers'."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._heard = -1

    def step(self) -> bool:
        transport = self._process.transport
        if transport.revision == self._heard and not transport.is_stirred:
            return False
        self._heard = transport.revision
        transport.is_stirred = False
        return self._process.informers.sync()

    def close(self) -> None:
        """Nothing is kept here."""


class _Turn:
    """One component's turns; when it is stopped in one of them, its process is started anew."""

    def __init__(self, cluster: BreakableCluster, process: Process, component: str) -> None:
        self._cluster = cluster
        self._process = process
        self._component = component

    def step(self) -> bool:
        late = self._process.transport.is_late
        try:
            worked = self._process.components[self._component].step()
        except Stopped:
            self._process.restart()
            worked = True
        if worked:
            self._cluster.worked(self._component, self._process, late=late)
        return worked

    def close(self) -> None:
        self._process.components[self._component].close()


class BreakableCluster:
    """An API server in simulated time, and around it the processes of a cluster, none of which has had a turn yet.

    Args:
        seed: For uids and generated names.
        observe: Told after each turn in which a component had work to do.
        parts: What it is made of.

    Attributes:
        tried: How often each kind of fault came to pass.
    """

    def __init__(self, seed: int, observe: Observer, parts: Components) -> None:
        self.clock = SimulatedClock()
        self.server = APIServer(clock=self.clock, seed=seed)
        self.tried: Counter[str] = Counter()
        self.loop = Loop(self.clock, Informers(self.server.internal))
        self._observe, self._parts = observe, parts
        self._failed: set[str] = set()
        self._turns, self._turns_at = 0, self.clock.now()
        makers: dict[str, dict[str, ComponentMaker]] = {}
        for process, name, make in parts.makers(SimulatedRuntime(seed=seed), self._failed, self):
            makers.setdefault(process, {})[name] = make
        self.processes: dict[str, Process] = {}
        for name, components in makers.items():
            self.add(name, components)

    def add(self, name: str, makers: Mapping[str, ComponentMaker]) -> Process:
        """Run one more process.

        Args:
            name: Which.
            makers: What makes each of its components, by name.
        """
        process = self.processes[name] = Process(name, self, makers)
        self.loop.add(f"informers of {name}", _Hearing(process))
        for component in process.components:
            self.loop.add(component, _Turn(self, process, component))
        return process

    @property
    def scheduler(self) -> Scheduler:
        """The scheduler that runs now."""
        found = self.processes[SCHEDULER].components["scheduler"]
        assert isinstance(found, Scheduler)
        return found

    @property
    def agents(self) -> NodeAgents:
        """The node agents that run now."""
        found = self.processes[AGENTS].components[NODE_AGENTS]
        assert isinstance(found, NodeAgents)
        return found

    @property
    def failed_nodes(self) -> frozenset[str]:
        """The nodes that have fallen silent."""
        return frozenset(self._failed)

    def process_of(self, component: str) -> Process:
        """The process that a component is part of.

        Raises:
            UsageError: There is no such component.
        """
        for process in self.processes.values():
            if component in process.components:
                return process
        known = sorted(name for process in self.processes.values() for name in process.components)
        raise UsageError(f"{component!r} does not run here; expected one of {', '.join(known)}")

    def worked(self, component: str, process: Process, *, late: bool) -> None:
        """A component had work to do; arguments as an :class:`Observer` has them.

        Raises:
            RestlessError: There is no end of it.
        """
        self._observe(component, process, late=late)
        if self.clock.now() != self._turns_at:
            self._turns, self._turns_at = 0, self.clock.now()
        self._turns += 1
        if self._turns > _MOST_TURNS:
            raise RestlessError(f"{component} and others have had {self._turns} turns at one moment")

    def run_for(self, seconds: float) -> None:
        """Let so much time pass."""
        self.loop.run_until(self.clock.now() + timedelta(seconds=seconds))

    def jump(self, seconds: float) -> None:
        """Time has passed while nobody had a turn, as when a machine was suspended."""
        self.tried["clock jump"] += 1
        self.clock.wait(self.clock.now() + timedelta(seconds=seconds))

    def new_scheduler(self, context: Context) -> Scheduler:
        """A scheduler of this cluster's configuration, which begins with what the API has."""
        return self._parts.scheduler(context)

    def usage(self, pod: Object, container: str = "") -> dict[str, int] | None:
        """What a pod, or one of its containers, uses now; see :meth:`kschedcore.cluster.Cluster.usage`."""
        return self.agents.usage(pod, container)
