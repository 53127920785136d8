"""Cached results of a plugin written in Python equal newly computed ones, after any history."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import HealthCheck, given, settings

from kschedcore.api.objects import Pod
from kschedcore.engine.engine import Engine
from kschedcore.engine.user_plugins import FilterPlugin, NodeColumns, ScorePlugin
from kschedcore.manifests.manifests import Manifests
from kschedcore.testing.replay import EngineScheduler, Replay
from kschedcore.testing.strategies import History, histories

Json = dict[str, Any]


class FewPods(FilterPlugin):
    name = "FewPods"
    reason = "node(s) had enough pods"
    resolvable = True

    def filter_nodes(self, _pod: Pod, nodes: NodeColumns) -> npt.NDArray[np.bool_]:
        few: npt.NDArray[np.bool_] = nodes.requested("pods") < 3
        return few


class NotTheFullest(FilterPlugin):
    name = "NotTheFullest"
    reason = "node(s) were the fullest"
    looks_at_all = True

    def filter_nodes(self, _pod: Pod, nodes: NodeColumns) -> npt.NDArray[np.bool_]:
        pods = nodes.requested("pods")
        others: npt.NDArray[np.bool_] = (pods < pods.max(initial=0)) | (pods == pods.min(initial=0))
        return others


class Busy(ScorePlugin):
    name = "Busy"
    normalise = "highest"

    def score_nodes(self, _pod: Pod, nodes: NodeColumns) -> npt.NDArray[np.int64]:
        return nodes.requested("cpu")


class Idle(ScorePlugin):
    name = "Idle"
    normalise = "lowest"

    def score_nodes(self, _pod: Pod, nodes: NodeColumns) -> npt.NDArray[np.int64]:
        return nodes.requested("memory") // 2**20


class AboveAverage(ScorePlugin):
    name = "AboveAverage"
    looks_at_all = True

    def score_nodes(self, _pod: Pod, nodes: NodeColumns) -> npt.NDArray[np.int64]:
        cpu = nodes.allocatable("cpu") - nodes.requested("cpu")
        return np.where(cpu * len(nodes) > cpu.sum(), 100, 0)


PLUGINS = (FewPods, NotTheFullest, Busy, Idle, AboveAverage)
CONFIG = {
    "apiVersion": "kubescheduler.config.k8s.io/v1",
    "kind": "KubeSchedulerConfiguration",
    "profiles": [{"plugins": {"multiPoint": {"enabled": [{"name": plugin.name} for plugin in PLUGINS]}}}],
}


class Driven(EngineScheduler):
    def __init__(self, cluster: Json, *, forgetful: bool = False) -> None:
        super().__init__({**cluster, "config": None}, forgetful=forgetful)
        self.engine = Engine(Manifests.from_cluster(cluster), config=CONFIG, plugins=PLUGINS)


@settings(
    max_examples=100,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(histories(max_events=12))
def test_histories(history: History) -> None:
    cached, uncached = Driven(history.cluster), Driven(history.cluster, forgetful=True)
    for decision in Replay(history, cached, uncached).decisions():
        first, second = decision.steps
        assert first == second
