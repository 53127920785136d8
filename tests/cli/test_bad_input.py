"""Bad input is ``error: …`` and status 2, whatever it is; and what Kubernetes takes is taken."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Run

SCENARIO = {"apiVersion": "simulation.kschedcore.dev/v1alpha1", "kind": "Scenario"}
POD = {"apiVersion": "v1", "kind": "Pod"}


def refused(result: Any, problem: str) -> None:
    assert (result.status, result.out) == (2, "")
    assert result.err.startswith("error: ")
    assert problem in result.err
    assert result.err.count("\n") == 1


class TestManifests:
    NODE = """
apiVersion: v1
kind: Node
metadata: {name: node-1}
status: {allocatable: {cpu: 4, memory: 8Gi, pods: 5e0}, images: [{names: ["i:1"], sizeBytes: 5e7}]}
"""

    def test_integral_floats_are_integers(self, command: Run) -> None:
        """kubectl writes 5e7 as 50000000, from YAML and JSON alike."""
        Path("node.yaml").write_text(self.NODE)
        assert command("schedule -f node.yaml -f app.yaml").status == 0
        Path("node.json").write_text(
            '{"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-1"},'
            ' "status": {"allocatable": {"cpu": 4}, "images": [{"names": ["i:1"], "sizeBytes": 5e7}]}}'
        )
        assert command("schedule -f node.json -f app.yaml").status == 0

    @pytest.mark.parametrize("size", ["5.5", "1e30", "18446744073709551616", "true", "abc"])
    def test_other_numbers_are_refused(self, command: Run, size: str) -> None:
        Path("node.yaml").write_text(self.NODE.replace("5e7", size))
        refused(command("schedule -f node.yaml -f app.yaml"), "status.images[0].sizeBytes: found ")

    @pytest.mark.parametrize("count", ["2147483647", "1000001"])
    @pytest.mark.parametrize(("kind", "field"), [("Deployment", "replicas"), ("Job", "parallelism")])
    def test_pods_without_number(self, command: Run, kind: str, field: str, count: str) -> None:
        if kind == "Job":
            head, selector, policy = "apiVersion: batch/v1", "", "Never"
        else:
            head, selector, policy = "apiVersion: apps/v1", "selector: {matchLabels: {a: b}}, ", "Always"
        Path("many.yaml").write_text(
            f"{head}\nkind: {kind}\nmetadata: {{name: web}}\nspec: {{{field}: {count}, {selector}template: "
            f"{{metadata: {{labels: {{a: b}}}}, spec: {{restartPolicy: {policy}, "
            "containers: [{name: c, image: i}]}}}\n"
        )
        problem = f"{kind} web: spec.{field} is {count}: the workloads have more than 1,000,000 pods"
        for line in (
            "schedule -f cluster.yaml -f many.yaml",
            "simulate -f cluster.yaml -f many.yaml --duration 1m",
        ):
            refused(command(line), problem)

    def test_lone_surrogates_are_replaced(self, command: Run) -> None:
        """As Go's decoder does."""
        pod = {**POD, "metadata": {"name": "p", "annotations": {"a": "\ud800"}}, "spec": {"containers": []}}
        Path("pod.json").write_text(json.dumps(pod) + json.dumps({**pod, "metadata": {"name": "\udfff"}}))
        result = command("schedule -f cluster.yaml -f pod.json")
        assert result.status == 2
        assert "internal error" not in result.err

    @pytest.mark.parametrize("depth", [500, 100_000])
    def test_deep_objects(self, command: Run, depth: int) -> None:
        Path("deep.json").write_text('{"a":' * depth + "1" + "}" * depth)
        result = command("schedule -f cluster.yaml -f deep.json")
        assert result.status == 2
        assert result.err.startswith("error: deep.json: ")


