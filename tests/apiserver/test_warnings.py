"""Warnings about valid objects: what they say, and which writes give them (``pkg/api/pod/warnings.go``)."""

from __future__ import annotations

from typing import Any

import pytest

from kschedcore.client.transport import Request

from .samples import sample
from .server import Server

ZONE = "failure-domain.beta.kubernetes.io/zone"
DEPRECATED = 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead'
EXPRESSION = {"key": ZONE, "operator": "In", "values": ["x y"]}
NULL = "a null labelSelector results in matching no pod"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


@pytest.fixture
def server() -> Server:
    return Server()


def warned(server: Server, method: str, path: str, body: dict[str, Any]) -> tuple[str, ...]:
    response = server.send(Request(method, path, body))
    assert response.code in (200, 201), response.object
    return response.warnings


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ()),
        ({"nodeSelector": {ZONE: "a"}}, (f"spec.nodeSelector[{ZONE}]: {DEPRECATED}",)),
        (
            {"topologySpreadConstraints": [{"topologyKey": ZONE, "maxSkew": 1, "whenUnsatisfiable": "DoNotSchedule"}]},
            (
                f"spec.topologySpreadConstraints[0].topologyKey: {ZONE} is {DEPRECATED}",
                f"spec.topologySpreadConstraints[0].labelSelector: {NULL}",
            ),
        ),
        (
            {"affinity": {"podAffinity": {PREFERRED: [{"weight": 1, "podAffinityTerm": {"topologyKey": "z"}}]}}},
            (f"spec.affinity.podAffinity.{PREFERRED}[0].podAffinityTerm.labelSelector: {NULL}",),
        ),
        (
            {"imagePullSecrets": [{"name": "a"}, {"name": "a"}]},
            ('spec.imagePullSecrets[1].name: duplicate name "a"',),
        ),
        ({"terminationGracePeriodSeconds": -1},
         ("spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1",)),
        (
            {"volumes": [{"name": "v", "gitRepo": {"repository": "r"}}]},
            ("spec.volumes[0].gitRepo: deprecated in v1.11, and disabled by default in v1.33+",),
        ),
    ],
)  # fmt: skip
def test_of_pods(server: Server, changes: dict[str, Any], expected: tuple[str, ...]) -> None:
    made = sample("pods")
    made["spec"].update(changes)
    assert warned(server, "POST", "/api/v1/namespaces/ns/pods", made) == expected


def test_of_containers(server: Server) -> None:
    made = sample("pods")
    variables = [{"name": "A", "value": "1"}, {"name": "A", "value": "$(A)2"}, {"name": "A", "value": "3"}]
    made["spec"]["containers"] = [
        {"name": "a", "image": "i", "env": variables, "ports": [{"containerPort": 80}]},
        {
            "name": "b",
            "image": "i",
            "resources": {"limits": {"memory": "1m"}},
            "ports": [{"containerPort": 80}],
        },
    ]
    assert warned(server, "POST", "/api/v1/namespaces/ns/pods", made) == (
        'spec.containers[0].env[2]: hides previous definition of "A", which may be dropped when using apply',
        'spec.containers[1].resources.limits[memory]: fractional byte value "1m" is invalid, must be an integer',
        'spec.containers[1].resources.requests[memory]: fractional byte value "1m" is invalid, must be an integer',
        "spec.containers[1].ports[0]: duplicate port definition with spec.containers[0].ports[0]",
    )


def test_a_template_is_warned_about_when_it_changes(server: Server) -> None:
    path = "/apis/apps/v1/namespaces/ns/deployments"
    made = sample("deployments")
    made["spec"]["template"]["spec"]["nodeSelector"] = {ZONE: "a"}
    warning = (f"spec.template.spec.nodeSelector[{ZONE}]: {DEPRECATED}",)
    assert warned(server, "POST", path, made) == warning
    found = server.get("deployments", "ns", "x")
    found["metadata"]["labels"] = {"a": "b"}
    assert warned(server, "PUT", f"{path}/x", found) == ()
    found = server.get("deployments", "ns", "x")
    found["spec"]["replicas"] = 3
    assert warned(server, "PUT", f"{path}/x", found) == warning


def test_values_that_no_label_has_are_warned_about_where_they_are_allowed(server: Server) -> None:
    made = sample("pods")
    term = {"weight": 1, "preference": {"matchExpressions": [EXPRESSION]}}
    made["spec"]["affinity"] = {"nodeAffinity": {PREFERRED: [term]}}
    where = f"spec.affinity.nodeAffinity.{PREFERRED}[0].preference.matchExpressions[0]"
    key, value = warned(server, "POST", "/api/v1/namespaces/ns/pods", made)
    assert key == f"{where}.key: {ZONE} is {DEPRECATED}"
    assert value.startswith(f"{where}.values[0]: a valid label must be an empty string or consist of")


def test_of_claims(server: Server) -> None:
    made = sample("persistentvolumeclaims")
    made["spec"]["resources"]["requests"]["storage"] = "1500m"
    assert warned(server, "POST", "/api/v1/namespaces/ns/persistentvolumeclaims", made) == (
        'spec.resources.requests[storage]: fractional byte value "1500m" is invalid, must be an integer',
    )
