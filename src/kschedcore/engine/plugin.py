"""The interface of scheduling plugins: one method per extension point of the scheduling framework.

A plugin object belongs to one profile. Its rule is compiled once per class of pods (see
:mod:`kschedcore.engine.classes`): :meth:`Plugin.filter` and :meth:`Plugin.score` return a native kernel for the pod
(see :mod:`kschedcore._native.plugin`) that runs over columns of nodes, so that these methods are not called per node
or per decision.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from kschedcore.api.versions import DEFAULT, Release
from kschedcore.engine.config.args import Args, NoArgs
from kschedcore.engine.diagnosis import Rejection, Status

if TYPE_CHECKING:
    from kschedcore._native.core import Core
    from kschedcore._native.plugin import FilterPlugin, ScorePlugin
    from kschedcore._native.podclass import PodClass
    from kschedcore._native.podinfo import PodInfo
    from kschedcore.api.objects import Pod
    from kschedcore.engine.binding import BoundPod, BoundPods
    from kschedcore.engine.devices.state import ClaimChange
    from kschedcore.engine.events import Events
    from kschedcore.engine.extenders.objects import PreemptionExtenders
    from kschedcore.engine.listers import Listers

__all__ = [
    "EXTENSION_POINTS",
    "SKIP",
    "Assumed",
    "ClusterHandle",
    "FailedCycle",
    "Plugin",
    "PodContext",
    "PostFilterResult",
    "Registry",
    "Status",
    "Wait",
]

EXTENSION_POINTS: Mapping[str, str] = {
    "preEnqueue": "pre_enqueue",
    "queueSort": "sort_key",
    "preFilter": "pre_filter",
    "filter": "filter",
    "postFilter": "post_filter",
    "preScore": "pre_score",
    "score": "score",
    "reserve": "reserve",
    "permit": "permit",
    "preBind": "pre_bind",
    "bind": "bind",
    "postBind": "post_bind",
}
"""Extension point, as in KubeSchedulerConfiguration -> method of :class:`Plugin`, in the order of a cycle."""

_FURTHER_METHODS = {
    "unreserve": "reserve",
    "add_pod": "preFilter",
    "remove_pod": "preFilter",
    "pre_bind_pre_flight": "preBind",
}
"""Other methods, and the extension point that each belongs to."""

SKIP = Status("Skip", "", ())
"""Status Skip: PreScore skips the plugin's Score; Bind leaves the pod to the next plugin."""


@dataclass(frozen=True)
class PodContext:
    """A pod whose class is being compiled.

    Attributes:
        pod: The pod, as a typed view.
        info: The pod's interned resource footprint.
        core: The native state.
        listers: The cluster's other objects.
        loaded: Whether Score sees the pods and images of nodes. It does not for nodes that an extender answered with as
            whole objects: kube-scheduler knows no more than those objects.
    """

    pod: Pod
    info: PodInfo
    core: Core
    listers: Listers
    loaded: bool = True


@dataclass(frozen=True)
class ClusterHandle:
    """The cluster as PostFilter plugins may read it (framework.Handle).

    Attributes:
        core: The native state.
        bound: The bound pods.
        listers: The cluster's other objects.
        extenders: The extenders that support preemption, or None.
    """

    core: Core
    bound: BoundPods
    listers: Listers
    extenders: PreemptionExtenders | None = None


@dataclass(frozen=True)
class FailedCycle:
    """A scheduling cycle that found no feasible node.

    Attributes:
        pod: The pod.
        cluster: The cluster.
        pod_class: The pod's class, refreshed; None when PreFilter ended the cycle.
        status: The status with which PreFilter ended the cycle, or None.
        pre_filtered: The plugins whose PreFilter ran.
        moved: Calls AddPod (1) or RemovePod (-1) for a bound pod's number; None when no plugin implements them.
    """

    pod: Pod
    cluster: ClusterHandle
    pod_class: PodClass | None
    status: Status | None = None
    pre_filtered: frozenset[str] = frozenset()
    moved: Callable[[int, int], None] | None = None

    @property
    def rejections(self) -> dict[str, Rejection]:
        """Node -> its rejection; empty when PreFilter ended the cycle."""
        if self.pod_class is None:
            return {}
        core = self.cluster.core
        verdicts = self.pod_class.verdicts()
        return {
            name: Rejection(*core.reasons.describe(int(verdicts[slot]), core.nodes.resource_names))
            for name, slot in zip(core.nodes.names(), core.nodes.slots_by_name().tolist(), strict=True)
        }

    def pods_on(self, node: str) -> list[BoundPod]:
        """Return the pods that are bound to a node or assumed there."""
        slot = self.cluster.core.nodes.slot_of(node)
        numbers = self.cluster.core.pods.on(slot).tolist() if slot >= 0 else ()
        return [self.cluster.bound.numbered(number) for number in numbers]


