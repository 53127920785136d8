"""A simulated cluster for fault injection: every component runs in a process with a faulty connection.

In :class:`kschedcore.Cluster` all components share one set of informers. Here the controller manager, the scheduler
and the node agents are separate processes, each with its own transport and informers, so that faults can delay or
interrupt one of them. All run in the same event loop as in a :class:`kschedcore.Cluster`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import Protocol

from kschedcore.api.machinery.changes import Change
from kschedcore.api.machinery.types import Object
from kschedcore.apiserver import APIServer
from kschedcore.chaos.faults import FaultyTransport, ProcessStopped
from kschedcore.client.informer import Informers, Listener, ObjectKey, key_of
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

__all__ = ["ChaosCluster", "LivelockError", "Process"]

_MAX_STEPS = 20_000
"""Limit on consecutive steps that did work without the simulated clock advancing."""


class LivelockError(Exception):
    """Components keep working although the simulated time does not advance."""


class Observer(Protocol):
    """Callback after each step in which a component did work."""

    def __call__(self, component: str, process: Process, *, stale: bool) -> None:
        """Handle one step.

        Args:
            component: Name of the component.
            process: The process that runs it.
            stale: Whether the process had not yet received all events when the step began.
        """


class Process:
    """Components that share a transport and informers.

    Args:
        name: Name of the process; also its user agent.
        cluster: The cluster that it belongs to.
        makers: Factories of its components, by component name.

    Attributes:
        delivered: The resourceVersions that listeners were last called with, by resource and key.
    """

    def __init__(self, name: str, cluster: ChaosCluster, makers: Mapping[str, ComponentMaker]) -> None:
        self.name = name
        self._cluster = cluster
        self.transport = FaultyTransport(cluster.server, cluster.faults)
        self._makers = makers
        self.components: dict[str, Component] = {}
        self.informers = Informers(self.transport)
        self.delivered: dict[str, dict[ObjectKey, str]] = {}
        self._start()

    def _context(self) -> Context:
        return Context(Client(self.transport, self.name), self.informers, self._cluster.clock)

    def _start(self) -> None:
        context = self._context()
        for name, make in self._makers.items():
            self.components[name] = make(context)
        self.delivered = {}
        for resource, informer in self.informers.items():
            informer.listen(self._recorder(resource))

    def _recorder(self, resource: str) -> Listener:
        delivered = self.delivered[resource] = {}

        def record(change: Change) -> None:
            key = key_of(change.object)
            if change.new is None:
                delivered.pop(key, None)
            else:
                delivered[key] = change.new["metadata"]["resourceVersion"]

        return record

    def restart(self) -> None:
        """Stop the process and start it again with empty caches."""
        self._cluster.faults["restart of a process"] += 1
        for component in self.components.values():
            component.close()
        self.transport.close_watches()
        self.informers = Informers(self.transport)
        self._start()

    def restart_one(self, component: str) -> None:
        """Restart one component of the process."""
        self._cluster.faults["restart of a component"] += 1
        self.components[component].close()
        self.components[component] = self._makers[component](self._context())


class _InformerStep:
    """Updates the informers of a process; it runs before the components of the process."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._revision = -1

    def step(self) -> bool:
        transport = self._process.transport
        if transport.revision == self._revision and not transport.has_pending_events:
            return False
        self._revision = transport.revision
        transport.has_pending_events = False
        return self._process.informers.sync()

    def close(self) -> None:
        """Do nothing: the process owns the informers."""


class _ComponentStep:
    """Runs one component; when a fault stops its process during a step, the process is restarted."""

    def __init__(self, cluster: ChaosCluster, process: Process, component: str) -> None:
        self._cluster = cluster
        self._process = process
        self._component = component

    def step(self) -> bool:
        stale = self._process.transport.is_stale
        try:
            worked = self._process.components[self._component].step()
        except ProcessStopped:
            self._process.restart()
            worked = True
        if worked:
            self._cluster.worked(self._component, self._process, stale=stale)
        return worked

    def close(self) -> None:
        self._process.components[self._component].close()


