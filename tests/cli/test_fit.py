"""``kschedcore fit``: the verdict as an exit status, and how many more."""

from __future__ import annotations

import pytest
from tests.cli.conftest import Run

ALL = "fit -f cluster.yaml -f app.yaml"
ONE = """
apiVersion: v1
kind: Node
metadata: {name: only}
status: {allocatable: {cpu: "2", memory: 4Gi, pods: "5"}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: small}
spec:
  replicas: 2
  selector: {matchLabels: {app: small}}
  template:
    metadata: {labels: {app: small}}
    spec: {containers: [{name: c, image: i, resources: {requests: {cpu: %s, memory: %s}}}]}
"""


def test_what_fits_exits_with_0(command: Run) -> None:
    result = command(f"{ALL} -l app=web")
    assert (result.status, result.err) == (0, "")
    assert result.out.startswith("fits: 4 of 4 pods placed\n")


def test_pods_that_do_not_fit_exit_with_1_and_reasons(command: Run) -> None:
    result = command(ALL)
    assert (result.status, result.err) == (1, "")
    assert result.out.startswith("does not fit: 6 of 10 pods placed\nshop/report: 0/6 nodes are available: ")


def test_what_cannot_be_read_exits_with_2(command: Run) -> None:
    assert command("fit -f -", stdin="kind: Pod\n").status == 2


@pytest.mark.parametrize(
    ("cpu", "memory", "more", "limit"),
    [
        ("500m", "64Mi", 2, "Insufficient cpu (1 node)"),
        ("100m", "1Gi", 2, "Insufficient memory (1 node)"),
        ("100m", "64Mi", 3, "Too many pods (1 node)"),
    ],
)
def test_it_counts_how_many_more_and_what_runs_out(
    command: Run, cpu: str, memory: str, more: int, limit: str
) -> None:
    result = command("fit -f - --no-headers", stdin=ONE % (cpu, memory))
    assert result.out.splitlines()[-1].split(maxsplit=4) == [
        "default/deployment/small",
        "2",
        "2",
        str(more),
        limit,
    ]
    document = command("fit -f - -o json", stdin=ONE % (cpu, memory)).json()
    [workload] = document["workloads"]
    assert (document["kind"], document["fits"], workload["more"]) == ("FitResult", True, more)
    assert limit.rpartition(" (")[0] in workload["limiting"]


def test_what_runs_out_comes_before_what_never_fitted(command: Run) -> None:
    rows = {row[0]: row for row in command(ALL).lines if row[:1] and row[0].startswith("shop/")}
    assert rows["shop/statefulset/db"][4:] == ["Insufficient", "memory", "(1", "node)"]


def test_more_is_exactly_where_the_verdict_turns(command: Run) -> None:
    stdin = ONE % ("300m", "64Mi")
    [workload] = command("fit -f - -o json", stdin=stdin).json()["workloads"]
    most = 2 + workload["more"]
    assert command(f"fit -f - --replicas small={most}", stdin=stdin).status == 0
    assert command(f"fit -f - --replicas small={most + 1}", stdin=stdin).status == 1


def test_names_are_those_of_pods_that_do_not_fit(command: Run) -> None:
    result = command(f"{ALL} -o name")
    assert (result.status, len(result.out.split())) == (1, 4)
    assert "pod/report" in result.out.split()
    assert command(f"{ALL} -l app=web -o name").out == ""


def test_a_workload_s_pods_are_one_row(command: Run) -> None:
    workloads = {each["name"]: each for each in command(f"{ALL} -o json").json()["workloads"]}
    assert {name: (each["pods"], each["placed"]) for name, each in workloads.items()} == {
        "shop/deployment/web": (4, 4),
        "shop/statefulset/db": (2, 1),
        "shop/job/train": (2, 1),
        "shop/pod/report": (1, 0),
        "shop/pod/migrate": (1, 0),
    }
    assert [each["name"] for each in workloads["shop/pod/report"]["unschedulable"]] == ["report"]
    assert workloads["shop/job/train"]["more"] == 0


def test_nothing_to_place_is_reported(command: Run) -> None:
    result = command(f"{ALL} -l app=nothing")
    assert (result.status, result.out) == (2, "")
    assert result.err == "error: -l app=nothing: selects no pending pod\n"
    result = command("fit -f cluster.yaml")
    assert (result.status, result.out) == (2, "")
    assert result.err.endswith("error: nothing to fit: the manifests hold no pending pods and no workloads\n")


def test_lone_pods_that_are_alike_share_a_row(command: Run) -> None:
    pods = "".join(
        f"---\n{{apiVersion: v1, kind: Pod, metadata: {{name: {name}, labels: {{app: {app}}}}},"
        " spec: {containers: [{name: c, image: i, resources: {requests: {cpu: 1m}}}]}}\n"
        for name, app in (("a", "web"), ("b", "db"), ("c", "web"))
    )
    workloads = command("fit -f cluster.yaml -f - -o json", stdin=pods).json()["workloads"]
    assert {each["name"]: each["pods"] for each in workloads} == {"default/pod/a": 2, "default/pod/b": 1}
