"""A whole cluster in a Python program: API server, controllers, scheduler, node agents, and a clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, Self

from kschedcore.api.arguments import UINT64_MAX, integer, shown, text
from kschedcore.api.durations import Span, duration
from kschedcore.api.html import html_table
from kschedcore.api.machinery.kinds import KINDS
from kschedcore.api.machinery.times import later
from kschedcore.api.machinery.types import CLUSTER_SCOPE, Object
from kschedcore.api.selectors import Selector, parse_selector
from kschedcore.api.versions import NEWEST, Release, release_of
from kschedcore.apiserver.printers import table
from kschedcore.client.transport import Request, Requester, Response
from kschedcore.client.verbs import Client
from kschedcore.clock import START, SimulatedClock, Timers, WallClock
from kschedcore.cluster.controlplane import NODE_AGENTS, Components, ControlPlane
from kschedcore.cluster.initial import InitialObjects, Nodes, create_initial_objects, initial_manifests
from kschedcore.cluster.kubectl import Kubectl
from kschedcore.cluster.references import kind_named, reference
from kschedcore.cluster.warning_headers import show_warning
from kschedcore.engine.plugin import Plugin
from kschedcore.errors import UsageError
from kschedcore.nodes.agents import NodeAgents
from kschedcore.nodes.runtimes.behaviours import Behaviours
from kschedcore.nodes.runtimes.interface import Runtime
from kschedcore.nodes.runtimes.simulated import SimulatedRuntime
from kschedcore.store.watch import Watch

__all__ = ["Cluster"]

Objects = list[Object]
_FIRST_YEAR, _LAST_YEAR = 1000, 9000


class Cluster(Kubectl, Requester):
    """A cluster that runs in the calling thread.

    Components run only inside calls: :meth:`run_for`, :meth:`run_until_settled` and :meth:`run_until` advance
    the time. In simulated time they jump from event to event, and the same calls with the same seed give the
    same history, byte for byte; with a wall clock they take real time.

    References are ``kind/name`` as in kubectl (``deployment/web``, ``deploy/web``, ``nodes/node-1``). A
    refused verb raises a :class:`kschedcore.errors.KschedcoreError` with kubectl's or the API's message.

    Args:
        clock: Simulated or wall-clock time; simulated by default.
        nodes: The number of plain nodes, or manifests, which may contain other objects too.
        seed: Seed of uids, generated names and random choices.
        config: A KubeSchedulerConfiguration, as an object; kube-scheduler's default otherwise.
        plugins: Custom scheduling plugins that the configuration may name.
        behaviours: The behaviours of containers: files, or a runtime
            (:mod:`kschedcore.nodes.runtimes.behaviours`); by default containers start, run and end without errors.
        namespace: The default namespace of verbs.
        kubernetes: The version whose scheduler the cluster runs, see :mod:`kschedcore.api.versions`.
        feature_gates: Feature gate -> whether it is on, where that differs from the version's default.
        without: Components that do not run: ``scheduler``, ``controllers``, ``nodes``, or one controller by its name.

    Attributes:
        left_aside: Kind -> number of the given objects that the cluster does not serve, such as custom resources.
    """

    user_agent = "kubectl"

    def __init__(
        self,
        clock: Timers | None = None,
        *,
        nodes: Nodes = 0,
        seed: int = 0,
        config: Mapping[str, Any] | None = None,
        plugins: Iterable[type[Plugin]] = (),
        behaviours: Behaviours | Runtime | Iterable[str | Path] | str | Path | None = None,
        namespace: str = "default",
        kubernetes: str | Release = NEWEST,
        feature_gates: Mapping[str, bool] | None = None,
        without: Iterable[str] = (),
    ) -> None:
        self.namespace = namespace
        release = release_of(kubernetes, feature_gates)
        self._components = Components(
            config=config, plugins=tuple(plugins), release=release, without=frozenset(without)
        )
        self._plane = ControlPlane(
            clock, seed=integer("seed", seed, UINT64_MAX), user_agent="kubectl", release=release
        )
        self.clock: Timers = self._plane.clock
        self._server, self._informers = self._plane.server, self._plane.informers
        self._client = Client(self._plane.transport, self.user_agent, on_warning=show_warning)
        self._loop = self._plane.loop
        self._failed: set[str] = set()
        for _, name, make in self._components.makers(_runtime(behaviours, seed), self._failed, self):
            self._plane.add(name, make)
        self._loop.run_ready()
        self.left_aside: dict[str, int] = {}
        create_initial_objects(
            self._server,
            self._client,
            initial_manifests(nodes),
            self._namespace(namespace),
            self._loop.run_ready,
            self._begin_with,
        )
        self._loop.run_ready()

    def _begin_with(self, moved: InitialObjects) -> None:
        self._failed |= moved.failed_nodes
        self._plane.context.external_owners.update(moved.external_owners)
        self.left_aside.update(moved.left_aside)

    @property
    def control_plane(self) -> ControlPlane:
        """The API server and the components of this cluster."""
        return self._plane

    @property
    def _agents(self) -> NodeAgents:
        if "nodes" in self._components.without:
            raise UsageError("the cluster runs no node agents")
        agents = self._loop.component(NODE_AGENTS)
        assert isinstance(agents, NodeAgents)
        return agents

    def usage(self, pod: Object, container: str = "") -> dict[str, int] | None:
        """Return the current usage of a pod or a container: ``cpu`` in millicores, ``memory`` in bytes.

        None when no container runs or the node has failed.
        """
        return self._agents.usage(pod, container)

    @classmethod
    def simulated(cls, nodes: Nodes = 0, *, start: datetime = START, **options: Any) -> Self:
        """Return a cluster in simulated time from ``start`` on; other arguments as for the class."""
        return cls(SimulatedClock(_checked(start)), nodes=nodes, **options)

    @classmethod
    def realtime(cls, nodes: Nodes = 0, **options: Any) -> Self:
        """Return a cluster in real time; other arguments as for the class."""
        return cls(WallClock(), nodes=nodes, **options)

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "a Cluster cannot be pickled or copied: make another one with the same seed and do the same to it"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop all components; stored objects can still be read."""
        self._plane.close()

    # Time

    def run_for(self, span: Span) -> None:
        """Advance the time by a span.

        Raises:
            UsageError: It is no span of time, or leads beyond the year 9,000.
        """
        self._loop.run_until(_checked(later(self.clock.now(), duration(span))))

    def run_until(self, when: datetime | Callable[[], bool], timeout: Span = "1h") -> bool:
        """Advance the time until a point in time or until a condition holds.

        Args:
            when: The point in time, or a condition that is evaluated after every event.
            timeout: Limit for a condition.

        Returns:
            Whether the condition holds.

        Raises:
            UsageError: The point in time has no time zone, or is beyond the year 9,000.
        """
        if isinstance(when, datetime):
            self._loop.run_until(_checked(when))
            return True
        return self._loop.run_while(lambda: not when(), duration(timeout))

    def run_until_settled(self, timeout: Span = "1h") -> bool:
        """Advance the time until only periodic work and deadlines are left.

        Returns:
            Whether that was reached within ``timeout``; a crash-looping pod never settles.
        """
        return self._loop.run_until_settled(duration(timeout))

    def restart(self, component: str) -> None:
        """Restart a component: ``scheduler``, ``deployment-controller``, ….

        Raises:
            UsageError: No component has that name.
        """
        self._plane.restart(component)

    # Reading

    @property
    def config(self) -> Mapping[str, Any] | None:
        """The KubeSchedulerConfiguration of the scheduler; None for kube-scheduler's default."""
        return self._components.config

    def send(self, request: Request) -> Response:
        """Send a request to the API server; see :meth:`kschedcore.apiserver.APIServer.send`."""
        return self._server.send(request)

    def get(self, ref: str, *, namespace: str | None = None) -> Object:
        """Return the object named ``kind/name``; it is shared and must not be changed.

        As in kubectl, without ``managedFields``, which :meth:`request` returns.

        Raises:
            StatusError: 404 when there is no such object.
        """
        return self._target(ref, namespace).get()

    def pod(self, name: str) -> Object:
        """Return a pod by name or ``namespace/name``; the object is shared and must not be changed.

        Raises:
            StatusError: 404 when the pod does not exist.
            UsageError: The name is invalid.
        """
        namespace, slash, plain = text("name", name).rpartition("/")
        return self.get(f"pods/{plain}", namespace=namespace if slash else None)

    def _repr_html_(self) -> str:
        kinds = [(each.resource.kind, len(self._informers[each.resource.qualified].all())) for each in KINDS]
        return html_table(repr(self)[1:-1], ("kind", "objects"), [each for each in kinds if each[1]])

    def __repr__(self) -> str:
        nodes, pods = (len(self._informers[kind].all()) for kind in ("nodes", "pods"))
        return f"<Cluster at {self.now():%Y-%m-%d %H:%M:%S}: {nodes} nodes, {pods} pods>"

    def list(
        self, kind: str, *, namespace: str | None = None, all_namespaces: bool = False, selector: str = ""
    ) -> Objects:
        """Return the objects of a kind in the order of namespace and name, as :meth:`get` does.

        Args:
            kind: ``pods``, ``deploy``, ….
            namespace: The namespace; the cluster's default namespace otherwise.
            all_namespaces: List all namespaces.
            selector: A label selector: ``app=web,tier!=cache``.

        Raises:
            UsageError: The kind is not served, or the selector cannot be read.
        """
        resource = kind_named(kind).resource
        self._server.expire()
        informer, labels = self._informers[resource.qualified], _labels(selector)
        everywhere = all_namespaces or not resource.namespaced
        found = informer.all() if everywhere else informer.in_namespace(self._namespace(namespace))
        chosen = (obj for obj in found if labels.matches(obj["metadata"].get("labels", {})))
        return sorted(chosen, key=lambda obj: (obj["metadata"].get("namespace", ""), obj["metadata"]["name"]))

    def table(
        self, kind: str, *, namespace: str | None = None, all_namespaces: bool = False, selector: str = ""
    ) -> str:
        """Return the table that ``kubectl get`` prints; arguments as for :meth:`list`."""
        found = self.list(kind, namespace=namespace, all_namespaces=all_namespaces, selector=selector)
        if kind_named(kind).resource.qualified == "events":
            found.sort(key=_last_seen)
        return table(kind_named(kind), found, self.now(), namespaces=all_namespaces)

    def events(self, ref: str = "", *, namespace: str | None = None) -> Objects:
        """Return the events, the oldest first.

        Args:
            ref: The object that they are about; any object by default.
            namespace: Their namespace; all namespaces by default.
        """
        self._server.expire()
        informer = self._informers["events"]
        found = informer.all() if namespace is None else informer.in_namespace(self._namespace(namespace))
        if ref:
            kind, name = reference(ref)
            found = [
                event
                for event in found
                if event["involvedObject"].get("kind") == kind.resource.kind
                and event["involvedObject"].get("name") == name
            ]
        return sorted(
            found,
            key=lambda event: (event.get("lastTimestamp") or "", int(event["metadata"]["resourceVersion"])),
        )

    def watch(
        self, kind: str, *, namespace: str | None = None, all_namespaces: bool = False, selector: str = ""
    ) -> Watch:
        """Watch the objects of a kind from now on; ``poll()`` of the watch returns the events since the last call."""
        found = kind_named(kind)
        where = (
            CLUSTER_SCOPE if all_namespaces or not found.resource.namespaced else self._namespace(namespace)
        )
        labels = _labels(selector)
        selects = None if labels.is_empty() else lambda obj: labels.matches(obj["metadata"].get("labels", {}))
        return self._server.store.watch(found.resource, where or None, selects=selects)

    # Node failures

    def fail_node(self, ref: str) -> None:
        """Make a node fail: its containers keep running, but its agent neither reads nor writes objects.

        Raises:
            StatusError: 404 when there is no such object.
        """
        target = self._node(ref)
        target.get()
        self._agents.fail(target.name)

    def repair_node(self, ref: str, *, rebooted: bool = False) -> None:
        """Repair a failed node; with ``rebooted`` its containers have stopped.

        Raises:
            StatusError: 404 when there is no such object.
        """
        target = self._node(ref)
        target.get()
        self._agents.repair(target.name, rebooted=rebooted)


