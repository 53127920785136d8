"""The engine: schedules pods over a cluster's nodes and bound pods in the native core."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from msgspec.structs import replace

from kschedcore._native.core import Core
from kschedcore._native.podclass import PodClass
from kschedcore._native.transactions import WhatIf, exclusive
from kschedcore.api.arguments import INT64_MAX, UINT64_MAX, integer, several, shown, text
from kschedcore.api.html import html_table
from kschedcore.api.machinery.types import DEFAULT_NAMESPACE
from kschedcore.api.objects import Pod
from kschedcore.api.versions import NEWEST, Release, release_of
from kschedcore.engine.binding import key_of
from kschedcore.engine.cache import SchedulerCache
from kschedcore.engine.capacity import Capacity
from kschedcore.engine.columns.pod_tables import PodRows
from kschedcore.engine.columns.tables import ArrowStream
from kschedcore.engine.config.loading import Configuration, SchedulerConfiguration, load_config
from kschedcore.engine.cycle import Cycles
from kschedcore.engine.decision import Decision, Decisions, attach_decisions
from kschedcore.engine.diagnosis import Diagnosis
from kschedcore.engine.events import QueueingHints
from kschedcore.engine.explanation import Explanation, Verdicts
from kschedcore.engine.extenders.extenders import Extenders
from kschedcore.engine.extenders.objects import PreemptionExtenders
from kschedcore.engine.framework import Framework
from kschedcore.engine.plugin import Assumed, ClusterHandle, Plugin, Status
from kschedcore.engine.plugins.dynamic_resources import device_shortfalls
from kschedcore.engine.plugins.priority_sort import PrioritySort
from kschedcore.engine.profile import DEFAULT_SCHEDULER_NAME, profiles_of
from kschedcore.engine.queue import in_queue_order
from kschedcore.engine.registry import with_plugins
from kschedcore.engine.row_decisions import RowDecisions, in_row_order
from kschedcore.engine.stepwise import Compiled, Steps, Stepwise
from kschedcore.errors import KschedcoreError, ManifestError, NotFoundError, UsageError
from kschedcore.manifests.device_claims import claim_of
from kschedcore.manifests.manifests import Manifests
from kschedcore.rules.bounds import checked

if TYPE_CHECKING:
    from typing import Self

    import pyarrow as pa

TieBreak = Literal["first", "random"]


class Engine(SchedulerCache):
    """Schedules pods as kube-scheduler does.

    An engine is thread-safe: calls are serialised, and wait for the end of a :meth:`what_if` block of another thread.
    For parallelism use one engine per thread.

    Args:
        cluster: The nodes, bound pods and other objects of a cluster, or None for an empty one. Pending pods are
            ignored.
        tie_break: Choose the ``first`` by name among nodes with the best score, or one at ``random``.
        seed: Seed of the random choices; the same seed gives the same decisions.
        config: A KubeSchedulerConfiguration to follow, see :func:`kschedcore.engine.config.loading.load_config`.
        plugins: Custom plugins that the configuration may name.
        kubernetes: The version of kube-scheduler to follow, see :mod:`kschedcore.api.versions`.
        feature_gates: Feature gate -> whether it is on, to override the version's defaults.

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
            raise UsageError(f"tie_break is {shown(tie_break)}; expected 'first' or 'random'")
        if cluster is not None and not isinstance(cluster, Manifests):
            raise UsageError(
                f"cluster is {type(cluster).__name__}; expected Manifests, which ks.load returns"
            )
        registry = with_plugins(plugins)
        self.release = release_of(kubernetes, feature_gates)
        self._config = load_config(config)
        super().__init__(
            Core(tie_break == "random", integer("seed", seed, UINT64_MAX)),
            Extenders(self._config.extenders),
            pod_level_resize=self.release.enabled("InPlacePodLevelResourcesVerticalScaling"),
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
        self._reserves = any(each.reserves for each in self._frameworks.values())
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
            self._whole.add_all(cluster.objects)

    # -- decisions --------------------------------------------------------------------------------

    def schedule(self, pods: Iterable[Pod | Mapping[str, Any]], *, preempt: bool = True) -> Decisions:
        """Place pods one after another, in queue order: by priority, then in the given order.

        Every placed pod is accounted and passed to Reserve before the next is scheduled; Permit, PreBind, Bind and
        PostBind belong to the scheduler of a cluster. A pod for which preemption finds victims is
        nominated to their node, which later pods of the same or lower priority respect; the victims stay until they
        are removed with :meth:`remove_pod`.

        Args:
            pods: Pending pods.
            preempt: Look for victims when no node is feasible (PostFilter).

        Raises:
            PluginError: A plugin written in Python failed. Pods that it did not affect were placed.
            ManifestError: A pod is invalid; nothing was placed.
            UsageError: An item is not a pod; nothing was placed.
            Interrupted: Ctrl-C; the exception's ``decisions`` are those made before, and they stay committed. Any
                other exception that ends the batch early has that attribute too.
        """
        return self._schedule(list(several("pods", pods, "pods")), preempt, self._reserves)

    def schedule_unreserved(self, pods: Iterable[Pod | Mapping[str, Any]]) -> Decisions:
        """Place pods as :meth:`schedule` does, without Reserve, which the caller runs."""
        return self._schedule(list(several("pods", pods, "pods")), preempt=True, reserve=False)

    @exclusive
    def _schedule(self, pods: list[Pod | Mapping[str, Any]], preempt: bool, reserve: bool) -> Decisions:
        return self._run_cycles(pods, preempt, reserve)

    def _run_cycles(self, pods: Iterable[Pod | Mapping[str, Any]], preempt: bool, reserve: bool) -> Decisions:
        made: list[Decision] = []
        place_all = self._place_and_reserve if reserve else self._place_all
        try:
            place_all(self._in_queue_order(pods, named=True), preempt, made)
            self._cycles.raise_errors()
        except BaseException as error:
            if made and made[-1].node is not None and not self._is_assumed(made[-1].pod):
                made.pop()  # decided, but not committed
            attach_decisions(error, Decisions(made))
            raise
        return Decisions(made)

    def _place_all(self, pods: list[Pod], preempt: bool, made: list[Decision]) -> None:
        """Place pods in order; append the committed decisions to ``made``."""
        batch: list[tuple[Pod, PodClass]] = []
        for pod in pods:
            if self._classes.full:  # an evicted class must not be in the pending batch
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

    def _place_and_reserve(self, pods: list[Pod], preempt: bool, made: list[Decision]) -> None:
        """Place pods in order, each reserved before the next is decided; append the decisions to ``made``."""
        for pod in pods:
            decided = len(made)
            self._place_all([pod], preempt, made)
            if len(made) > decided and made[-1].node is not None:
                self._reserve(made)

    def _reserve(self, made: list[Decision]) -> None:
        """Run Reserve for the last decision; a pod that is rejected leaves its node, and is not preempted for."""
        pod, node = made[-1].pod, made[-1].node
        assert node is not None
        framework = self._frameworks[pod.spec.scheduler_name or DEFAULT_SCHEDULER_NAME]
        assumed = Assumed(pod, node)
        refusal: Status | None = Status("Error", "", ("interrupted",))
        try:
            refusal = framework.reserve(assumed)
        finally:
            if refusal is not None:
                self._take_off(key_of(pod))
                made.pop()
                framework.unreserve(assumed)
        if refusal is not None:
            made.append(Decision(pod, None, diagnosis=Diagnosis.of_chosen(self._core, refusal)))

    def place(self, pods: ArrowStream, *, preempt: bool = True) -> pa.Table:
        """Place the pods of a table, as :meth:`schedule` places objects: by priority, then in the order of rows.

        Rows that share a template (or requests, labels, namespace and priority) are compiled once, and no objects are
        created for single rows. Placed pods stay accounted.

        Args:
            pods: Anything with ``__arrow_c_stream__`` (pyarrow, polars, duckdb, pandas), a row a pending pod, see
                :class:`kschedcore.engine.columns.pod_tables.PodRows`.
            preempt: Look for victims when no node is feasible (PostFilter).

        Returns:
            A row for each row, of :data:`kschedcore.engine.decision.SCHEMA`.

        Raises:
            UsageError: A column has a wrong type, or a row an invalid value; nothing was placed.
            ManifestError: A template is invalid; nothing was placed.
            PluginError: A plugin written in Python failed. Pods that it did not affect were placed.
            Interrupted: Ctrl-C; the exception's ``decisions`` is a table of the pods placed before, which stay.
        """
        return self._place(PodRows(pods, bound=False), preempt)

    @exclusive
    def _place(self, rows: PodRows, preempt: bool) -> pa.Table:
        classes = self._compiled_rows(rows)
        if classes is None:
            try:
                pods = map(rows.pod, range(len(rows)))
                return in_row_order(self._run_cycles(pods, preempt, self._reserves), rows)
            except BaseException as error:
                made: Decisions | None = getattr(error, "decisions", None)
                if made is not None:
                    attach_decisions(error, in_row_order(made, rows))
                raise
        decided: list[RowDecisions] = []
        try:
            interruption = self._cycles.place_rows(rows, classes, preempt, decided)
            if interruption is not None:
                raise interruption
            self._cycles.raise_errors()
        except BaseException as error:
            if decided and not isinstance(error, KschedcoreError):
                self._bound.recover()  # the rows may be recorded and not indexed yet
            if decided and self._cycles.are_committed(decided[0]):
                attach_decisions(error, decided[0].to_arrow())
            raise
        return decided[0].to_arrow()

    def _compiled_rows(self, rows: PodRows) -> list[PodClass] | None:
        """Return a class for each shape of a table; None if rows have to be scheduled one by one.

        That is so if Python code takes part in the cycles or the order, if a pod is nominated, and if there are so
        many shapes that classes would be evicted meanwhile.
        """
        sorts = next(iter(self._frameworks.values())).queue_sort
        if self._extenders or self._reserves or not isinstance(sorts, PrioritySort):
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
        """Return a context manager that rolls back all changes of the engine at the end of its block.

        Nodes, pods, other objects, placements, nominations and the random generator are restored, also when an
        exception ends the block, at a cost proportional to the changes (and, if nodes changed, one copy of the order
        of sampling). Decisions and explanations stay valid as of the time they were made. Blocks may be nested. State
        of custom plugins is not rolled back.

        Returns:
            The engine itself.
        """
        return WhatIf(self, self._guard, self._journal, self._record_draws)

    def _record_draws(self) -> None:
        """Record the state of the random generator and of sampling, which have no undo steps of their own."""
        self._journal.record(setattr, self._core, "random_state", self._core.random_state)
        self._journal.record(setattr, self._steps.sampler, "start", self._steps.sampler.start)

    @exclusive
    def decide(self, pod: Pod | Mapping[str, Any], *, preempt: bool = True) -> Decision:
        """Decide on a node for a pod, without placing it, nominating it or evicting anything.

        Raises:
            ManifestError: The pod is invalid.
        """
        decision, compiled, narrowed = self._consider(pod, preempt)
        if narrowed and not isinstance(compiled, Status):
            compiled.release()
        return decision

    @exclusive
    def assume_pod(self, pod: Pod | Mapping[str, Any], node: str) -> Decision:
        """Account a pod on a node, devices included, without running the filters.

        Args:
            pod: A pending pod.
            node: The node's name.

        Returns:
            The decision, whose ``claims`` are the pod's allocated claims; no claim changes if its devices cannot be
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
        """Return the verdict and the scores of every plugin for every node, without placing the pod.

        If the pod fits on its nominated node, only that node is evaluated.

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

    @exclusive
    def verdicts(self, pod: Pod | Mapping[str, Any]) -> Verdicts:
        """Return the verdicts of all nodes as a column: what :meth:`explain` says, at a fraction of the cost.

        Raises:
            ManifestError: The pod is invalid.
        """
        _, compiled, narrowed = self._consider(pod, preempt=False)
        if isinstance(compiled, Status):
            return Verdicts.none(self._core.nodes.names(), compiled)
        verdicts = Verdicts.of(self._core, compiled, narrowed=narrowed)
        if narrowed:
            compiled.release()
        return verdicts

    def _consider(self, pod: Pod | Mapping[str, Any], preempt: bool) -> tuple[Decision, Compiled, bool]:
        """Return a decision, its class or status, and whether the class is restricted to the nominated node."""
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
        """Return the profile of a pod's ``spec.schedulerName``.

        Raises:
            NotFoundError: This engine has no such profile.
        """
        name = checked(Pod, pod, named=False).spec.scheduler_name or DEFAULT_SCHEDULER_NAME
        if name not in self._frameworks:
            raise NotFoundError(f"scheduler {name!r} not found; this engine is {', '.join(self._frameworks)}")
        return self._frameworks[name]

    @property
    def scheduler_names(self) -> frozenset[str]:
        """The scheduler names of the profiles."""
        return frozenset(self._frameworks)

    @exclusive
    def forget(self) -> None:
        """Drop all caches; the next decisions evaluate all nodes."""
        self._classes.clear()

    def _compile(self, pod: Pod) -> Compiled:
        self._follow_storage()
        framework = self._frameworks.get(pod.spec.scheduler_name or DEFAULT_SCHEDULER_NAME)
        if framework is None:
            names = ", ".join(sorted(self._frameworks))
            reason = f'schedulerName is "{pod.spec.scheduler_name}"; this engine has the profiles {names}'
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
        """Whether a profile samples nodes (``percentageOfNodesToScore``)."""
        return any(each.samples for each in self._frameworks.values())

    @exclusive
    def capacity(self, pod: Pod | Mapping[str, Any], limit: int | None = None) -> Capacity:
        """Return how many further pods with this spec would fit, and the limiting reasons. Nothing stays placed.

        Args:
            pod: A pending pod.
            limit: Maximum count.

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
        """Count how many further pods fit, each with its own claims if this pod's are created from templates."""
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
        """Return a copy of a pod with a new name, after creating its claims."""
        devices, namespace = self._listers.devices, pod.metadata.namespace or DEFAULT_NAMESPACE
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
            "an Engine cannot be pickled or copied: create another from the same cluster, or use "
            "what_if(), which rolls changes back"
        )

    def _repr_html_(self) -> str:
        rows = [
            (name, amounts["allocatable"], amounts["requested"])
            for name, amounts in self.utilisation().items()
        ]
        return html_table(repr(self)[1:-1], ("resource", "allocatable", "requested"), rows)

    def __repr__(self) -> str:
        return f"<Engine: {self._core.nodes.count} nodes, {len(self._bound)} bound pods>"
