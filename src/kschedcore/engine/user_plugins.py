"""Placement rules of one's own, written over whole columns of nodes: arrays in, arrays out.

A rule is a class with a name and one or both of the methods below. A KubeSchedulerConfiguration enables it by that
name like any other plugin, and the engine is given the class::

    class KeepWarm(ScorePlugin):
        name = "KeepWarm"

        def score_nodes(self, pod, nodes):
            return np.where(nodes.requested("pods") > 0, 100, 0)

    engine = Engine(cluster, config=config, plugins=[KeepWarm])

The methods are called once for all nodes whose answer may have changed, not once a node. Pods with the same spec,
labels, annotations, namespace and controller share their answers, so a rule may look at nothing else of a pod.
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
    """Base of plugins that judge columns.

    Attributes:
        looks_at_all: Whether the answer for a node depends on other nodes. All nodes are then passed whenever
            anything changed on any of them; else only those that changed.
        errors: What was raised since :meth:`take_errors` was last called.
    """

    looks_at_all: ClassVar[bool] = False

    def __init__(self, args: Args) -> None:
        super().__init__(args)
        self.errors: list[BaseException] = []

    def _failed(self, what: str, error: BaseException) -> None:
        if isinstance(error, PluginError) or not isinstance(error, Exception):
            self.errors.append(error)
            return
        told = PluginError(f'running "{self.name}" {what} plugin: {type(error).__name__}: {error}')
        told.__cause__ = error
        self.errors.append(told)

    def take_errors(self) -> list[BaseException]:
        """Return what was raised since the last call."""
        taken, self.errors = self.errors, []
        return taken


class FilterPlugin(ColumnPlugin):
    """A rule that says which nodes a pod may go to (Filter).

    Attributes:
        reason: What is said of a node that it may not go to.
        resolvable: Whether evicting pods might change the answer, so that preemption is worth a try.
    """

    points = frozenset({"filter"})
    reason: ClassVar[str]
    resolvable: ClassVar[bool] = False

    def filter_nodes(self, pod: Pod, nodes: NodeColumns) -> npt.NDArray[np.bool_]:  # noqa: ARG002
        """Judge nodes.

        Args:
            pod: The pod.
            nodes: The n nodes to judge, in no particular order.

        Returns:
            bool[n]: whether the pod may go there.
        """
        raise PluginError(f'plugin "{self.name}" has no filter_nodes(pod, nodes)')

    def filter(self, context: PodContext) -> PythonFilter:
        """The rule for one pod."""
        return PythonFilter(
            context.core.nodes,
            context.core.reasons,
            self.name,
            partial(self._judge, context),
            self.reason,
            "Unschedulable" if self.resolvable else "UnschedulableAndUnresolvable",
            self.looks_at_all,
            partial(self._failed, "filter"),
        )

    def _judge(self, context: PodContext, slots: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
        answer = np.asarray(self.filter_nodes(context.pod, NodeColumns(context.core.nodes, slots)))
        if answer.dtype != np.bool_ or answer.shape != slots.shape:
            raise PluginError(_shape(self.name, "filter_nodes", answer, f"bool[{len(slots)}]"))
        return answer


class ScorePlugin(ColumnPlugin):
    """A rule that says how good nodes are for a pod (Score).

    Attributes:
        normalise: How scores come to be 0 to 100: ``highest`` rescales them over the feasible nodes so that the
            highest becomes 100, ``lowest`` so that 0 becomes 100 and the highest 0 (DefaultNormalizeScore, and
            reversed); an empty string when they are 0 to 100 already.
    """

    points = frozenset({"score"})
    normalise: ClassVar[str] = ""

    def score_nodes(self, pod: Pod, nodes: NodeColumns) -> npt.NDArray[np.integer[Any]]:  # noqa: ARG002
        """Rate nodes.

        Args:
            pod: The pod.
            nodes: The n nodes to rate, in no particular order; feasible or not.

        Returns:
            int64[n]: scores of 0 to 100, or of 0 and more if they are normalised.
        """
        raise PluginError(f'plugin "{self.name}" has no score_nodes(pod, nodes)')

    def score(self, context: PodContext) -> PythonScore:
        """The rule for one pod."""
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
