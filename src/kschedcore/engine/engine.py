"""The engine: a cluster's nodes and bound pods in the native core, and decisions about further pods."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from msgspec.structs import replace

from kschedcore._native.core import Core
from kschedcore._native.podclass import PodClass
from kschedcore._native.transactions import WhatIf, exclusive
from kschedcore.api.arguments import INT64_MAX, UINT64_MAX, integer, several, text
from kschedcore.api.objects import Pod
from kschedcore.api.versions import NEWEST, Release, release_of
from kschedcore.engine.binding import key_of
from kschedcore.engine.cache import SchedulerCache
from kschedcore.engine.capacity import Capacity
from kschedcore.engine.columns.pod_tables import PodRows
from kschedcore.engine.columns.tables import ArrowStream
from kschedcore.engine.config.loading import Configuration, SchedulerConfiguration, load_config
from kschedcore.engine.cycle import Cycles
from kschedcore.engine.decision import Decision, Decisions, tell_decisions
from kschedcore.engine.diagnosis import Diagnosis
from kschedcore.engine.events import QueueingHints
from kschedcore.engine.explanation import Explanation
from kschedcore.engine.extenders.extenders import Extenders
from kschedcore.engine.extenders.objects import PreemptionExtenders
from kschedcore.engine.framework import Framework
from kschedcore.engine.plugin import ClusterHandle, Plugin, Status
from kschedcore.engine.plugins.dynamic_resources import device_shortfalls
from kschedcore.engine.plugins.priority_sort import PrioritySort
from kschedcore.engine.profile import DEFAULT_SCHEDULER_NAME, profiles_of
from kschedcore.engine.queue import in_queue_order
from kschedcore.engine.registry import with_plugins
from kschedcore.engine.row_decisions import RowDecisions, in_row_order
from kschedcore.engine.stepwise import Compiled, Steps, Stepwise
from kschedcore.errors import ManifestError, NotFoundError, UsageError
from kschedcore.manifests.device_claims import claim_of
from kschedcore.manifests.manifests import Manifests
from kschedcore.rules.bounds import checked

if TYPE_CHECKING:
    from typing import Self

    import pyarrow as pa

TieBreak = Literal["first", "random"]


class Engine(SchedulerCache):
    """Decides where pods go, as kube-scheduler does.

    Any thread may call an engine; calls wait for each other, and for the end of a :meth:`what_if` block. They do
    not run side by side: use an engine a thread for that.

    Args:
        cluster: Nodes, bound pods and whatever else of a cluster was loaded, or None to begin with nothing.
            Pending pods in it are left alone.
        tie_break: Among nodes that share the best score take the ``first`` by name, or draw at ``random``.
        seed: Seeds the draws; the same seed gives the same decisions.
        config: A KubeSchedulerConfiguration to follow, see :func:`kschedcore.engine.config.loading.load_config`.
        plugins: Plugins of one's own that the configuration may name.
        kubernetes: The version of kube-scheduler to decide as, see :mod:`kschedcore.api.versions`.
        feature_gates: Feature gate -> whether it is on, where that differs from the version's default.

    Raises:
        ManifestError: An object of the cluster is invalid.
        ConfigError: kube-scheduler would refuse the configuration, or two plugins share a name.
        UsageError: An argument is of another type.
    """

    def __init__(
        self,
        cluster: Manifests | None = None,
        *,
        tie_break: TieBreak = "first",
        seed: int = 0,
        config: Configuration | SchedulerConfiguration | None = None,
        plugins: Iterable[type[Plugin]] = (),
        kubernetes: str | Release = NEWEST,
        feature_gates: Mapping[str, bool] | None = None,
    ) -> None:
        if tie_break not in ("first", "random"):
            raise UsageError(f"tie_break is {tie_break!r}; expected 'first' or 'random'")
        if cluster is not None and not isinstance(cluster, Manifests):
            raise UsageError(
                f"cluster is {type(cluster).__name__}; expected Manifests, which ks.load returns"
            )
        registry = with_plugins(plugins)
        self.release = release_of(kubernetes, feature_gates)
        self._config = load_config(config)
        super().__init__(
            Core(tie_break == "random", integer("seed", seed, UINT64_MAX)), Extenders(self._config.extenders)
        )
        self._steps = Steps(self._core, self._extenders, self._tree, self._whole.pod)
        agreement = PreemptionExtenders(self._extenders, self._whole) if self._extenders else None
        self._frameworks = {
            profile.scheduler_name: Framework(profile, registry, self._extenders, self.release)
            for profile in profiles_of(self._config, registry, self.release)
        }
        for framework in self._frameworks.values():
            framework.attach(self._listers)
        self._cycles = Cycles(
            self._core,
            self._journal,
            self._bound,
            self._nominator,
            self._classes,
            self._steps,
            ClusterHandle(self._core, self._bound, self._listers, agreement),
            self._frameworks,
            self._claims,
        )
        self.hints = QueueingHints({name: each.plugins for name, each in self._frameworks.items()})
        if cluster is not None:
            self._load(cluster)

    def _load(self, cluster: Manifests) -> None:
        for namespace in cluster.namespaces:
            self.set_namespace(namespace)
        for node in cluster.nodes:
            self.set_node(node)
        for kind, item in cluster.listed:
            self._listers.set(kind, item)
        for pod in cluster.bound:
            self.add_pod(pod)
        for pod in cluster.nominated:
            place = pod.status.nominated_node_name
            assert place, "it is nominated"
            self._nominator.nominate(key_of(pod), self._classes.info(pod), place)
        if self._extenders:
            self._whole.learn(cluster.objects)

    # -- decisions --------------------------------------------------------------------------------

    def schedule(self, pods: Iterable[Pod | Mapping[str, Any]], *, preempt: bool = True) -> Decisions:
        """Place pods one after another, in queue order: by priority, then as given.

        Every placed pod is accounted before the next is looked at. A pod for which preemption would make room is
        nominated to that node, which later pods of no higher priority respect; its victims stay until
        :meth:`remove_pod` takes them away.

        Args:
            pods: Pending pods.
            preempt: Look for victims when no node is feasible (PostFilter).

        Raises:
            PluginError: A plugin written in Python failed. Pods that it did not concern were placed.
            ManifestError: A pod is invalid; nothing was placed.
            UsageError: Something is no pod; nothing was placed.
            Interrupted: Ctrl-C; the exception's ``decisions`` are those made before, and they stay. Any other
                exception that ends the batch early has such an attribute too.
        """
        return self._schedule(list(several("pods", pods, "pods")), preempt)

    @exclusive
    def _schedule(self, pods: list[Pod | Mapping[str, Any]], preempt: bool) -> Decisions:
        return self._run_cycles(pods, preempt)

    def _run_cycles(self, pods: Iterable[Pod | Mapping[str, Any]], preempt: bool) -> Decisions:
        made: list[Decision] = []
        try:
            self._place_all(self._in_queue_order(pods, named=True), preempt, made)
            self._cycles.raise_errors()
        except BaseException as error:
            if made and made[-1].node is not None and not self._is_assumed(made[-1].pod):
                made.pop()  # decided, but not accounted any more
            tell_decisions(error, Decisions(made))
            raise
        return Decisions(made)

    def _place_all(self, pods: list[Pod], preempt: bool, made: list[Decision]) -> None:
        """Place pods in order; append the committed decisions to ``made``."""
        batch: list[tuple[Pod, PodClass]] = []
        for pod in pods:
            if self._classes.full:  # a class that is dropped must not be waiting in the batch
                self._cycles.place_batch(batch, preempt, made)
                batch = []
                self._classes.trim()
            compiled = self._compile(pod)
            if (
                isinstance(compiled, PodClass)
                and self._nominator.get(key_of(pod)) is None
                and not self._listers.devices.concerns(pod)
            ):
                batch.append((pod, compiled))
                continue
            self._cycles.place_batch(batch, preempt, made)
            batch = []
            if isinstance(compiled, Status):
                made.append(self._cycles.reject(pod, compiled, preempt, commit=True))
            else:
                self._cycles.place(pod, compiled, preempt, made)
        self._cycles.place_batch(batch, preempt, made)

    def place(self, pods: ArrowStream, *, preempt: bool = True) -> pa.Table:
        """Place the pods of a table, as :meth:`schedule` places objects: by priority, then in the order of rows.

        Rows that share a template (or requests, labels, namespace and priority) are compiled once, and stay rows: a
        trace of a million pods becomes a million numbers, not objects. Placed pods stay accounted.

        Args:
            pods: Anything with ``__arrow_c_stream__`` (pyarrow, polars, duckdb, pandas), a row a pending pod, see
                :class:`kschedcore.engine.columns.pod_tables.PodRows`.
            preempt: Look for victims when no node is feasible (PostFilter).

        Returns:
            A row for each row, of :data:`kschedcore.engine.decision.SCHEMA`.

        Raises:
            UsageError: A column has a type it cannot have, or a row a value; nothing was placed.
            ManifestError: A template is invalid; nothing was placed.
            PluginError: A plugin written in Python failed. Pods that it did not concern were placed.
            Interrupted: Ctrl-C; the exception has a table of what was placed before, and stays, as ``decisions``.
        """
        return self._place(PodRows(pods, bound=False), preempt)

    @exclusive
    def _place(self, rows: PodRows, preempt: bool) -> pa.Table:
        classes = self._compiled_rows(rows)
        if classes is None:
            try:
                return in_row_order(self._run_cycles(map(rows.pod, range(len(rows))), preempt), rows)
            except BaseException as error:
                made: Decisions | None = getattr(error, "decisions", None)
                if made is not None:
                    tell_decisions(error, in_row_order(made, rows))
                raise
        decided: list[RowDecisions] = []
        try:
            interruption = self._cycles.place_rows(rows, classes, preempt, decided)
            if interruption is not None:
                raise interruption
            self._cycles.raise_errors()
        except BaseException as error:
            if decided and self._cycles.are_committed(decided[0]):
                tell_decisions(error, decided[0].to_arrow())
            raise
        return decided[0].to_arrow()

    def _compiled_rows(self, rows: PodRows) -> list[PodClass] | None:
        """A class for each shape of a table; None where rows have to be looked at one by one.

        That is so where Python has a say in their cycles or their order, where room is left for one of them on a
        node, and where there are so many shapes that classes have to be dropped on the way.
        """
        sorts = next(iter(self._frameworks.values())).queue_sort
        if self._extenders or not isinstance(sorts, PrioritySort):
            return None
        self._classes.trim()
        if any(map(self._listers.devices.concerns, rows.shapes)):
            return None
        compiled = [self._compile(pod) for pod in rows.shapes]
        classes = [each for each in compiled if isinstance(each, PodClass)]
        nominated = self._nominator.nodes()
        if len(classes) < len(compiled) or self._classes.full:
            return None
        return None if nominated and not nominated.keys().isdisjoint(rows.pod_keys()) else classes

    def what_if(self) -> WhatIf[Self]:
        """Change the cluster and ask it questions, and have everything as it was at the end of the block.

        Nodes, pods, further objects, placements, nominations, draws among equal nodes: whatever is done to the
        engine within the block is undone after it, also when an exception ends it, at a cost of what was done
        and not of what there is (of changed nodes, one copy of the order that sampling has them in). Decisions and
        explanations stay true of the moment they were made. Blocks may be nested. What a plugin of one's own
        remembers is not undone.

        Returns:
            The engine itself.
        """
        return WhatIf(self, self._guard, self._journal, self._record_draws)

    def _record_draws(self) -> None:
        """Record what is not recorded when it changes: where draws and searches stand."""
        self._journal.record(setattr, self._core, "random_state", self._core.random_state)
        self._journal.record(setattr, self._steps.sampler, "start", self._steps.sampler.start)

    @exclusive
    def decide(self, pod: Pod | Mapping[str, Any], *, preempt: bool = True) -> Decision:
        """Say where a pod would go, without placing it, nominating it or evicting anything.

        Raises:
            ManifestError: The pod is invalid.
        """
        decision, compiled, narrowed = self._consider(pod, preempt)
        if narrowed and not isinstance(compiled, Status):
            compiled.release()
        return decision

    @exclusive
    def assume_pod(self, pod: Pod | Mapping[str, Any], node: str) -> Decision:
        """Account a pod on a node as if it had been scheduled there, devices included, whatever the filters say.

        Args:
            pod: A pending pod.
            node: The node's name.

        Returns:
            The decision, whose ``claims`` are what the pod is given; no claim changes where its devices cannot be
            allocated.

        Raises:
            ManifestError: The pod is invalid.
        """
        view = self._view(pod, named=True)
        compiled = self._compile(view)
        with self._journal.atomic():
            self._add_pod(view, text("node", node))
            decision = Decision(view, node, feasible=1, ties=1)
            if not isinstance(compiled, Status) and self._core.nodes.slot_of(node) >= 0:
                decision.claims = self._cycles.claim_changes(decision, compiled)
                self._claims.assume(key_of(view), decision.claims)
        return decision

    @exclusive
    def explain(self, pod: Pod | Mapping[str, Any], *, preempt: bool = True) -> Explanation:
        """Every node and every plugin for a pod, without placing it.

        When the pod fits on the node nominated for it, that is the only node looked at.

        Raises:
            ManifestError: The pod is invalid.
        """
        decision, compiled, narrowed = self._consider(pod, preempt)
        if isinstance(compiled, Status):
            return Explanation(decision, self._core.nodes.names(), compiled)
        explanation = Explanation.of(self._core, compiled, decision, narrowed=narrowed)
        explanation.devices = device_shortfalls(self._core, compiled, explanation.verdicts)
        if narrowed:
            compiled.release()
        return explanation

    def _consider(self, pod: Pod | Mapping[str, Any], preempt: bool) -> tuple[Decision, Compiled, bool]:
        """A decision, the class or status it came from, and whether it was narrowed to the nominated node."""
        view = self._view(pod)
        self._classes.trim()
        compiled = self._compile(view)
        if isinstance(compiled, Status):
            return self._cycles.reject(view, compiled, preempt, commit=False), compiled, False
        considered = self._cycles.decide(view, compiled, preempt)
        self._cycles.raise_errors()
        return considered

    def _recover(self) -> None:
        super()._recover()
        for framework in self._frameworks.values():
            framework.take_errors()

    def framework_of(self, pod: Pod | Mapping[str, Any]) -> Framework:
        """The profile that a pod names.

        Raises:
            NotFoundError: This engine has no such profile.
        """
        name = checked(Pod, pod, named=False).spec.scheduler_name or DEFAULT_SCHEDULER_NAME
        if name not in self._frameworks:
            raise NotFoundError(f"scheduler {name!r} not found; this engine is {', '.join(self._frameworks)}")
        return self._frameworks[name]

    @property
    def scheduler_names(self) -> frozenset[str]:
        """The profiles, by the name that pods ask for them with."""
        return frozenset(self._frameworks)

    @exclusive
    def forget(self) -> None:
        """Drop everything that is cached; the next decisions look at every node again."""
        self._classes.clear()

    def _compile(self, pod: Pod) -> Compiled:
        self._follow_storage()
        framework = self._frameworks.get(pod.spec.scheduler_name or DEFAULT_SCHEDULER_NAME)
        if framework is None:
            names = ", ".join(sorted(self._frameworks))
            reason = f'pod asks for scheduler "{pod.spec.scheduler_name}"; this engine is {names}'
            return Status("UnschedulableAndUnresolvable", "", (reason,))
        try:
            return framework.pre_enqueue(pod) or self._classes.compiled(pod, framework)
        except ManifestError as error:
            return Status("UnschedulableAndUnresolvable", "", (str(error),))

    def in_queue_order(self, pods: Iterable[Pod | Mapping[str, Any]]) -> list[Pod]:
        """Return pods in the order in which they are tried; all profiles sort alike."""
        return self._sorted(list(several("pods", pods, "pods")))

    @exclusive
    def _sorted(self, pods: list[Pod | Mapping[str, Any]]) -> list[Pod]:
        return self._in_queue_order(pods, named=False)

    def _in_queue_order(self, pods: Iterable[Pod | Mapping[str, Any]], *, named: bool) -> list[Pod]:
        views = [self._view(pod, named=named) for pod in pods]
        return in_queue_order(views, next(iter(self._frameworks.values())))

    @property
    def samples(self) -> bool:
        """Whether a profile looks at some of the nodes only (``percentageOfNodesToScore``)."""
        return any(each.samples for each in self._frameworks.values())

    @exclusive
    def capacity(self, pod: Pod | Mapping[str, Any], limit: int | None = None) -> Capacity:
        """How many more pods like this one would fit, and what runs out first. Nothing stays placed.

        Args:
            pod: A pending pod.
            limit: Stop counting at this many.

        Raises:
            ManifestError: The pod is invalid.
        """
        view, most = self._view(pod), -1 if limit is None else integer("limit", limit, INT64_MAX)
        self._classes.trim()
        compiled = self._compile(view)
        if isinstance(compiled, Stepwise):
            compiled = compiled.filters
        if isinstance(compiled, Status):
            return Capacity(0, dict.fromkeys(compiled.reasons, self._core.nodes.count))
        if self._listers.devices.concerns(view):
            return self._capacity_by_devices(view, most)
        replicas, rejections = self._core.fill(compiled, most)
        self._cycles.raise_errors()
        return Capacity(replicas, Diagnosis(self._core, self._core.nodes.count, rejections).reasons)

    def _capacity_by_devices(self, pod: Pod, most: int) -> Capacity:
        """Count how many more pods fit, each with claims of its own where this one's were made from templates."""
        count = 0
        with self._journal.transaction():
            self._record_draws()
            while most < 0 or count < most:
                replica = self._replica(pod, count)
                compiled = self._compile(replica)
                if isinstance(compiled, Status):
                    return Capacity(count, dict.fromkeys(compiled.reasons, self._core.nodes.count))
                made: list[Decision] = []
                self._cycles.place(replica, compiled, False, made)
                decision = made[0]
                if decision.node is None:
                    assert decision.diagnosis is not None
                    return Capacity(count, decision.diagnosis.reasons)
                count += 1
        return Capacity(count, {})

    def _replica(self, pod: Pod, number: int) -> Pod:
        """Return another pod like one, after making its claims."""
        devices, namespace = self._listers.devices, pod.metadata.namespace or "default"
        name = f"{pod.metadata.name}/{number}"
        replica = replace(pod, metadata=replace(pod.metadata, name=name, uid=name))
        statuses = []
        for status in pod.status.resource_claim_statuses or ():
            claim = devices.claims.get((namespace, status.resource_claim_name or ""))
            if claim is not None:
                made = claim_of(replica, f"{name}/{status.name}", claim.spec)
                self._listers.set("ResourceClaim", made)
                status = replace(status, resource_claim_name=made.metadata.name)
            statuses.append(status)
        return replace(replica, status=replace(pod.status, resource_claim_statuses=(*statuses,)))

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "an Engine cannot be pickled or copied: make another one from the same cluster, or ask it within "
            "what_if(), which changes nothing"
        )

    def __repr__(self) -> str:
        return f"<Engine: {self._core.nodes.count} nodes, {len(self._bound)} bound pods>"
