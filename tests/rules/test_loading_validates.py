"""Manifests that are created are validated at load as an API server validates them, in pods and in templates."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kschedcore.errors import ManifestError
from kschedcore.manifests.manifests import Manifests

TESTS = Path(__file__).parent.parent
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"

Json = dict[str, Any]

TERM: Json = {
    "topologyKey": "zone",
    "labelSelector": {
        "matchLabels": {"app": "web"},
        "matchExpressions": [{"key": "tier", "operator": "In", "values": ["a", "b"]}],
    },
    "namespaceSelector": {"matchExpressions": [{"key": "team", "operator": "Exists"}]},
}
NODE_TERM: Json = {
    "matchExpressions": [{"key": "cores", "operator": "Gt", "values": ["8"]}],
    "matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n1"]}],
}
PORT: Json = {"containerPort": 80, "hostPort": 8080, "protocol": "TCP"}
CONTAINER: Json = {
    "name": "c",
    "image": "app",
    "resources": {"requests": {"cpu": "250m"}, "limits": {"memory": "1Gi"}},
    "ports": [PORT],
}
SPEC: Json = {
    "containers": [CONTAINER, {**CONTAINER, "name": "d", "ports": [{**PORT, "hostPort": 8081}]}],
    "initContainers": [{**CONTAINER, "name": "i", "ports": [{**PORT, "hostPort": 8082}]}],
    "overhead": {"memory": "10Mi"},
    "resources": {"requests": {"cpu": 1}},
    "nodeSelector": {"disk": "ssd"},
    "affinity": {
        "nodeAffinity": {
            REQUIRED: {"nodeSelectorTerms": [NODE_TERM, NODE_TERM]},
            PREFERRED: [{"weight": 1, "preference": NODE_TERM}],
        },
        "podAffinity": {REQUIRED: [TERM], PREFERRED: [{"weight": 100, "podAffinityTerm": TERM}]},
        "podAntiAffinity": {REQUIRED: [TERM], PREFERRED: [{"weight": 50, "podAffinityTerm": TERM}]},
    },
    "tolerations": [
        {"operator": "Exists"},
        {"key": "a", "value": "b", "effect": "NoExecute", "tolerationSeconds": 3},
    ],
    "topologySpreadConstraints": [
        {
            "maxSkew": 1,
            "minDomains": 2,
            "topologyKey": "zone",
            "whenUnsatisfiable": "DoNotSchedule",
            "labelSelector": {"matchLabels": {"app": "web"}},
            "nodeAffinityPolicy": "Honor",
            "nodeTaintsPolicy": "Ignore",
        }
    ],
    "schedulingGates": [{"name": "example.com/wait"}],
    "preemptionPolicy": "Never",
    "priority": 5,
}
"""Says something of everything."""

WRONG: dict[str, list[Any]] = {
    "cpu": ["1.5.0", "-1", [], True],
    "memory": ["1 Gi", "-1Gi", {}],
    "containerPort": [-1, 65_536, "http"],
    "hostPort": [-1, 65_536, 1.5],
    "protocol": ["tcp", 6],
    "disk": ["a b", "x" * 64, 5, True],
    "app": ["-x", "x" * 64, False],
    "key": ["a b", "/a", "a/b/c", 7],
    "operator": ["Is", "exists", 1],
    "values": ["a", [1], {}],
    "weight": [0, 101, -1, "5"],
    "topologyKey": ["", None],
    "maxSkew": [0, -1, None, "1", 2**31],
    "minDomains": [0, -1, "2"],
    "whenUnsatisfiable": ["", "Never", None],
    "nodeAffinityPolicy": ["honor", 1],
    "nodeTaintsPolicy": ["Obey", False],
    "effect": ["NoRun", "noexecute", 1],
    "tolerationSeconds": ["3", 2**63],
    "preemptionPolicy": ["Always", 0],
    "priority": [2**31, "high", 1.5],
    "name": [None, 1],
}
"""Field -> values that it may not have, wherever it stands; names are free in containers."""


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, list[str | int]]]:
    """Every field of SPEC that has wrong values: its path as messages write it, and the steps to it."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for step, each in items:
        in_map = path.endswith(("requests", "limits", "overhead", "nodeSelector", "matchLabels"))
        here = f"[{step}]" if isinstance(step, int) or in_map else f".{step}"
        if step in WRONG and not (step == "name" and "ontainers" in path):
            yield f"{path}{here}", [step]
        if isinstance(each, dict | list):
            for below, steps in leaves(each, f"{path}{here}"):
                yield below, [step, *steps]


