"""A whole cluster in a Python program: API server, controllers, scheduler, node agents, and a clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from kschedcore.api.selectors import parse_selector
from kschedcore.apiserver import APIServer
from kschedcore.client.informer import Informers, by_node
from kschedcore.client.loop import Loop
from kschedcore.client.verbs import Client
from kschedcore.clock import START, SimulatedClock, Timers, WallClock
from kschedcore.cluster import applying, editing, rollouts
from kschedcore.cluster.draining import DrainOptions, drained, pods_to_evict
from kschedcore.cluster.durations import duration
from kschedcore.cluster.editing import Target
from kschedcore.cluster.given_nodes import Nodes, move_in, node_manifests
from kschedcore.cluster.references import kind_named, reference
from kschedcore.cluster.results import Result, Results, told
from kschedcore.cluster.tables import table
from kschedcore.controllers.controller import Context, Controller, Runner
from kschedcore.controllers.horizontalpodautoscaler import HorizontalPodAutoscalerController
from kschedcore.controllers.registry import CONTROLLERS
from kschedcore.errors import KschedcoreError, UsageError
from kschedcore.nodes.agents import NodeAgents
from kschedcore.nodes.behaviours import Behaviours
from kschedcore.nodes.runtime import Runtime
from kschedcore.nodes.simulated import SimulatedRuntime
from kschedcore.scheduling.loop import Scheduler
from kschedcore.scheduling.plugin import Plugin
from kschedcore.store.admission_types import Object
from kschedcore.store.watch import Watch

__all__ = ["Cluster"]

Span = str | float | timedelta
"""``"5m"``, seconds, or a timedelta."""

Objects = list[Object]


class Cluster:
    """A cluster that lives in the calling thread.

    Nothing happens between two calls: :meth:`run_for`, :meth:`run_until_settled` and :meth:`run_until` let
    time pass. In simulated time they jump from event to event, and the same calls with the same seed give the
    same history, byte for byte; on the wall's clock they take as long as they say.

    References are ``kind/name`` as in kubectl (``deployment/web``, ``deploy/web``, ``nodes/node-1``). What a
    verb refuses raises a :class:`kschedcore.errors.KschedcoreError`, with kubectl's or the API's message.

    Args:
        clock: Simulated time or the wall's; simulated by default.
        nodes: So many plain nodes, or manifests, which may hold any other objects too.
        seed: For uids, generated names and whatever is drawn.
        config: A KubeSchedulerConfiguration, as an object; kube-scheduler's default otherwise.
        plugins: Scheduling plugins of one's own that the configuration may name.
        behaviours: How containers behave: files of behaviours, or what runs them
            (:mod:`kschedcore.nodes.behaviours`); by default they start, run and end as one would expect.
        namespace: Where verbs look that are told no namespace.
    """

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
    ) -> None:
        self.clock: Timers = SimulatedClock() if clock is None else clock
        self.namespace = namespace
        self._server = APIServer(clock=self.clock, seed=seed)
        self._informers = Informers(self._server)
        self._client = Client(self._server, "kubectl")
        self._loop = Loop(self.clock, self._informers)
        self._context = Context(self._client, self._informers, self.clock)
        self._make: dict[str, Callable[[], Any]] = {}
        self._config, self._plugins = config, tuple(plugins)
        self._runtime = _runtime(behaviours, seed)
        self._failed: set[str] = set()
        for controller in CONTROLLERS:
            self._add(controller.name, partial(self._runner, controller))
        self._add("scheduler", self._scheduler)
        self._add("node-agents", self._node_agents)
        self._add(HorizontalPodAutoscalerController.name, self._autoscaler)
        self._loop.run_ready()
        move_in(self._client, node_manifests(nodes), namespace, self._loop.run_ready)
        self._loop.run_ready()

    def _scheduler(self) -> Scheduler:
        return Scheduler(
            self._client, self._informers, self.clock, config=self._config, plugins=self._plugins
        )

    def _node_agents(self) -> NodeAgents:
        self._agents = NodeAgents(self._context, self._runtime, failed=self._failed)
        return self._agents

    def _autoscaler(self) -> Runner:
        return Runner(HorizontalPodAutoscalerController(self._context, self), self._context)

    def usage(self, pod: Object, container: str = "") -> dict[str, int] | None:
        """What a pod, or one of its containers, uses now: ``cpu`` in millicores, ``memory`` in bytes.

        None when nothing of it runs, or its node has failed.
        """
        return self._agents.usage(pod, container)

    def _runner(self, controller: type[Controller]) -> Runner:
        return Runner(controller(self._context), self._context)

    def _add(self, name: str, make: Callable[[], Any]) -> None:
        self._make[name] = make
        self._loop.add(name, make())

    @classmethod
    def simulated(cls, nodes: Nodes = 0, *, start: datetime = START, **options: Any) -> Self:
        """A cluster in simulated time, which begins at ``start``; other arguments as the class has them."""
        return cls(SimulatedClock(start), nodes=nodes, **options)

    @classmethod
    def realtime(cls, nodes: Nodes = 0, **options: Any) -> Self:
        """A cluster on the wall's clock; other arguments as the class has them."""
        return cls(WallClock(), nodes=nodes, **options)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop everything; what is stored can still be read."""
        for name in self._make:
            self._loop.remove(name)
        self._make.clear()

    # Time

    def now(self) -> datetime:
        """What time it is in the cluster, in UTC."""
        return self.clock.now()

    def run_for(self, span: Span) -> None:
        """Let so much time pass."""
        self._loop.run_until(self.clock.now() + duration(span))

    def run_until(self, when: datetime | Callable[[], bool], timeout: Span = "1h") -> bool:
        """Let time pass until a time, or until something holds.

        Args:
            when: The time, or a question that is asked again after every event.
            timeout: How long to wait for the latter.

        Returns:
            Whether it came about.
        """
        if isinstance(when, datetime):
            self._loop.run_until(when)
            return True
        return self._loop.run_while(lambda: not when(), duration(timeout))

    def run_until_settled(self, timeout: Span = "1h") -> bool:
        """Let time pass until nothing is left to do but what repeats or may never matter.

        Returns:
            Whether that came about within ``timeout``: a pod that crashes again and again never settles.
        """
        return self._loop.run_until_settled(duration(timeout))

    def restart(self, component: str) -> None:
        """Stop a component wherever it is and start it anew: ``scheduler``, ``deployment-controller``, ….

        Raises:
            UsageError: There is none of that name.
        """
        if component not in self._make:
            raise UsageError(
                f"{component!r} does not run here; expected one of {', '.join(sorted(self._make))}"
            )
        self._loop.replace(component, self._make[component])

    # Reading

    def request(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | str | bytes | None = None,
        content_type: str = "application/json",
        user_agent: str = "kubectl",
    ) -> tuple[int, Object]:
        """Ask the API server; see :meth:`kschedcore.apiserver.APIServer.request`."""
        return self._server.request(method, path, body, content_type, user_agent)

    def get(self, ref: str, *, namespace: str | None = None) -> Object:
        """The object that ``kind/name`` names, as it is stored; shared and not to be changed.

        Raises:
            StatusError: 404 when there is none.
        """
        return self._target(ref, namespace).get()

    def list(
        self, kind: str, *, namespace: str | None = None, all_namespaces: bool = False, selector: str = ""
    ) -> Objects:
        """The objects of a kind, in the order of namespace and name, as they are stored.

        Args:
            kind: ``pods``, ``deploy``, ….
            namespace: Where; the cluster's own default otherwise.
            all_namespaces: Everywhere.
            selector: Of which labels: ``app=web,tier!=cache``.
        """
        resource = kind_named(kind).resource
        informer, labels = self._informers[resource.qualified], parse_selector(selector)
        everywhere = all_namespaces or not resource.namespaced
        found = informer.all() if everywhere else informer.in_namespace(namespace or self.namespace)
        chosen = (obj for obj in found if labels.matches(obj["metadata"].get("labels", {})))
        return sorted(chosen, key=lambda obj: (obj["metadata"].get("namespace", ""), obj["metadata"]["name"]))

    def table(
        self, kind: str, *, namespace: str | None = None, all_namespaces: bool = False, selector: str = ""
    ) -> str:
        """The objects of a kind as ``kubectl get`` shows them; arguments as :meth:`list` has them."""
        found = self.list(kind, namespace=namespace, all_namespaces=all_namespaces, selector=selector)
        if kind_named(kind).resource.qualified == "events":
            found.sort(key=_told_at)
        return table(kind_named(kind), found, self.now(), namespaces=all_namespaces)

    def events(self, ref: str = "", *, namespace: str | None = None) -> Objects:
        """What components have told, the oldest first.

        Args:
            ref: About which object; about any by default.
            namespace: Of which namespace; of all by default.
        """
        informer = self._informers["events"]
        found = informer.all() if namespace is None else informer.in_namespace(namespace)
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
        """Watch the objects of a kind from now on; ask the watch with ``poll()`` for what has happened."""
        found = kind_named(kind)
        where = "" if all_namespaces or not found.resource.namespaced else namespace or self.namespace
        labels = parse_selector(selector)
        selects = None if labels.is_empty() else lambda obj: labels.matches(obj["metadata"].get("labels", {}))
        return self._server.store.watch(found.resource, where or None, selects=selects)

    # Manifests

    def apply(
        self, *manifests: applying.Manifest, namespace: str | None = None, record: bool = False
    ) -> Results:
        """``kubectl apply -f``: bring the cluster to what manifests say.

        Args:
            manifests: Files, folders or objects.
            namespace: Of objects that do not say.
            record: Write the command into the annotation that the history of rollouts shows.

        Raises:
            ManifestError: One cannot be read, and nothing was applied; or the API refuses one, and those
                before it were applied.
        """
        cause = ""
        if record:
            names = [str(each) for each in manifests if not isinstance(each, Mapping)]
            cause = " ".join(["kubectl apply", *(f"--filename={name}" for name in names), "--record=true"])
        return applying.applied(self._client, manifests, namespace or self.namespace, cause)

    def create(self, *manifests: applying.Manifest, namespace: str | None = None) -> Results:
        """``kubectl create -f``: create what manifests describe; a node gets the status it says.

        Raises:
            ManifestError: One cannot be read, and nothing was created; or the API refuses one, and those
                before it were created.
        """
        return applying.created(self._client, manifests, namespace or self.namespace)

    def create_deployment(
        self,
        name: str,
        *images: str,
        image: str = "",
        replicas: int = 1,
        port: int | None = None,
        namespace: str | None = None,
        dry_run: bool = False,
    ) -> Result:
        """``kubectl create deployment NAME --image=IMAGE``; with ``dry_run`` only say what it would be.

        Raises:
            UsageError: No image.
            StatusError: As the API refuses.
        """
        chosen = (*images, *([image] if image else ()))
        if not chosen:
            raise UsageError(f"create deployment {name}: no image; expected at least one")
        wanted = editing.deployment_of(name, chosen, replicas, port)
        if dry_run:
            return told("deployments.apps", wanted, "created (dry run)")
        client = self._client.named("kubectl-create")
        made = client.create("deployments.apps", namespace or self.namespace, wanted)
        return told("deployments.apps", made, "created")

    def delete(
        self, *what: applying.Manifest, namespace: str | None = None, grace_seconds: int | None = None
    ) -> Results:
        """``kubectl delete``: delete ``kind/name``, or what manifests describe.

        Raises:
            StatusError: 404 for what is not there.
        """
        results, where = Results(), namespace or self.namespace
        for each in what:
            if isinstance(each, str) and "/" in each and _is_reference(each):
                target = self._target(each, namespace)
                results.append(
                    applying.deleted(self._client, target.kind, target.namespace, target.name, grace_seconds)
                )
            else:
                results += applying.deleted_manifests(self._client, [each], where)
        return results

    # Workloads

    def scale(self, ref: str, replicas: int, *, namespace: str | None = None, record: bool = False) -> Result:
        """``kubectl scale KIND/NAME --replicas=N``."""
        cause = f"kubectl scale {ref} --replicas={replicas} --record=true" if record else ""
        return editing.scaled(self._target(ref, namespace), replicas, cause)

    def autoscale(
        self,
        ref: str,
        *,
        min_replicas: int = 1,
        max_replicas: int,
        cpu_percent: int | None = None,
        namespace: str | None = None,
    ) -> Result:
        """``kubectl autoscale KIND/NAME --min --max --cpu-percent``."""
        target = self._target(ref, namespace)
        return editing.autoscaled(target, least=min_replicas, most=max_replicas, cpu_percent=cpu_percent)

    def set_image(
        self,
        ref: str,
        images: Mapping[str, str] | None = None,
        *,
        namespace: str | None = None,
        record: bool = False,
        **more: str,
    ) -> Result:
        """``kubectl set image KIND/NAME CONTAINER=IMAGE``: images by container, ``*`` for all of them.

        Raises:
            UsageError: There is no such container.
        """
        wanted = {**(images or {}), **more}
        pairs = " ".join(f"{name}={image}" for name, image in wanted.items())
        cause = f"kubectl set image {ref} {pairs} --record=true" if record else ""
        return editing.image_set(self._target(ref, namespace), wanted, cause)

    def edit(
        self,
        ref: str,
        change: Callable[[Object], Object | None],
        *,
        namespace: str | None = None,
        record: bool = False,
    ) -> Result:
        """``kubectl edit KIND/NAME``: ``change`` is given a copy, and changes it or returns another."""
        cause = f"kubectl edit {ref} --record=true" if record else ""
        return editing.edited(self._target(ref, namespace), change, cause)

    def rollout_history(self, ref: str, *, namespace: str | None = None) -> rollouts.History:
        """``kubectl rollout history``: ``history[2]`` is revision 2; as text, what kubectl prints."""
        return rollouts.history_of(self._target(ref, namespace))

    def rollout_undo(self, ref: str, *, to_revision: int = 0, namespace: str | None = None) -> Result:
        """``kubectl rollout undo``: back to a revision, by default to the one before the last."""
        return rollouts.undone(self._target(ref, namespace), to_revision)

    def rollout_pause(self, ref: str, *, namespace: str | None = None) -> Result:
        """``kubectl rollout pause``."""
        return rollouts.paused(self._target(ref, namespace), on=True)

    def rollout_resume(self, ref: str, *, namespace: str | None = None) -> Result:
        """``kubectl rollout resume``."""
        return rollouts.paused(self._target(ref, namespace), on=False)

    def rollout_restart(self, ref: str, *, namespace: str | None = None) -> Result:
        """``kubectl rollout restart``."""
        return rollouts.restarted(self._target(ref, namespace), self.now())

    def rollout_status(self, ref: str, *, timeout: Span = "1h", namespace: str | None = None) -> Result:
        """``kubectl rollout status``: let time pass until the rollout is over.

        Raises:
            UsageError: It failed, or took longer than ``timeout``.
        """
        target = self._target(ref, namespace)
        if not self.run_until(lambda: rollouts.status_of(target)[1], timeout):
            raise UsageError(f"{target}: timed out waiting for the rollout: {rollouts.status_of(target)[0]}")
        return Result(target.get(), rollouts.status_of(target)[0])

    # Nodes and marks

    def label(
        self,
        ref: str,
        marks: Mapping[str, str | None] | str,
        *,
        overwrite: bool = False,
        namespace: str | None = None,
    ) -> Result:
        """``kubectl label KIND/NAME key=value key-``: as a text, or as a mapping in which None takes away."""
        target = self._target(ref, namespace)
        return editing.marked(target, "labels", _marks(marks), overwrite=overwrite, what="labeled")

    def annotate(
        self,
        ref: str,
        marks: Mapping[str, str | None] | str,
        *,
        overwrite: bool = False,
        namespace: str | None = None,
    ) -> Result:
        """``kubectl annotate KIND/NAME key=value key-``."""
        target = self._target(ref, namespace)
        return editing.marked(target, "annotations", _marks(marks), overwrite=overwrite, what="annotated")

    def taint(self, ref: str, *taints: str, overwrite: bool = False) -> Result:
        """``kubectl taint nodes NAME key=value:Effect key:Effect-``."""
        return editing.tainted(self._node(ref), taints, overwrite=overwrite)

    def cordon(self, ref: str) -> Result:
        """``kubectl cordon NODE``."""
        return editing.cordoned(self._node(ref), on=True)

    def uncordon(self, ref: str) -> Result:
        """``kubectl uncordon NODE``."""
        return editing.cordoned(self._node(ref), on=False)

    def fail_node(self, ref: str) -> None:
        """Have a node fall silent: its containers run on, but nobody hears of it, and it hears of nothing.

        Raises:
            StatusError: 404 when there is none.
        """
        target = self._node(ref)
        target.get()
        self._agents.fail(target.name)

    def repair_node(self, ref: str, *, rebooted: bool = False) -> None:
        """Have a node that had fallen silent speak again; with ``rebooted``, what ran on it is lost.

        Raises:
            StatusError: 404 when there is none.
        """
        target = self._node(ref)
        target.get()
        self._agents.repair(target.name, rebooted=rebooted)

    def drain(
        self,
        ref: str,
        *,
        ignore_daemonsets: bool = False,
        force: bool = False,
        delete_emptydir_data: bool = False,
        grace_seconds: int | None = None,
        timeout: Span = "1h",
    ) -> Results:
        """``kubectl drain NODE``: cordon it, evict its pods, and let time pass until they are gone.

        Raises:
            UsageError: Some pods may not be evicted without an option that says so, and nothing was; or
                some were still there after ``timeout``.
        """
        target = self._node(ref)
        target.get()
        options = DrainOptions(ignore_daemonsets, force, delete_emptydir_data, grace_seconds)
        self._informers["pods"].add_index("node", by_node)
        results = Results([editing.cordoned(target, on=True)])
        pods = pods_to_evict(self._informers["pods"].by("node", target.name), options)
        results += drained(
            self._client, self._informers, pods, options,
            run_until=self._loop.run_until, now=self.now, end=self.now() + duration(timeout),
        )  # fmt: skip
        results.append(target.told(target.get(), "drained"))
        return results

    def _target(self, ref: str, namespace: str | None) -> Target:
        kind, name = reference(ref)
        return Target(self._client, kind, namespace or self.namespace, name)

    def _node(self, ref: str) -> Target:
        kind, name = reference(ref, default="nodes")
        if kind.resource.kind != "Node":
            raise UsageError(f"{ref!r} is no node; expected NAME or nodes/NAME")
        return Target(self._client, kind, "", name)


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


def _told_at(event: Object) -> tuple[str, int]:
    return event.get("lastTimestamp") or "", int(event["metadata"]["resourceVersion"])


def _is_reference(text: str) -> bool:
    """Whether ``text`` rather names an object than a file."""
    try:
        reference(text)
    except KschedcoreError:
        return False
    return True


def _marks(marks: Mapping[str, str | None] | str) -> Mapping[str, str | None]:
    if not isinstance(marks, str):
        return marks
    found: dict[str, str | None] = {}
    for word in marks.split():
        key, equals, value = word.partition("=")
        if equals:
            found[key] = value
        elif word.endswith("-"):
            found[word[:-1]] = None
        else:
            raise UsageError(f"{word!r} is no mark; expected KEY=VALUE, or KEY- to take one away")
    return found
