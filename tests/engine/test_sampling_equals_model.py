"""The engine samples as a plain loop over the reference model's verdicts does."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.model import ReferenceScheduler
from tests.model.filters import first_rejection, start_cycle
from tests.model.framework import Status
from tests.model.scheduler import _filtered, _scored
from tests.model.versions import Kubernetes

from kschedcore.engine import sampling
from kschedcore.testing.replay import EngineScheduler
from kschedcore.testing.strategies import Case, cases

Json = dict[str, Any]

FEWEST = 2
"""In place of 100, so that small clusters are sampled."""


class SamplingReference(ReferenceScheduler):
    """Looks at one node after another until enough are feasible."""

    def __init__(self, cluster: Json, percentage: int, kubernetes: Kubernetes) -> None:
        super().__init__(cluster, kubernetes=kubernetes)
        self.percentage = percentage
        self.start = 0

    def order(self) -> list[str]:
        zones: dict[tuple[str, str], list[str]] = {}
        for name, node in self._nodes.items():
            labels = node["metadata"].get("labels") or {}
            place = [labels.get(f"topology.kubernetes.io/{level}", "") for level in ("region", "zone")]
            zones.setdefault((place[0], place[1]), []).append(name)
        return [name for turn in zip_longest(*zones.values()) for name in turn if name is not None]

    def wanted(self, nodes: int) -> int:
        if nodes < FEWEST:
            return nodes
        return max(nodes * (self.percentage or max(50 - nodes // 125, 5)) // 100, FEWEST)

    def sampled(self, pod: Json) -> Json:
        """Schedule a pod without preemption and return the result; the next search starts where this one stopped."""
        if self.gated(pod):
            return {}
        profile = self.profile_of(pod)
        cycle = start_cycle(pod, self.snapshot(), profile)
        if isinstance(cycle, Status):
            return {}
        nominated = (pod.get("status") or {}).get("nominatedNodeName")
        infos = {info.name: info for info in cycle.snapshot.nodes}
        if nominated in infos and first_rejection(cycle, infos[nominated]) is None:
            return _scored(cycle, [infos[nominated]])
        _, rejections = _filtered(cycle)
        nodes = [name for name in self.order() if name not in rejections or rejections[name] is not None]
        wanted = self.wanted(len(nodes)) if profile.points["score"] else 1
        found: list[str] = []
        looked = 0
        for step in range(len(nodes)):
            name = nodes[(self.start + step) % len(nodes)]
            if name not in rejections:
                if len(found) == wanted:
                    break
                found.append(name)
            looked += 1
        if self._nodes:
            self.start = (self.start + looked) % len(self._nodes)
        return _scored(cycle, [infos[name] for name in found]) if found else {}


@pytest.mark.parametrize("kubernetes", ["1.34", "1.36"])
@settings(
    max_examples=75,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(cases(), st.sampled_from([0, 1, 30, 60, 99]))
def test_placements(kubernetes: Kubernetes, drawn: Case, percentage: int) -> None:
    head = {"apiVersion": "kubescheduler.config.k8s.io/v1", "kind": "KubeSchedulerConfiguration"}
    config = {**head, **(drawn.cluster.get("config") or {}), "percentageOfNodesToScore": percentage}
    cluster = {**drawn.cluster, "config": config}
    with patch.object(sampling, "MIN_FEASIBLE_NODES", FEWEST):
        model, engine = (
            SamplingReference(cluster, percentage, kubernetes),
            EngineScheduler(cluster, kubernetes=kubernetes).engine,
        )
        for pod in drawn.pending:
            expected = model.sampled(pod)
            (decision,) = engine.schedule([pod], preempt=False)
            assert decision.node == expected.get("chosen")
            assert decision.feasible == len(expected.get("feasible", ()))
            if expected:
                assert decision.total == expected["totals"][decision.node]
                assert decision.ties == len(expected["best"])
                model.commit(pod, expected)