class TestConfigurations:
    @pytest.mark.parametrize("depth", [500, 3000])
    def test_deep_configurations(self, command: Run, depth: int) -> None:
        nested = '{"a":' * depth + "1" + "}" * depth
        Path("config.json").write_text(
            '{"apiVersion": "kubescheduler.config.k8s.io/v1", "kind": "KubeSchedulerConfiguration", "profiles": '
            f'[{{"pluginConfig": [{{"name": "Own", "args": {nested}}}]}}]}}'
        )
        result = command("schedule -f cluster.yaml -f app.yaml --config config.json")
        assert (result.status, result.err.count("\n")) == (2, 1)
        assert result.err.startswith("error: config.json: ")

    def test_text_where_a_map_belongs(self, command: Run) -> None:
        Path("config.yaml").write_text(
            "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\nprofiles: text\n"
        )
        refused(
            command("schedule -f cluster.yaml --config config.yaml"), "profiles: Expected `array`, got `str`"
        )


class TestScenarios:
    def scenario(self, **spec: Any) -> str:
        Path("day.json").write_text(json.dumps({**SCENARIO, "spec": spec}))
        return "simulate -f cluster.yaml -f app.yaml -f day.json --duration 1m"

    @pytest.mark.parametrize(
        ("template", "problem"),
        [
            ({"metadata": 5}, "template.metadata: found the number 5, expected an object"),
            (
                {"metadata": {"labels": "x"}},
                'template.metadata.labels: found the string "x", expected an object',
            ),
            ({"spec": "x"}, 'template.spec: found the string "x", expected an object'),
            (
                {"spec": {"containers": {}}},
                "template.spec.containers: found an object, expected a list of objects",
            ),
            (
                {"spec": {"containers": [5]}},
                "template.spec.containers: found a list, expected a list of objects",
            ),
            ({"kind": {}}, "template.kind: found an object, expected a Pod of v1 or a Job of batch/v1"),
        ],
    )
    def test_templates(self, command: Run, template: Any, problem: str) -> None:
        arrivals = {"name": "a", "template": {**POD, **template}, "every": {"constant": "10s"}}
        refused(command(self.scenario(arrivals=[arrivals])), f"spec.arrivals[0].{problem}")

    def test_labels_that_are_numbers(self, command: Run) -> None:
        """An unquoted ``version: 5``."""
        template = {
            **POD,
            "metadata": {"labels": {"version": 5}},
            "spec": {"containers": [{"name": "c", "image": "i"}]},
        }
        arrivals = {"name": "a", "template": template, "every": {"constant": "10s"}}
        result = command(self.scenario(arrivals=[arrivals]))
        assert result.status == 2
        assert result.err.startswith("error: ")
        assert "internal error" not in result.err

    @pytest.mark.parametrize(
        ("spec", "problem"),
        [
            (
                {"steps": [{"at": "999999999h", "delete": ["pod/a"]}]},
                "expected a span of time of at most 200 years",
            ),
            (
                {"steps": [{"at": 1, "scale": {"target": "deployment/web", "replicas": 2147483647}}]},
                "expected an integer",
            ),
            ({"steps": [{"at": 1, "addNodes": {"like": "web-a1", "count": 2**62}}]}, "expected an integer"),
            (
                {"steps": [{"every": 1, "grow": {"target": "deployment/web", "percent": 1e300}}]},
                "expected a number",
            ),
            (
                {"behaviours": [{"match": {"labels": {"version": 5}}}]},
                "found the number 5, expected a string",
            ),
        ],
    )
    def test_huge_spans_and_counts(self, command: Run, spec: Any, problem: str) -> None:
        refused(command(self.scenario(**spec)), problem)

    def test_spans_beyond_any_simulation(self, command: Run) -> None:
        every = {"lognormal": {"median": "73050d", "sigma": 1000}}
        template = {**POD, "spec": {"containers": [{"name": "c", "image": "i"}]}}
        arrivals = {"name": "a", "template": template, "every": every, "lifetime": every}
        assert command(self.scenario(arrivals=[arrivals])).status == 0