@dataclass(frozen=True)
class PostFilterResult:
    """The result of a PostFilter plugin.

    Attributes:
        node: The node to nominate the pod to, or None.
        victims: The pods to evict there, the most important first.
        message: The reason why there is no node.
        equals: The equally good (node, victims), this one first: kube-scheduler chooses one at random.
        tried: Whether candidates were searched. If not, an earlier nomination of the pod stays
            (framework.ModeNoop).
        final: Whether the remaining PostFilter plugins are not run (status UnschedulableAndUnresolvable or Error).
        claims: The ResourceClaims that are deallocated or deleted so that the pod may be schedulable later.
    """

    node: str | None = None
    victims: tuple[BoundPod, ...] = ()
    message: str = ""
    equals: tuple[tuple[str, tuple[BoundPod, ...]], ...] = ()
    tried: bool = True
    final: bool = False
    claims: tuple[ClaimChange, ...] = ()


@dataclass(frozen=True)
class Wait:
    """The result of Permit that makes a pod wait.

    Attributes:
        timeout: Seconds after which the pod is rejected; at most 15 minutes.
    """

    timeout: float


def bind_nowhere(pod: Pod, node: str) -> None:
    """Bind without a cluster: the engine has accounted the pod already."""


@dataclass(frozen=True)
class Assumed:
    """A pod that is accounted on its node and not bound yet.

    Attributes:
        pod: The pod.
        node: Its node's name.
        bind: Writes the node to the cluster; raises if that fails.
        state: Values that plugins store for their later extension points (framework.CycleState).
    """

    pod: Pod
    node: str
    bind: Callable[[Pod, str], None] = bind_nowhere
    state: dict[str, Any] = field(default_factory=dict)


