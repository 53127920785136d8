"""What a plugin is to a profile: how one rule is compiled for one pod.

Scheduling a pod compiles it once: each plugin turns what the pod asks for into a native Filter and Score (see
:mod:`kschedcore._native.plugin`), or into nothing when the rule does not concern the pod. Pods alike share the
result, so nothing here runs per node or per decision.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from kschedcore.engine.config.args import Args, NoArgs

if TYPE_CHECKING:
    from kschedcore._native.core import Core
    from kschedcore._native.plugin import FilterPlugin, ScorePlugin
    from kschedcore._native.podinfo import PodInfo
    from kschedcore.api.objects import Pod
    from kschedcore.engine.listers import Listers


@dataclass(frozen=True)
class Status:
    """Why a plugin ends a pod's cycle before any node is looked at (framework.Status).

    Attributes:
        code: ``Unschedulable`` or ``UnschedulableAndUnresolvable``.
        plugin: The plugin that says so.
        reasons: In kube-scheduler's words.
        pre_enqueue: The pod did not even enter the queue, so nothing was tried.
        cause: What was raised, where the status stands for that.
    """

    code: str
    plugin: str
    reasons: tuple[str, ...]
    pre_enqueue: bool = False
    cause: Exception | None = None

    @property
    def rejects(self) -> bool:
        """Whether it says that the pod cannot go there, rather than that something went wrong."""
        return self.code in ("Unschedulable", "UnschedulableAndUnresolvable")


@dataclass(frozen=True)
class PodContext:
    """A pod being compiled.

    Attributes:
        pod: The pod, as a typed view.
        info: What the core accounts of it.
        core: The native state.
        listers: Everything else in the cluster that a rule may look at.
    """

    pod: Pod
    info: PodInfo
    core: Core
    listers: Listers


@dataclass(frozen=True)
class Wait:
    """Permit's answer to hold a pod.

    Attributes:
        timeout: Seconds after which the pod is sent back; never more than 15 minutes.
    """

    timeout: float


@dataclass(frozen=True)
class Assumed:
    """A pod on its way to a node: accounted there, not bound yet.

    Attributes:
        pod: The pod.
        node: Its node's name.
        bind: Writes the node to the cluster; raises if that fails.
        state: What plugins leave for their later extension points (framework.CycleState).
    """

    pod: Pod
    node: str
    bind: Callable[[Pod, str], None]
    state: dict[str, Any] = field(default_factory=dict)


SKIP = Status("Skip", "", ())
"""A Bind plugin's answer that leaves the pod to the next one."""


class Plugin:
    """Base of a profile's plugins. A subclass overrides what its rule needs.

    Attributes:
        name: The plugin's name as Kubernetes spells it.
        points: The extension points it implements.
        args_type: What ``pluginConfig`` holds for a plugin that is not Kubernetes' own.
        watches: What its compiled form depends on besides the pod: names of :class:`Listers` groups
            (``services``, ``storage``); a change there compiles the pod anew.
    """

    name: ClassVar[str]
    points: ClassVar[frozenset[str]]
    args_type: ClassVar[type[Args]] = NoArgs

    def __init__(self, args: Args) -> None:
        self.args = args

    def watches(self, pod: Pod) -> frozenset[str]:  # noqa: ARG002
        """Which groups of listers the compiled form of this pod depends on."""
        return frozenset()

    def sort_key(self, pod: Pod) -> Any:  # noqa: ARG002
        """What pending pods are tried in ascending order of (QueueSort); of equals the one that came first."""
        return 0

    def pre_enqueue(self, pod: Pod) -> Status | None:  # noqa: ARG002
        """Keep the pod out of the queue, or let it in (None)."""
        return None

    def pre_filter(self, context: PodContext) -> Status | frozenset[str] | None:  # noqa: ARG002
        """End the cycle (a status), narrow it to some nodes by name, or let it go on (None)."""
        return None

    def filter(self, context: PodContext) -> FilterPlugin | None:  # noqa: ARG002
        """The rule as a Filter for this pod, or None when no node can be rejected by it."""
        return None

    def score(self, context: PodContext) -> ScorePlugin | None:  # noqa: ARG002
        """The rule as a Score for this pod, or None when PreScore skips it."""
        return None

    def reserve(self, assumed: Assumed) -> Status | None:  # noqa: ARG002
        """Set something aside for a pod that was just given its node, or refuse (a status)."""
        return None

    def unreserve(self, assumed: Assumed) -> None:
        """Give back what Reserve set aside; also called where Reserve failed or was not reached."""

    def permit(self, assumed: Assumed) -> Status | Wait | None:  # noqa: ARG002
        """Let a pod go on to be bound (None), hold it, or send it back (a status)."""
        return None

    def pre_bind(self, assumed: Assumed) -> Status | None:  # noqa: ARG002
        """Do what has to be done before a pod is bound, or give up on it (a status)."""
        return None

    def bind(self, assumed: Assumed) -> Status | None:  # noqa: ARG002
        """Bind a pod (None), fail (a status), or leave it to the next plugin (:data:`SKIP`)."""
        return SKIP

    def post_bind(self, assumed: Assumed) -> None:
        """Hear of a pod that was bound."""


Registry = Mapping[str, type[Plugin]]
"""Plugin name -> class."""