class ChaosCluster:
    """An API server in simulated time and the processes of a cluster, none of which has run yet.

    Args:
        seed: Seed of uids and generated names.
        observe: Called after each step in which a component did work.
        parts: Controllers, scheduler configuration and plugins of the cluster.

    Attributes:
        faults: Number of injected faults, by kind.
    """

    def __init__(self, seed: int, observe: Observer, parts: Components) -> None:
        self.clock = SimulatedClock()
        self.server = APIServer(clock=self.clock, seed=seed)
        self.faults: Counter[str] = Counter()
        self.loop = Loop(self.clock, Informers(self.server.internal))
        self._observe, self._parts = observe, parts
        self._failed: set[str] = set()
        self._steps, self._steps_since = 0, self.clock.now()
        makers: dict[str, dict[str, ComponentMaker]] = {}
        for process, name, make in parts.makers(SimulatedRuntime(seed=seed), self._failed, self):
            makers.setdefault(process, {})[name] = make
        self.processes: dict[str, Process] = {}
        for name, components in makers.items():
            self.add(name, components)

    def add(self, name: str, makers: Mapping[str, ComponentMaker]) -> Process:
        """Add a process.

        Args:
            name: Its name.
            makers: Factories of its components, by component name.
        """
        process = self.processes[name] = Process(name, self, makers)
        self.loop.add(f"informers of {name}", _InformerStep(process))
        for component in process.components:
            self.loop.add(component, _ComponentStep(self, process, component))
        return process

    @property
    def scheduler(self) -> Scheduler:
        """The current scheduler."""
        found = self.processes[SCHEDULER].components["scheduler"]
        assert isinstance(found, Scheduler)
        return found

    @property
    def agents(self) -> NodeAgents:
        """The current node agents."""
        found = self.processes[AGENTS].components[NODE_AGENTS]
        assert isinstance(found, NodeAgents)
        return found

    @property
    def failed_nodes(self) -> frozenset[str]:
        """Names of the nodes that have failed and were not repaired."""
        return frozenset(self._failed)

    def process_of(self, component: str) -> Process:
        """Return the process that runs a component.

        Raises:
            UsageError: No component has this name.
        """
        for process in self.processes.values():
            if component in process.components:
                return process
        known = sorted(name for process in self.processes.values() for name in process.components)
        raise UsageError(f"{component!r} does not run here; expected one of {', '.join(known)}")

    def worked(self, component: str, process: Process, *, stale: bool) -> None:
        """Record a step in which a component did work; arguments as for :class:`Observer`.

        Raises:
            LivelockError: Too many steps were taken at one moment of simulated time.
        """
        self._observe(component, process, stale=stale)
        if self.clock.now() != self._steps_since:
            self._steps, self._steps_since = 0, self.clock.now()
        self._steps += 1
        if self._steps > _MAX_STEPS:
            raise LivelockError(
                f"{component} and others took {self._steps} steps at one moment of simulated time"
            )

    def run_for(self, seconds: float) -> None:
        """Advance the simulated time and run the components."""
        self.loop.run_until(self.clock.now() + timedelta(seconds=seconds))

    def jump(self, seconds: float) -> None:
        """Advance the simulated time without running components, as when a machine was suspended."""
        self.faults["clock jump"] += 1
        self.clock.wait(self.clock.now() + timedelta(seconds=seconds))

    def new_scheduler(self, context: Context) -> Scheduler:
        """Return a new scheduler with the configuration of this cluster, which lists the current objects."""
        return self._parts.scheduler(context)

    def usage(self, pod: Object, container: str = "") -> dict[str, int] | None:
        """Return the current usage of a pod or a container; see :meth:`kschedcore.cluster.Cluster.usage`."""
        return self.agents.usage(pod, container)
