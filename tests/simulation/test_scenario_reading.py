"""Scenarios that cannot be read: every error names the file, the document, the field, the value and the expectation."""

from __future__ import annotations

from typing import Any

import pytest

from kschedcore.errors import ManifestError
from kschedcore.manifests.loading import Document
from kschedcore.simulation.reading import read_scenario


def read(**spec: Any) -> None:
    data = {"apiVersion": "simulation.kschedcore.dev/v1alpha1", "kind": "Scenario", "spec": spec}
    read_scenario(Document(data, "day.yaml", 2))


POD = {"apiVersion": "v1", "kind": "Pod", "spec": {"containers": []}}


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ({"step": []}, "spec: unknown field step"),
        ({"steps": [{"at": "noon", "delete": ["pod/a"]}]},
         "spec.steps[0].at: found the string \"noon\", expected a span of time:"
         " seconds, or a text such as 90s, 5m, 7d"),
        ({"steps": [{"delete": ["pod/a"]}]}, "spec.steps[0]: has neither at nor every; expected one of them"),
        ({"steps": [{"at": 1}]}, "spec.steps[0]: found nothing to do, expected exactly one action"),
        ({"steps": [{"at": 1, "delete": ["pod/a"], "rolloutUndo": "deploy/a"}]},
         "spec.steps[0]: found delete and rolloutUndo, expected exactly one action"),
        ({"steps": [{"every": 0, "delete": ["pod/a"]}]},
         "spec.steps[0].every: found the number 0, expected a span of time above 0"),
        ({"steps": [{"at": 1, "scale": {"target": "web", "replicas": 1}}]},
         "spec.steps[0].scale.target: 'web' names no object; expected KIND/NAME, as in deployment/web"),
        ({"steps": [{"at": 1, "scale": {"target": "deploy/web"}}]},
         "spec.steps[0].scale: missing required field replicas"),
        ({"arrivals": [{"name": "a", "template": {"kind": "Node"}, "every": {"constant": 1}}]},
         "spec.arrivals[0].template.kind: found the string \"Node\", expected a Pod of v1 or a Job of batch/v1"),
        ({"arrivals": [{"name": "a", "template": POD}]},
         "spec.arrivals[0]: found none of them, expected exactly one of every, trace"),
        ({"arrivals": [{"name": "a", "template": POD, "every": {"exponential": 0}}]},
         "spec.arrivals[0].every.exponential: found the number 0, expected a span of time above 0"),
        ({"loads": [{"cpu": {"day": {"low": 1, "high": "lots"}}}]},
         "spec.loads[0].cpu.day.high: found the string \"lots\", expected a quantity of at least 0"),
        ({"loads": [{"cpu": {}}]},
         "spec.loads[0].cpu: found none of them, expected exactly one of constant, steps, day"),
    ],
)  # fmt: skip
def test_faults_are_reported_with_their_place(spec: dict[str, Any], problem: str) -> None:
    with pytest.raises(ManifestError) as raised:
        read(**spec)
    assert str(raised.value) == f"day.yaml: document 2: {problem}"


def test_another_version_is_refused() -> None:
    data = {"apiVersion": "v2", "kind": "Scenario", "spec": {}}
    with pytest.raises(
        ManifestError, match=r'apiVersion: found the string "v2", expected simulation\.kschedcore'
    ):
        read_scenario(Document(data, "day.yaml", 1))