LEAVES = list(leaves(SPEC))


def with_value(steps: list[str | int], value: Any) -> Json:
    spec: Json = json.loads(json.dumps(SPEC))  # where nothing is shared
    holder: Any = spec
    for step in steps[:-1]:
        holder = holder[step]
    holder[steps[-1]] = value
    return spec


def pod(spec: Json) -> Json:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec}


def workload(kind: str, spec: Json) -> Json:
    version = {"Job": "batch/v1", "ReplicationController": "v1"}.get(kind, "apps/v1")
    labels = {"app": "web"}
    own: Json = {"selector": {"matchLabels": labels}}
    if kind == "Job":
        own, spec = {}, {**spec, "restartPolicy": "Never"}
    if kind == "ReplicationController":
        own = {"selector": labels}
    template = {"metadata": {"labels": labels}, "spec": spec}
    return {
        "apiVersion": version,
        "kind": kind,
        "metadata": {"name": "w"},
        "spec": {**own, "template": template},
    }


def test_the_example_is_valid_and_sets_every_field() -> None:
    assert len(Manifests.from_objects([pod(SPEC)]).pending) == 1
    assert {steps[-1] for _, steps in LEAVES} == WRONG.keys()


@given(st.sampled_from(LEAVES), st.data())
def test_one_wrong_field_is_found_wherever_it_is(
    leaf: tuple[str, list[str | int]], data: st.DataObject
) -> None:
    path, steps = leaf
    wrong = data.draw(st.sampled_from(WRONG[str(steps[-1])]))
    spec = with_value(steps, wrong)

    with pytest.raises(ManifestError) as caught:
        Manifests.from_objects([pod(spec)])

    # A key or an operator may make its values the faulty ones; the path of a map stands for its items.
    found, wrong_path = caught.value.path or "", f"spec{path}"
    assert wrong_path.startswith(found) or found.startswith(wrong_path.rpartition(".")[0])


@pytest.mark.parametrize("kind", ["Deployment", "ReplicaSet", "StatefulSet", "Job", "ReplicationController"])
@given(st.sampled_from(LEAVES), st.data())
def test_templates_are_validated_as_pods_are(
    kind: str, leaf: tuple[str, list[str | int]], data: st.DataObject
) -> None:
    steps = leaf[1]
    spec = with_value(steps, data.draw(st.sampled_from(WRONG[str(steps[-1])])))
    with pytest.raises(ManifestError) as of_pod:
        Manifests.from_objects([pod(spec)])
    with pytest.raises(ManifestError) as of_template:
        Manifests.from_objects([workload(kind, spec)])

    assert of_template.value.path == f"spec.template.{of_pod.value.path}"
    assert of_template.value.problem == of_pod.value.problem


def recorded() -> Iterator[tuple[Json, Json]]:
    """Objects that were sent to be created, with the API server's answers.

    The family ``limitrange`` is left out: its faults depend on limits that admission adds first. So are claims of
    devices with admin access, which depends on labels of the namespace.
    """
    for file in sorted(set(TESTS.glob("*/recordings/*.jsonl.gz")) - set(TESTS.glob("*/*/limitrange*"))):
        for line in gzip.decompress(file.read_bytes()).splitlines():
            for step in json.loads(line)["steps"]:
                request = step.get("request", {})
                is_object = isinstance(request.get("body"), dict) and "metadata" in request["body"]
                if is_object and "adminAccess" in str(request["body"]):
                    continue
                if request.get("method") == "POST" and is_object and request["body"]["metadata"].get("name"):
                    yield request["body"], step["response"]


def test_manifests_that_a_real_api_server_accepted_load() -> None:
    accepted = [body for body, response in recorded() if response["code"] == 201]

    assert len(accepted) > 500
    for body in accepted:
        Manifests.from_objects([body])


def test_manifests_that_a_real_api_server_found_invalid_do_not_load() -> None:
    refused = [(body, response["body"]) for body, response in recorded() if response["code"] == 422]

    assert len(refused) > 50
    for body, status in refused:
        with pytest.raises(ManifestError) as caught:
            Manifests.from_objects([body])
        assert caught.value.path in {cause["field"] for cause in status["details"]["causes"]}
