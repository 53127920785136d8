"""The wiring of a control plane: an API server, a clock, and components in one loop.

Everything that runs a cluster, or a part of one, is wired here: :class:`kschedcore.Cluster`, clusters under fault
injection, replays of recorded histories, and the test suite's small clusters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Literal

from kschedcore.api.arguments import text
from kschedcore.api.versions import DEFAULT, Release
from kschedcore.apiserver import APIServer
from kschedcore.client.informer import Informers
from kschedcore.client.loop import Component, Loop
from kschedcore.client.transport import Transport
from kschedcore.client.verbs import Client
from kschedcore.clock import SimulatedClock, Timers
from kschedcore.controllers.controller import Context, Controller, Runner
from kschedcore.controllers.horizontalpodautoscaler.controller import HorizontalPodAutoscalerController
from kschedcore.controllers.horizontalpodautoscaler.replicas import UsageSource
from kschedcore.controllers.registry import CONTROLLERS
from kschedcore.engine.plugin import Plugin
from kschedcore.errors import UsageError
from kschedcore.nodes.agents import NodeAgents
from kschedcore.nodes.runtimes.interface import Runtime
from kschedcore.scheduler.loop import Scheduler

__all__ = [
    "AGENTS",
    "CONTROLLER_MANAGER",
    "NODE_AGENTS",
    "SCHEDULER",
    "ComponentMaker",
    "Components",
    "ControlPlane",
    "ProcessName",
]

ProcessName = Literal["kube-controller-manager", "kube-scheduler", "kubelet"]
"""The processes that run a cluster's components."""
CONTROLLER_MANAGER: Final = "kube-controller-manager"
SCHEDULER: Final = "kube-scheduler"
AGENTS: Final = "kubelet"

NODE_AGENTS: Final = "node-agents"
"""The component that runs the agents of all nodes."""

_PROCESSES: Final = {"scheduler": SCHEDULER, "controllers": CONTROLLER_MANAGER, "nodes": AGENTS}

ComponentMaker = Callable[[Context], Component]
"""Creates a component with the client, informers and clock of a context."""


@dataclass(frozen=True)
class Components:
    """The components of a cluster.

    Attributes:
        controllers: The controllers of the controller manager, besides the autoscaler.
        config: The scheduler's KubeSchedulerConfiguration; kube-scheduler's default when None.
        plugins: Scheduling plugins that the configuration may name.
        release: The Kubernetes version and feature gates that the components follow.
        without: Components that do not run here: ``scheduler``, ``controllers``, ``nodes``, or one controller by
            its name.

    Raises:
        UsageError: A name in ``without`` is unknown.
    """

    controllers: tuple[type[Controller], ...] = CONTROLLERS
    config: Mapping[str, Any] | None = None
    plugins: tuple[type[Plugin], ...] = ()
    release: Release = DEFAULT
    without: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        """Check the names of components."""
        known = {
            *_PROCESSES,
            *(each.name for each in self.controllers),
            HorizontalPodAutoscalerController.name,
        }
        if unknown := sorted(self.without - known):
            raise UsageError(
                f"component {unknown[0]!r} is unknown; expected one of {', '.join(sorted(known))}"
            )

    def makers(
        self, runtime: Runtime, failed_nodes: set[str], usage: UsageSource
    ) -> list[tuple[ProcessName, str, ComponentMaker]]:
        """Return process, name and factory of each component, in the order in which they run.

        Args:
            runtime: The container runtime of the node agents.
            failed_nodes: The names of nodes that have failed; the node agents keep it up to date.
            usage: Where the autoscaler reads the resource usage of pods.
        """
        agents = partial(NodeAgents, runtime=runtime, failed=failed_nodes)
        every: list[tuple[ProcessName, str, ComponentMaker]] = [
            *((CONTROLLER_MANAGER, each.name, partial(_runner, each)) for each in self.controllers),
            (SCHEDULER, "scheduler", self.scheduler),
            (AGENTS, NODE_AGENTS, agents),
            (CONTROLLER_MANAGER, HorizontalPodAutoscalerController.name, partial(_autoscaler, usage)),
        ]
        left_out = {_PROCESSES.get(name, name) for name in self.without}
        return [each for each in every if left_out.isdisjoint(each[:2])]

    def scheduler(self, context: Context) -> Scheduler:
        """Return a scheduler with this configuration."""
        return Scheduler(
            context.client,
            context.informers,
            context.clock,
            config=self.config,
            plugins=self.plugins,
            release=self.release,
        )


def _runner(controller: type[Controller], context: Context) -> Runner:
    return Runner(controller(context), context)


def _autoscaler(usage: UsageSource, context: Context) -> Runner:
    return Runner(HorizontalPodAutoscalerController(context, usage), context)


class ControlPlane:
    """An API server and components with shared informers and one loop.

    Args:
        clock: Simulated or wall-clock time; simulated by default.
        seed: Seed of uids and generated names.
        user_agent: The user agent of :attr:`client`.
        transport: Returns the components' transport to the API server; in process by default.
        release: The Kubernetes version and feature gates that the API server follows.

    Attributes:
        server: The API server.
        informers: The components' informers.
        loop: Runs the components and advances the time.
        context: The client, informers and clock of components.
    """

    def __init__(
        self,
        clock: Timers | None = None,
        *,
        seed: int = 0,
        user_agent: str = CONTROLLER_MANAGER,
        transport: Callable[[APIServer], Transport] | None = None,
        release: Release = DEFAULT,
    ) -> None:
        self.clock: Timers = SimulatedClock() if clock is None else clock
        self.server = APIServer(clock=self.clock, seed=seed, release=release)
        self.transport = self.server.internal if transport is None else transport(self.server)
        self.client = Client(self.transport, user_agent)
        self.informers = Informers(self.transport)
        self.loop = Loop(self.clock, self.informers)
        self.context = Context(self.client, self.informers, self.clock)
        self._makers: dict[str, ComponentMaker] = {}

    def add(self, name: str, make: ComponentMaker) -> None:
        """Start a component, which runs after the existing ones."""
        self._makers[name] = make
        self.loop.add(name, make(self.context))

    def add_controller(self, controller: Callable[[Context], Controller]) -> None:
        """Start a controller."""
        made = controller(self.context)
        self._makers[made.name] = lambda context: Runner(controller(context), context)
        self.loop.add(made.name, Runner(made, self.context))

    def restart(self, name: str) -> None:
        """Stop a component, and start a new one in its place.

        Raises:
            UsageError: No component of that name runs.
        """
        if text("component", name) not in self._makers:
            known = ", ".join(sorted(self._makers))
            raise UsageError(f"component {name!r} does not run here; expected one of {known}")
        make = self._makers[name]
        self.loop.replace(name, lambda: make(self.context))

    def remove(self, name: str) -> None:
        """Stop a component."""
        del self._makers[name]
        self.loop.remove(name)

    def close(self) -> None:
        """Stop all components; stored objects can still be read."""
        for name in list(self._makers):
            self.remove(name)
