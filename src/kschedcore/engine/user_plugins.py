"""Base classes of custom plugins that evaluate columns of nodes: arrays in, arrays out.

A plugin is a class with a name and one or both of the methods below. A KubeSchedulerConfiguration enables it by that
name like any other plugin, and the class is passed to the engine::

    class KeepWarm(ScorePlugin):
        name = "KeepWarm"

        def score_nodes(self, pod, nodes):
            return np.where(nodes.requested("pods") > 0, 100, 0)

    engine = Engine(cluster, config=config, plugins=[KeepWarm])

The methods are called once for all nodes whose result may have changed, not once a node. Pods with the same spec,
labels, annotations, namespace and controller share results, so a plugin must not depend on other fields of a pod.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from kschedcore._native.plugins.python_plugin import PythonFilter, PythonScore
from kschedcore.engine.config.args import Args
from kschedcore.engine.node_columns import NodeColumns
from kschedcore.engine.plugin import Plugin, PodContext
from kschedcore.errors import PluginError

if TYPE_CHECKING:
    from kschedcore.api.objects import Pod

__all__ = ["ColumnPlugin", "FilterPlugin", "NodeColumns", "PluginError", "ScorePlugin"]

MAX_NODE_SCORE = 100


class ColumnPlugin(Plugin):
    """Base of plugins that evaluate columns of nodes.

    Attributes:
        looks_at_all: Whether the result for a node depends on other nodes. All nodes are then passed whenever
            anything changed on any of them; else only those that changed.
        errors: The exceptions since :meth:`take_errors` was last called.
    """

    looks_at_all: ClassVar[bool] = False

    def __init__(self, args: Args) -> None:
        super().__init__(args)
        self.errors: list[BaseException] = []

    def _failed(self, what: str, error: BaseException) -> None:
        if isinstance(error, PluginError) or not isinstance(error, Exception):
            self.errors.append(error)
            return
        failure = PluginError(f'running "{self.name}" {what} plugin: {type(error).__name__}: {error}')
        failure.__cause__ = error
        self.errors.append(failure)

    def take_errors(self) -> list[BaseException]:
        """Return the exceptions since the last call."""
        taken, self.errors = self.errors, []
        return taken


class FilterPlugin(ColumnPlugin):
    """A Filter plugin.

    Attributes:
        reason: The reason of a rejected node.
        resolvable: Whether evicting pods may change the result, so that preemption is tried.
    """

    points = frozenset({"filter"})
    reason: ClassVar[str]
    resolvable: ClassVar[bool] = False

    def filter_nodes(self, pod: Pod, nodes: NodeColumns) -> npt.NDArray[np.bool_]:  # noqa: ARG002
        """Filter nodes.

        Args:
            pod: The pod.
            nodes: The n nodes to filter, in no particular order.

        Returns:
            bool[n]: whether the pod may be placed on each node.
        """
        raise PluginError(f'plugin "{self.name}" has no filter_nodes(pod, nodes)')

    def filter(self, context: PodContext) -> PythonFilter:
        """Return the kernel for a class of pods."""
        return PythonFilter(
            context.core.nodes,
            context.core.reasons,
            self.name,
            partial(self._accepts, context),
            self.reason,
            "Unschedulable" if self.resolvable else "UnschedulableAndUnresolvable",
            self.looks_at_all,
            partial(self._failed, "filter"),
        )

    def _accepts(self, context: PodContext, slots: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
        answer = np.asarray(self.filter_nodes(context.pod, NodeColumns(context.core.nodes, slots)))
        if answer.dtype != np.bool_ or answer.shape != slots.shape:
            raise PluginError(_shape(self.name, "filter_nodes", answer, f"bool[{len(slots)}]"))
        return answer


class ScorePlugin(ColumnPlugin):
    """A Score plugin.

    Attributes:
        normalise: How scores are normalised to 0 to 100: ``highest`` rescales them over the feasible nodes so that
            the highest becomes 100, ``lowest`` so that 0 becomes 100 and the highest 0 (DefaultNormalizeScore, and
            reversed); an empty string if they are 0 to 100 already.
    """

    points = frozenset({"score"})
    normalise: ClassVar[str] = ""

    def score_nodes(self, pod: Pod, nodes: NodeColumns) -> npt.NDArray[np.integer[Any]]:  # noqa: ARG002
        """Score nodes.

        Args:
            pod: The pod.
            nodes: The n nodes to score, in no particular order; feasible or not.

        Returns:
            int64[n]: scores of 0 to 100, or at least 0 if they are normalised.
        """
        raise PluginError(f'plugin "{self.name}" has no score_nodes(pod, nodes)')

    def score(self, context: PodContext) -> PythonScore:
        """Return the kernel for a class of pods."""
        return PythonScore(
            context.core.nodes,
            context.core.reasons,
            self.name,
            partial(self._rate, context),
            self.normalise,
            self.looks_at_all,
            partial(self._failed, "score"),
        )

    def _rate(self, context: PodContext, slots: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
        answer = np.asarray(self.score_nodes(context.pod, NodeColumns(context.core.nodes, slots)))
        if not np.issubdtype(answer.dtype, np.integer) or answer.shape != slots.shape:
            raise PluginError(_shape(self.name, "score_nodes", answer, f"int64[{len(slots)}]"))
        most = np.iinfo(np.int64).max // MAX_NODE_SCORE if self.normalise else MAX_NODE_SCORE
        outside = answer[(answer < 0) | (answer > most)]
        if len(outside):
            raise PluginError(
                f'plugin "{self.name}" returns an invalid score {outside[0]}, '
                f"it should be in the range of [0, {most}]"
            )
        return np.ascontiguousarray(answer, np.int64)


def _shape(plugin: str, method: str, answer: npt.NDArray[Any], expected: str) -> str:
    found = f"{answer.dtype}[{', '.join(map(str, answer.shape))}]"
    return f'plugin "{plugin}": {method} returned {found}; expected {expected}'
