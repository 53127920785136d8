"""The engine: a cluster's nodes and bound pods in the native core, and decisions about further pods."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, NoReturn

import numpy as np

from kschedcore._native.core import Core
from kschedcore._native.podclass import PodClass
from kschedcore.api.arguments import INT64_MAX, UINT64_MAX, integer, several
from kschedcore.api.objects import Pod
from kschedcore.api.versions import NEWEST, Release, release_of
from kschedcore.engine.binding import key_of
from kschedcore.engine.cache import SchedulerCache
from kschedcore.engine.capacity import Capacity
from kschedcore.engine.columns.pod_tables import PodRows
from kschedcore.engine.columns.tables import ArrowStream, Coded
from kschedcore.engine.config.loading import Configuration, SchedulerConfiguration, load_config
from kschedcore.engine.decision import Decision, Decisions
from kschedcore.engine.diagnosis import Diagnosis
from kschedcore.engine.events import QueueingHints
from kschedcore.engine.exclusive import exclusive
from kschedcore.engine.explanation import Explanation
from kschedcore.engine.extenders.extenders import ExtenderError, Extenders
from kschedcore.engine.extenders.objects import PreemptionExtenders
from kschedcore.engine.framework import Framework
from kschedcore.engine.nominator import Nomination
from kschedcore.engine.plugin import ClusterHandle, Plugin, PostFilterResult, Status
from kschedcore.engine.plugins.dynamic_resources import devices_of, filter_error
from kschedcore.engine.plugins.priority_sort import PrioritySort
from kschedcore.engine.profile import DEFAULT_SCHEDULER_NAME, profiles_of
from kschedcore.engine.queue import in_queue_order
from kschedcore.engine.registry import with_plugins
from kschedcore.engine.row_decisions import RowDecisions, in_row_order
from kschedcore.engine.stepwise import EXTENDER, Compiled, Steps, Stepwise
from kschedcore.errors import NotFoundError, UsageError
from kschedcore.manifests.manifests import Manifests
from kschedcore.rules.bounds import checked

if TYPE_CHECKING:
    from typing import Self

    import pyarrow as pa

    from kschedcore.engine.devices.state import ClaimChange

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
        self._cluster = ClusterHandle(self._core, self._bound, self._listers, agreement)
        self._frameworks = {
            profile.scheduler_name: Framework(profile, registry, self._extenders, self.release)
            for profile in profiles_of(self._config, registry, self.release)
        }
        for framework in self._frameworks.values():
            framework.attach(self._listers)
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

    @exclusive
    def schedule(self, pods: Iterable[Pod | Mapping[str, Any]], *, preempt: bool = True) -> Decisions:
        """Place pods one after another, in queue order: by priority, then as given.

        Every placed pod is accounted before the next is looked at. A pod for which preemption would make room is
        nominated to that node, which later pods of no higher priority respect; its victims stay until
        :meth:`remove_pod` takes them away.

        Args:
            pods: Pending pods.
            preempt: Look for victims when no node is feasible (PostFilter).

        Raises:
            PluginError: A plugin written in Python failed. What it did not concern was placed.
            ManifestError: A pod is invalid; nothing was placed.
            UsageError: Something is no pod; nothing was placed.
        """
        decisions: list[Decision] = []
        batch: list[tuple[Pod, PodClass]] = []
        for pod in self._in_queue_order(pods, named=True):
            if self._classes.full:  # what is dropped must not be waiting in the batch
                decisions += self._place(batch, preempt)
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
            if batch:
                decisions += self._place(batch, preempt)
                batch = []
            if isinstance(compiled, Status):
                decisions.append(self._reject(pod, compiled, preempt))
            else:
                decisions.append(self._place_alone(pod, compiled, preempt))
        decisions += self._place(batch, preempt)
        self._raise_errors()
        return Decisions(decisions)

    @exclusive
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
            PluginError: A plugin written in Python failed. What it did not concern was placed.
        """
        rows = PodRows(pods, bound=False)
        classes = self._compiled_rows(rows)
        if classes is None:
            return in_row_order(self.schedule(map(rows.pod, range(len(rows))), preempt=preempt), rows)
        decided = self._place_rows(rows, classes, preempt)
        self._raise_errors()
        return decided.to_arrow()

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

    def _place_rows(self, rows: PodRows, classes: list[PodClass], preempt: bool) -> RowDecisions:
        priorities = np.array([each.info.priority for each in classes], np.int64)[rows.shape_of]
        order = np.argsort(-priorities, kind="stable")
        tried: dict[int, PostFilterResult] = {}

        def post_filter(place: int) -> None:
            row = int(order[place])
            tried[place] = self._post_filter(rows.pod(row), classes[rows.shape_of[row]])

        class_of = np.ascontiguousarray(rows.shape_of[order], np.int32)
        slots, totals, ties, feasible, numbers, failures = self._core.place(
            classes, True, post_filter if preempt else None, class_of
        )
        back = np.argsort(order)
        failed = {
            int(order[place]): self._unschedulable(rows.pod(order[place]), counts, tried.get(place))
            for place, counts in failures.items()
        }
        decided = RowDecisions(
            rows, slots[back], feasible[back], totals[back], ties[back], failed, self._core.nodes.name_of
        )
        placed = rows.where(decided.placed)
        placed.nodes = Coded(decided.nodes.codes[decided.placed], decided.nodes.values)
        self._bound.note_rows(placed, [each.info for each in classes], numbers[back][decided.placed])
        return decided

    def _place(self, batch: list[tuple[Pod, PodClass]], preempt: bool) -> list[Decision]:
        """Place pods that no node is nominated for."""
        preemptions: dict[int, PostFilterResult] = {}

        def post_filter(place: int) -> None:
            preemptions[place] = self._post_filter(*batch[place])

        slots, totals, ties, feasible, numbers, failures = self._core.place(
            [compiled for _, compiled in batch], True, post_filter if preempt else None
        )
        decisions = []
        for place, (pod, compiled) in enumerate(batch):
            slot = int(slots[place])
            if slot < 0:
                decisions.append(self._unschedulable(pod, failures[place], preemptions.get(place)))
                continue
            node = self._core.nodes.name_of(slot)
            self._bound.remove(key_of(pod))
            self._bound.note(pod, compiled.info, node, int(numbers[place]))
            decisions.append(Decision(pod, node, int(feasible[place]), int(totals[place]), int(ties[place])))
        return decisions

    def _post_filter(self, pod: Pod, compiled: PodClass | Status) -> PostFilterResult:
        """Run PostFilter, and nominate the pod to the node that it finds."""
        result = self.framework_of(pod).post_filter(self._cluster, pod, compiled)
        if result.node is not None:
            info = self._classes.info(pod) if isinstance(compiled, Status) else compiled.info
            self._nominator.withdraw_below(result.node, info.priority)
            self._nominator.nominate(key_of(pod), info, result.node)
        self._claims.write(result.claims)
        return result

    def _reject(self, pod: Pod, status: Status, preempt: bool) -> Decision:
        """Decide about a pod whose cycle PreEnqueue or PreFilter ended."""
        nomination = self._nominator.withdraw(key_of(pod))
        result = self._post_filter(pod, status) if self._runs_post_filter(status, preempt) else None
        decision = self._unschedulable(pod, {}, result, status)
        if result is not None and decision.keeps_nomination and nomination is not None:
            self._nominator.nominate(key_of(pod), nomination.info, nomination.node)
        return decision

    def _runs_post_filter(self, status: Status, preempt: bool) -> bool:
        """Return whether PostFilter runs after a status that ended a cycle."""
        return bool(
            preempt and status.plugin and status.rejects and not status.pre_enqueue and self._core.nodes.count
        )

    def _place_alone(self, pod: Pod, compiled: PodClass | Stepwise, preempt: bool) -> Decision:
        """Place a pod on the node nominated for it if it fits there by now, else wherever it fits."""
        with self._nomination_aside(pod) as nomination:
            there = self._on_nominated(pod, compiled, nomination)
        self._nominator.withdraw(key_of(pod))
        error = None if there is not None else self._filter_error(pod, compiled)
        if error is not None:
            return error
        if there is not None:
            decision = self._place_there(pod, compiled, there)
        elif isinstance(compiled, Stepwise):
            decision = self._place_stepwise(pod, compiled, preempt)
        else:
            decision = self._place([(pod, compiled)], preempt)[0]
        if decision.node is None and decision.keeps_nomination and nomination is not None:
            self._nominator.nominate(key_of(pod), nomination.info, nomination.node)
        decision.claims = self._claim_changes(decision, compiled)
        if decision.node is not None:
            self._claims.assume(key_of(pod), decision.claims)
        return decision

    def _filter_error(self, pod: Pod, compiled: PodClass | Stepwise) -> Decision | None:
        """Return the decision of a cycle that an error of the device allocator ended, if one did."""
        pod_class = compiled.filters if isinstance(compiled, Stepwise) else compiled
        status = filter_error(self._core, pod_class)
        if status is None:
            return None
        return Decision(pod, None, diagnosis=Diagnosis(self._core, self._core.nodes.count, pre_filter=status))

    def _claim_changes(self, decision: Decision, compiled: PodClass | Stepwise) -> tuple[ClaimChange, ...]:
        """Return what a decision does to ResourceClaims."""
        found = devices_of(compiled.filters if isinstance(compiled, Stepwise) else compiled)
        if found is None or decision.node is None:
            return decision.claims
        return self._claims.changes(decision.pod, found, self._core.nodes.slot_of(decision.node))

    def _place_there(self, pod: Pod, compiled: PodClass | Stepwise, node: str) -> Decision:
        """Place a pod on the one node that it is offered, which is feasible."""
        slot = self._core.nodes.slot_of(node)
        total = None if isinstance(compiled, Stepwise) else compiled.total_alone(slot)
        if total is None:
            narrowed = self._classes.narrowed(pod, self.framework_of(pod), node)
            decision = self._place([(pod, narrowed)], preempt=False)[0]
            narrowed.release()
            return decision
        number = self._core.bind(compiled.info, slot)
        self._bound.remove(key_of(pod))
        self._bound.note(pod, compiled.info, node, number)
        return Decision(pod, node, feasible=1, total=total, ties=1)

    @contextmanager
    def _nomination_aside(self, pod: Pod) -> Iterator[Nomination | None]:
        """Decide as if the pod itself were not nominated: it need not leave room for itself."""
        nomination = self._nominator.withdraw(key_of(pod))
        try:
            yield nomination
        finally:
            if nomination is not None:
                self._nominator.nominate(key_of(pod), nomination.info, nomination.node)

    def _on_nominated(
        self, pod: Pod, compiled: PodClass | Stepwise, nomination: Nomination | None
    ) -> str | None:
        """The node nominated for the pod, if it fits there by now."""
        node = nomination.node if nomination else pod.status.nominated_node_name
        slot = self._core.nodes.slot_of(node) if node else -1
        if not node or slot < 0:
            return None
        compiled.catch_up()
        if not compiled.passes(slot):
            return None
        if isinstance(compiled, Stepwise) and not self._steps.takes(pod, slot):
            return None
        return node

    def _place_stepwise(self, pod: Pod, compiled: Stepwise, preempt: bool) -> Decision:
        """Place a pod whose profile samples nodes or has extenders."""
        try:
            counts = self._steps.run(pod, compiled, moves=True)
        except ExtenderError as error:
            return self._failed(pod, error)
        if counts is None:
            return self._place([(pod, compiled.scores)], preempt=False)[0]
        return self._unschedulable(pod, counts, self._post_filter(pod, compiled.filters) if preempt else None)

    def _failed(self, pod: Pod, error: ExtenderError) -> Decision:
        """The decision of a cycle that an extender broke off."""
        status = Status("Error", EXTENDER, (str(error),))
        return Decision(pod, None, diagnosis=Diagnosis(self._core, self._core.nodes.count, pre_filter=status))

    def _unschedulable(
        self,
        pod: Pod,
        counts: dict[int, int],
        result: PostFilterResult | None,
        status: Status | None = None,
    ) -> Decision:
        nodes = self._core.nodes.count
        if result is None:
            diagnosis = Diagnosis(self._core, nodes, counts, status)
            return Decision(pod, None, diagnosis=diagnosis, keeps_nomination=status is None)
        diagnosis = Diagnosis(self._core, nodes, counts, status, result.message)
        equals = tuple((node, tuple(each.pod for each in victims)) for node, victims in result.equals)
        return Decision(
            pod,
            None,
            diagnosis=diagnosis,
            equals=equals,
            keeps_nomination=not result.tried,
            claims=result.claims,
        )

    @contextmanager
    def what_if(self) -> Iterator[Self]:
        """Change the cluster and ask it questions, and have everything as it was at the end of the block.

        Nodes, pods, further objects, placements, nominations, draws among equal nodes: whatever is done to the
        engine within the block is undone after it, also when an exception ends it, at a cost of what was done
        and not of what there is (of changed nodes, one copy of the order that sampling has them in). Decisions and
        explanations stay true of the moment they were made. Blocks may be nested. What a plugin of one's own
        remembers is not undone.

        Returns:
            The engine itself.
        """
        with self._undone():
            self._journal.record(setattr, self._steps.sampler, "start", self._steps.sampler.start)
            yield self

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
        self.add_pod(view, node)
        decision = Decision(view, node, feasible=1, ties=1)
        if not isinstance(compiled, Status) and self._core.nodes.slot_of(node) >= 0:
            decision.claims = self._claim_changes(decision, compiled)
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
        if narrowed:
            compiled.release()
        return explanation

    def _consider(self, pod: Pod | Mapping[str, Any], preempt: bool) -> tuple[Decision, Compiled, bool]:
        """A decision, the class or status it came from, and whether it was narrowed to the nominated node."""
        view = self._view(pod)
        self._classes.trim()
        compiled = self._compile(view)
        if isinstance(compiled, Status):
            runs = self._runs_post_filter(compiled, preempt)
            result = self.framework_of(view).post_filter(self._cluster, view, compiled) if runs else None
            return self._unschedulable(view, {}, result, compiled), compiled, False
        with self._nomination_aside(view) as nomination:
            there = self._on_nominated(view, compiled, nomination)
            if there is not None:
                compiled = self._classes.narrowed(view, self.framework_of(view), there)
            decision = self._filter_error(view, compiled) if there is None else None
            if decision is None:
                decision = self._decide(view, compiled, preempt)
                decision.claims = self._claim_changes(decision, compiled)
        self._raise_errors()
        return decision, compiled, there is not None

    def _decide(self, pod: Pod, compiled: PodClass | Stepwise, preempt: bool) -> Decision:
        if isinstance(compiled, Stepwise):
            return self._decide_stepwise(pod, compiled, preempt)
        slots, totals, ties, feasible, _, failures = self._core.place([compiled], False)
        slot = int(slots[0])
        if slot >= 0:
            node = self._core.nodes.name_of(slot)
            return Decision(pod, node, int(feasible[0]), int(totals[0]), int(ties[0]))
        result = self.framework_of(pod).post_filter(self._cluster, pod, compiled) if preempt else None
        return self._unschedulable(pod, failures[0], result)

    def _decide_stepwise(self, pod: Pod, compiled: Stepwise, preempt: bool) -> Decision:
        try:
            counts = self._steps.run(pod, compiled, moves=False)
        except ExtenderError as error:
            return self._failed(pod, error)
        if counts is None:
            return self._decide(pod, compiled.scores, preempt=False)
        result = self.framework_of(pod).post_filter(self._cluster, pod, compiled.filters) if preempt else None
        return self._unschedulable(pod, counts, result)

    def _raise_errors(self) -> None:
        """Tell of plugins written in Python that failed, now that everything is accounted."""
        for framework in self._frameworks.values():
            framework.raise_errors()

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
        return framework.pre_enqueue(pod) or self._classes.compiled(pod, framework)

    @exclusive
    def in_queue_order(self, pods: Iterable[Pod | Mapping[str, Any]]) -> list[Pod]:
        """Pods in the order in which they are tried; all profiles sort alike."""
        return self._in_queue_order(pods, named=False)

    def _in_queue_order(self, pods: Iterable[Pod | Mapping[str, Any]], *, named: bool) -> list[Pod]:
        views = [self._view(pod, named=named) for pod in several("pods", pods, "pods")]
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
        replicas, rejections = self._core.fill(compiled, most)
        self._raise_errors()
        return Capacity(replicas, Diagnosis(self._core, self._core.nodes.count, rejections).reasons)

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "an Engine cannot be pickled or copied: make another one from the same cluster, or ask it within "
            "what_if(), which changes nothing"
        )

    def __repr__(self) -> str:
        return f"<Engine: {self._core.nodes.count} nodes, {len(self._bound)} bound pods>"