class Plugin:
    """Base of all plugins. A subclass overrides the methods of the extension points that it implements.

    Attributes:
        name: The plugin's name, as a KubeSchedulerConfiguration enables it.
        points: The extension points that it implements; by default those whose method it overrides.
        args_type: The type of its arguments in ``pluginConfig``.
        release: The Kubernetes version and feature gates that the profile follows.
    """

    name: ClassVar[str]
    points: ClassVar[frozenset[str]] = frozenset()
    args_type: ClassVar[type[Args]] = NoArgs
    release: Release = DEFAULT

    def __init__(self, args: Args) -> None:
        self.args = args

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "points" not in cls.__dict__:
            cls.points = implemented_points(cls)

    def attach(self, listers: Listers) -> None:
        """Receive the cluster's objects, for extension points whose only argument is a pod."""

    def watches(self, pod: Pod) -> frozenset[str]:  # noqa: ARG002
        """Return the groups of :class:`Listers` that the pod's class depends on.

        After a change in such a group (``services``, ``storage``…) the class is compiled again.
        """
        return frozenset()

    def events(self) -> Events | None:
        """Return the events after which a pod that this plugin rejected may be schedulable (EventsToRegister).

        Returns:
            Resource (``nodes``, ``pods``, ``persistentvolumes``…) -> queueing hint; None for every event.
        """
        return None

    def pre_enqueue(self, pod: Pod) -> Status | None:  # noqa: ARG002
        """Reject the pod before it enters the queue (a status), or let it in (None)."""
        return None

    def sort_key(self, pod: Pod) -> Any:  # noqa: ARG002
        """Return the key by which pending pods are sorted, ascending; equal keys keep the order of arrival."""
        return 0

    def pre_filter(self, context: PodContext) -> Status | frozenset[str] | None:  # noqa: ARG002
        """End the cycle (a status), restrict it to some nodes by name, or continue (None)."""
        return None

    def add_pod(self, pod: Pod, added: BoundPod) -> None:
        """Handle that preemption's dry run adds a victim to its node again (PreFilterExtensions.AddPod).

        Args:
            pod: The pod that is being scheduled.
            added: The bound pod.
        """

    def remove_pod(self, pod: Pod, removed: BoundPod) -> None:
        """Handle that preemption's dry run removes a bound pod from its node (PreFilterExtensions.RemovePod)."""

    def filter(self, context: PodContext) -> FilterPlugin | None:  # noqa: ARG002
        """Compile the rule as a Filter; None if it rejects no node for this pod."""
        return None

    def post_filter(self, cycle: FailedCycle) -> PostFilterResult | Status | None:  # noqa: ARG002
        """Make the pod schedulable after no node was feasible.

        Returns:
            A result that nominates a node ends PostFilter, as does a status other than ``Unschedulable``; other
            messages are joined with those of the plugins that run next.
        """
        return None

    def pre_score(self, context: PodContext) -> Status | None:  # noqa: ARG002
        """Prepare the scoring of a class of pods; :data:`SKIP` skips this plugin's Score."""
        return None

    def score(self, context: PodContext) -> ScorePlugin | None:  # noqa: ARG002
        """Compile the rule as a Score; None skips it for this pod."""
        return None

    def reserve(self, assumed: Assumed) -> Status | None:  # noqa: ARG002
        """Reserve resources for a pod on its node, or reject it (a status)."""
        return None

    def unreserve(self, assumed: Assumed) -> None:
        """Release what Reserve reserved; also called when this plugin's Reserve failed or was not reached."""

    def permit(self, assumed: Assumed) -> Status | Wait | None:  # noqa: ARG002
        """Let a pod be bound (None), make it wait, or reject it (a status)."""
        return None

    def pre_bind_pre_flight(self, assumed: Assumed) -> Status | None:  # noqa: ARG002
        """Say whether :meth:`pre_bind` has work to do for a pod (PreBindPreFlight, KEP-5278).

        The scheduler writes ``status.nominatedNodeName`` before the work of PreBind plugins begins.

        Returns:
            None if it has, :data:`SKIP` if it has not and need not be called, or an error.
        """
        return None if overrides(type(self), "pre_bind") else SKIP

    def pre_bind(self, assumed: Assumed) -> Status | None:  # noqa: ARG002
        """Do the work that precedes binding, or reject the pod (a status)."""
        return None

    def bind(self, assumed: Assumed) -> Status | None:  # noqa: ARG002
        """Bind a pod (None), fail (a status), or leave it to the next plugin (:data:`SKIP`)."""
        return SKIP

    def post_bind(self, assumed: Assumed) -> None:
        """Handle that a pod was bound."""


def overrides(plugin: type[Plugin], method: str) -> bool:
    """Return whether a plugin class implements a method of :class:`Plugin` itself."""
    return getattr(plugin, method) is not getattr(Plugin, method)


def implemented_points(plugin: type[Plugin]) -> frozenset[str]:
    """Return the extension points whose methods a plugin class implements."""
    points = {point for point, method in EXTENSION_POINTS.items() if overrides(plugin, method)}
    return frozenset(points | {point for name, point in _FURTHER_METHODS.items() if overrides(plugin, name)})


def registration_problems(plugin: type[Plugin]) -> Iterator[str]:
    """Yield why a plugin class cannot be registered: every point that it declares must be called."""
    implemented = implemented_points(plugin)
    for point in sorted(plugin.points - EXTENSION_POINTS.keys()):
        yield f'"{point}" is not an extension point; expected {", ".join(EXTENSION_POINTS)}'
    for point in sorted((plugin.points & EXTENSION_POINTS.keys()) - implemented):
        yield f"it declares the extension point {point} and has no {EXTENSION_POINTS[point]}()"
    for point in sorted(implemented - plugin.points):
        yield f"it has {EXTENSION_POINTS[point]}() and its points leave {point} out, so it would never be called"


Registry = Mapping[str, type[Plugin]]
"""Plugin name -> class."""
