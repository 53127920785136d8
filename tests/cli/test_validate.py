"""``--validate``: fields that do not exist, as kubectl treats them."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.conftest import Run

DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  %s
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: c
        image: i
        %s
"""
COMMANDS = ("schedule", "fit", "explain web-0", "simulate --duration 1m", "extender")


def deployment(field: str = "replicas: 1", container: str = "resources: {}") -> None:
    Path("web.yaml").write_text(DEPLOYMENT % (field, container))


@pytest.mark.parametrize(
    ("field", "container", "line", "problem"),
    [
        ("replcas: 3", "tty: true", 5, 'unknown field "spec.replcas", did you mean replicas?'),
        ("Replicas: 3", "tty: true", 5, 'unknown field "spec.Replicas", did you mean replicas?'),
        (
            "nodeSelector: {a: b}",
            "tty: true",
            5,
            'unknown field "spec.nodeSelector", did you mean spec.template.spec.nodeSelector?',
        ),
        (
            "replicas: 1",
            "resource: {requests: {cpu: 1}}",
            13,
            'unknown field "spec.template.spec.containers[0].resource", did you mean resources?',
        ),
        ("replicas: 1", "frobnicate: 1", 13, 'unknown field "spec.template.spec.containers[0].frobnicate"'),
    ],
)
@pytest.mark.parametrize("name", COMMANDS)
def test_strict_is_the_default(
    command: Run, name: str, field: str, container: str, line: int, problem: str
) -> None:
    deployment(field, container)
    result = command(f"{name} -f cluster.yaml -f web.yaml")
    assert (result.status, result.out) == (2, "")
    assert result.err == f"error: web.yaml: document 1: line {line}: Deployment default/web: {problem}\n"


def test_every_unknown_field_is_named(command: Run) -> None:
    deployment("replcas: 3", "resource: {}")
    message = command("schedule -f cluster.yaml -f web.yaml").err
    assert 'unknown field "spec.replcas", did you mean replicas?; unknown field "spec.template.' in message


def test_an_unknown_field_is_named_before_what_its_absence_breaks(command: Run) -> None:
    Path("pod.yaml").write_text("{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {contaners: []}}\n")
    message = command("schedule -f cluster.yaml -f pod.yaml").err
    assert message.endswith('Pod default/p: unknown field "spec.contaners", did you mean containers?\n')


@pytest.mark.parametrize("name", [*COMMANDS[:3], COMMANDS[3]])
def test_warn(command: Run, name: str) -> None:
    deployment("replcas: 3")
    result = command(f"{name} -f cluster.yaml -f web.yaml --validate=warn")
    assert result.status == 0
    assert result.err.startswith("warning: web.yaml: Deployment ")
    assert 'unknown field "spec.replcas", did you mean replicas?\n' in result.err


@pytest.mark.parametrize("value", ["ignore", "false"])
def test_ignore(command: Run, value: str) -> None:
    deployment("replcas: 3")
    result = command(f"schedule -f cluster.yaml -f web.yaml --validate={value}")
    assert (result.status, result.err) == (0, "")


def test_true_is_strict_and_others_are_refused(command: Run) -> None:
    deployment("replcas: 3")
    assert command("schedule -f cluster.yaml -f web.yaml --validate=true").status == 2
    result = command("schedule -f cluster.yaml --validate=maybe")
    message = "error: --validate maybe: expected strict (or true), warn, ignore (or false)\n"
    assert (result.status, result.err) == (2, message)


@pytest.mark.parametrize("name", ["schedule", "simulate --duration 1m"])
def test_objects_that_exist_are_never_checked(command: Run, name: str) -> None:
    """A dump of a newer version has fields that this one does not know."""
    Path("dump.yaml").write_text(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p, uid: u, invented: 1}\n"
        "spec: {invented: 1, nodeName: web-a1, containers: [{name: c, image: i, invented: 1}]}\n"
        "status: {phase: Running, invented: 1}\n---\n"
        "apiVersion: v1\nkind: Node\nmetadata: {name: spare}\nspec: {invented: 1}\n"
        "status: {allocatable: {cpu: 1, memory: 1Gi, pods: 9}, invented: 1}\n"
    )
    result = command(f"{name} -f cluster.yaml -f app.yaml -f dump.yaml")
    assert result.status == 0
    assert "invented" not in result.err


def test_custom_resources_are_not_checked(command: Run) -> None:
    Path("custom.yaml").write_text(
        "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: t}\nspec: {anything: 1}\n"
    )
    result = command("schedule -f cluster.yaml -f app.yaml -f custom.yaml")
    assert (result.status, result.err) == (0, "not considered: 1 Thing\n")


@pytest.mark.parametrize("name", ["schedule", "fit", "simulate --duration 1m"])
def test_units_that_look_wrong_are_warned_about(command: Run, name: str) -> None:
    deployment(container="resources: {requests: {memory: 512m, cpu: 500M}}")
    result = command(f"{name} -f cluster.yaml -f web.yaml")
    assert result.err.startswith("warning: web.yaml: Deployment ")
    assert "requests.memory: 512m is thousandths of a byte; did you mean 512Mi?" in result.err
    assert "requests.cpu: 500M is 500,000,000 cores; did you mean 500m?" in result.err