def _runtime(
    behaviours: Behaviours | Runtime | Iterable[str | Path] | str | Path | None, seed: int
) -> Runtime:
    if behaviours is None or isinstance(behaviours, Behaviours):
        return SimulatedRuntime(behaviours, seed=seed)
    if isinstance(behaviours, str | Path):
        return SimulatedRuntime(Behaviours.load(behaviours), seed=seed)
    if isinstance(behaviours, Iterable):
        return SimulatedRuntime(Behaviours.load(*behaviours), seed=seed)
    return behaviours


def _checked(when: datetime) -> datetime:
    """Return a time that the clock may be advanced to: components add spans of their own to it."""
    if when.tzinfo is None:
        raise UsageError(f"{when.isoformat()} has no time zone")
    if not _FIRST_YEAR <= when.year <= _LAST_YEAR:
        years = f"from {_FIRST_YEAR} to {_LAST_YEAR}"
        raise UsageError(f"{when.isoformat()}: expected a time of the years {years}")
    return when


def _labels(selector: str) -> Selector:
    try:
        return parse_selector(text("selector", selector))
    except ValueError as fault:
        raise UsageError(f"selector {shown(selector)}: {fault}") from None


def _last_seen(event: Object) -> tuple[str, int]:
    return event.get("lastTimestamp") or "", int(event["metadata"]["resourceVersion"])
