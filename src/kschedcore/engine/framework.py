"""A profile's plugin instances, which compile pods into pod classes of the native core (framework.Framework)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from kschedcore._native.plugin import FilterPlugin, ScorePlugin
from kschedcore._native.plugins.node_name import PreFilterResult
from kschedcore._native.podclass import PodClass
from kschedcore.api.objects import Pod
from kschedcore.api.versions import DEFAULT, Release
from kschedcore.engine.config.loading import EVERY_NODE
from kschedcore.engine.devices.state import ClaimChange
from kschedcore.engine.extenders.extenders import Extenders
from kschedcore.engine.plugin import (
    EXTENSION_POINTS,
    SKIP,
    Assumed,
    ClusterHandle,
    FailedCycle,
    Plugin,
    PodContext,
    PostFilterResult,
    Registry,
    Status,
    overrides,
)
from kschedcore.engine.profile import Profile
from kschedcore.engine.registry import IN_TREE
from kschedcore.engine.stepwise import Compiled, Stepwise
from kschedcore.engine.user_plugins import ColumnPlugin
from kschedcore.errors import ConfigError, KschedcoreError

if TYPE_CHECKING:
    from kschedcore.engine.listers import Listers


class Framework:
    """The plugins of one profile, instantiated.

    Args:
        profile: The plugins of each extension point.
        registry: Plugin name -> class. A plugin of the profile must implement the points at which it is enabled.
        extenders: The extenders that are called besides the plugins.
        release: The Kubernetes version and feature gates to follow.

    Raises:
        ConfigError: The profile enables a plugin that is not registered.

    Attributes:
        reads_annotations: Whether a plugin may read a pod's annotations: in-tree plugins read none.
        reserves: Whether a plugin has a Reserve.
    """

    def __init__(
        self,
        profile: Profile,
        registry: Registry,
        extenders: Extenders | None = None,
        release: Release = DEFAULT,
    ) -> None:
        self.profile = profile
        self._extenders = extenders or Extenders(())
        self._plugins: dict[str, Plugin] = {}
        for enabled in profile.points.values():
            for entry in enabled:
                if entry.name not in registry:
                    raise ConfigError(
                        f"profile {profile.scheduler_name!r}: plugin {entry.name!r} does not exist"
                    )
                if entry.name not in self._plugins:
                    plugin = self._plugins[entry.name] = registry[entry.name](profile.args_of(entry.name))
                    plugin.release = release

        self._points = {
            point: [(self._plugins[entry.name], entry.weight) for entry in profile.at(point)]
            for point in EXTENSION_POINTS
        }
        self._columns = [plugin for plugin in self._plugins.values() if isinstance(plugin, ColumnPlugin)]
        self._watching = [each for each in self._plugins.values() if overrides(type(each), "watches")]
        self._following_pods = [
            plugin
            for plugin, _ in self._points["preFilter"]
            if overrides(type(plugin), "add_pod") or overrides(type(plugin), "remove_pod")
        ]
        self.reserves = any(overrides(type(plugin), "reserve") for plugin, _ in self._points["reserve"])
        self.reads_annotations = any(registry[name] is not IN_TREE.get(name) for name in self._plugins)

    def attach(self, listers: Listers) -> None:
        """Pass the cluster's objects to the plugins."""
        for plugin in self._plugins.values():
            plugin.attach(listers)

    def take_errors(self) -> list[BaseException]:
        """Return the exceptions of plugins written in Python since the last call."""
        return [error for plugin in self._columns for error in plugin.take_errors()]

    def _at(self, point: str) -> list[tuple[Plugin, int]]:
        return self._points[point]

    @property
    def samples(self) -> bool:
        """Whether the profile samples nodes."""
        return self.profile.percentage_of_nodes_to_score != EVERY_NODE

    def watches(self, pod: Pod) -> frozenset[str]:
        """Return the groups of other objects that a pod's class depends on."""
        return frozenset().union(*[plugin.watches(pod) for plugin in self._watching])

    def pre_enqueue(self, pod: Pod) -> Status | None:
        """Run PreEnqueue; return the status of the first plugin that rejects the pod."""
        for plugin, _ in self._at("preEnqueue"):
            status = plugin.pre_enqueue(pod)
            if status is not None:
                return status
        return None

    @property
    def plugins(self) -> tuple[Plugin, ...]:
        """The profile's plugins."""
        return tuple(self._plugins.values())

    def post_filter(self, cluster: ClusterHandle, pod: Pod, compiled: PodClass | Status) -> PostFilterResult:
        """Run PostFilter for a pod without a feasible node (framework.RunPostFilterPlugins).

        Args:
            cluster: The cluster.
            pod: The pod.
            compiled: Its class, refreshed, or the status with which PreFilter ended its cycle.

        Returns:
            The result of the first plugin that nominates a node or ends PostFilter; otherwise the messages of
            all of them, one after another.
        """
        if not cluster.core.nodes.count:
            # kube-scheduler ends the cycle before PreFilter, and clears the nomination (ErrNoNodesAvailable).
            return PostFilterResult()
        status = compiled if isinstance(compiled, Status) else None
        cycle = FailedCycle(
            pod,
            cluster,
            None if isinstance(compiled, Status) else compiled,
            status,
            self._pre_filtered(status),
            self._pod_mover(cluster, pod),
        )
        messages: list[str] = []
        claims: tuple[ClaimChange, ...] = ()
        tried = False
        for plugin, _ in self._at("postFilter"):
            answer = plugin.post_filter(cycle)
            if isinstance(answer, Status):
                message = ", ".join(answer.reasons)
                answer = PostFilterResult(message=message, tried=False, final=answer.code != "Unschedulable")
            if answer is None:
                continue
            claims += answer.claims
            if answer.node is not None:
                equals = answer.equals or ((answer.node, answer.victims),)
                return replace(answer, equals=equals, claims=claims)
            if answer.final:
                return replace(answer, claims=claims)
            tried |= answer.tried
            if answer.message:
                messages.append(answer.message)
        return PostFilterResult(message=", ".join(messages), tried=tried, claims=claims)

    def _pre_filtered(self, status: Status | None) -> frozenset[str]:
        """Return the plugins whose PreFilter ran in a cycle that ended with a status, or that went on (None)."""
        names = [plugin.name for plugin, _ in self._at("preFilter")]
        if status is not None and status.plugin in names:
            names = names[: names.index(status.plugin) + 1]
        return frozenset(names)

    def _pod_mover(self, cluster: ClusterHandle, pod: Pod) -> Callable[[int, int], None] | None:
        """Return a function that calls AddPod and RemovePod of the plugins that implement them; None if none does."""
        if not self._following_pods:
            return None

        def moved(number: int, sign: int) -> None:
            bound = cluster.bound.numbered(number)
            for plugin in self._following_pods:
                if sign > 0:
                    plugin.add_pod(pod, bound)
                else:
                    plugin.remove_pod(pod, bound)

        return moved

    @property
    def queue_sort(self) -> Plugin:
        """The one QueueSort plugin."""
        return self._at("queueSort")[0][0]

    def reserve(self, assumed: Assumed) -> Status | None:
        """Run Reserve until a plugin rejects the pod."""
        return _first(_named("Reserve", plugin, plugin.reserve(assumed)) for plugin, _ in self._at("reserve"))

    def unreserve(self, assumed: Assumed) -> None:
        """Run Unreserve of every Reserve plugin, the last first."""
        for plugin, _ in reversed(self._at("reserve")):
            plugin.unreserve(assumed)

    def permit(self, assumed: Assumed) -> Status | dict[str, float]:
        """Run Permit.

        Returns:
            The status of the plugin that rejected the pod, or plugin -> seconds of those that make it wait.
        """
        holding: dict[str, float] = {}
        for plugin, _ in self._at("permit"):
            answer = plugin.permit(assumed)
            if isinstance(answer, Status):
                return _named("Permit", plugin, answer)
            if answer is not None:
                holding[plugin.name] = answer.timeout
        return holding

    def pre_flight(self, assumed: Assumed) -> Status | frozenset[str]:
        """Run PreBindPreFlight.

        Returns:
            The status of the plugin that failed, or the names of the plugins that have PreBind work for the pod.
        """
        working = set()
        for plugin, _ in self._at("preBind"):
            answer = plugin.pre_bind_pre_flight(assumed)
            if answer is None:
                working.add(plugin.name)
            elif answer is not SKIP:
                return answer
        return frozenset(working)

    def pre_bind(self, assumed: Assumed, working: frozenset[str] | None = None) -> Status | None:
        """Run PreBind until a plugin fails.

        Args:
            assumed: The pod and its node.
            working: The plugins to run; None for all.
        """
        return _first(
            _named("PreBind", plugin, plugin.pre_bind(assumed))
            for plugin, _ in self._at("preBind")
            if working is None or plugin.name in working
        )

    def bind(self, assumed: Assumed) -> Status | None:
        """Run Bind until a plugin does not skip the pod; SKIP when all do."""
        for plugin, _ in self._at("bind"):
            try:
                answer = plugin.bind(assumed)
            except KschedcoreError as error:
                answer = Status("Error", "", (str(error),), cause=error)
            if answer is not SKIP:
                return _named("Bind", plugin, answer)
        return SKIP

    def post_bind(self, assumed: Assumed) -> None:
        """Run PostBind."""
        for plugin, _ in self._at("postBind"):
            plugin.post_bind(assumed)

    def compile(self, context: PodContext, only: str | None = None) -> Compiled:
        """Run PreFilter and PreScore for a pod.

        Args:
            context: The pod and the state that plugins read.
            only: The name of a node to restrict the class to.

        Returns:
            The class, or the status of the plugin that ended the cycle.
        """
        allowed = None if only is None else frozenset({only})
        narrowing: list[str] = []
        for plugin, _ in self._at("preFilter"):
            outcome = plugin.pre_filter(context)
            if isinstance(outcome, Status):
                return outcome
            if outcome is not None:
                allowed = outcome if allowed is None else allowed & outcome
                narrowing.append(plugin.name)
                if not allowed:
                    return _no_nodes_left(narrowing)
        core = context.core
        filters: list[FilterPlugin] = []
        if allowed is not None:
            filters.append(PreFilterResult(core.nodes, core.reasons, allowed, narrowing))
        for plugin, _ in self._at("filter"):
            kernel = plugin.filter(context)
            if kernel is not None:
                filters.append(kernel)
        skipped: set[str] = set()
        for plugin, _ in self._at("preScore"):
            answer = plugin.pre_score(context)
            if answer is SKIP:
                skipped.add(plugin.name)
            elif answer is not None:
                return answer
        scores = self._scores(context, skipped)
        if only is not None or not (self.samples or self._extenders):
            return PodClass(core.nodes, core.shared, context.info, filters, scores)
        distinguishable = bool(self._at("score")) or self._extenders.filters or self._extenders.prioritizes
        return Stepwise(
            core,
            context.info,
            filters,
            scores,
            self.profile.percentage_of_nodes_to_score,
            wants_one=not distinguishable,
            unloaded=lambda: self._scores(replace(context, loaded=False), skipped),
        )

    def _scores(self, context: PodContext, skipped: AbstractSet[str]) -> list[ScorePlugin]:
        """Compile Score of the plugins that PreScore did not skip."""
        scores: list[ScorePlugin] = []
        for plugin, weight in self._at("score"):
            score = None if plugin.name in skipped else plugin.score(context)
            if score is not None:
                scores.append(score.weigh(weight))
        return scores


_T = TypeVar("_T", bound=Status | None)


def _named(point: str, plugin: Plugin, answer: _T) -> _T | Status:
    """Return a plugin's answer; the reason of an error says where it happened, as the framework's do."""
    if answer is None or answer.code != "Error":
        return answer
    reason = f'running {point} plugin "{plugin.name}": {", ".join(answer.reasons)}'
    return replace(answer, reasons=(reason,))


def _first(answers: Iterable[Status | None]) -> Status | None:
    return next((answer for answer in answers if answer is not None), None)


def _no_nodes_left(plugins: list[str]) -> Status:
    """Return the status for disjoint PreFilterResults (framework.RunPreFilterPlugins)."""
    if len(plugins) == 1:
        reason = f"node(s) didn't satisfy plugin {plugins[0]}"
    else:
        reason = f"node(s) didn't satisfy plugin(s) [{' '.join(sorted(plugins))}] simultaneously"
    return Status("UnschedulableAndUnresolvable", plugins[-1], (reason,))
