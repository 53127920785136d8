"""``kschedcore schedule``, from manifests to what is printed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from tests.cli.conftest import DATA, Run

ALL = "schedule -f cluster.yaml -f app.yaml"


def test_every_pending_pod_has_a_line_and_every_refusal_its_reason(command: Run) -> None:
    result = command(ALL)
    assert (result.status, result.err) == (0, "")
    placements, refusals, utilisation = result.out.split("\n\n")
    rows = [line.split() for line in placements.splitlines()]
    assert rows[0] == ["NAMESPACE", "NAME", "NODE", "SCORE", "FEASIBLE"]
    assert rows[1] == ["shop", "report", "<none>", "-", "0"]  # the highest priority is tried first
    assert {row[1].partition("-")[0] for row in rows[1:]} == {"report", "web", "db", "train", "migrate"}
    assert refusals.startswith("6 of 10 pods placed\n")
    assert "shop/report: 0/6 nodes are available: " in refusals
    assert "3 Insufficient cpu" in refusals
    assert utilisation.splitlines()[1].split() == ["cpu", "39.3", "7.2", "(18%)", "17.4", "(44%)"]


def test_a_sidecar_and_a_taint_count(command: Run) -> None:
    nodes = {row[1]: row[2] for row in command(f"{ALL} --no-headers").lines if len(row) == 5}
    databases = {node for name, node in nodes.items() if name.startswith("db-")}
    assert databases == {"db-b1", "<none>"}


def test_the_document_agrees_with_the_table(command: Run) -> None:
    document = command(f"{ALL} -o json").json()
    assert (document["apiVersion"], document["kind"]) == ("kschedcore.dev/v1alpha1", "ScheduleResult")
    assert (document["placed"], document["unschedulable"]) == (6, 4)
    rows = [row for row in command(ALL).lines if row[:1] == ["shop"] and len(row) == 5]
    placed = [[each["namespace"], each["name"], each["node"] or "<none>"] for each in document["decisions"]]
    assert placed == [row[:3] for row in rows]
    report = document["decisions"][0]
    assert report["reasons"]["Insufficient cpu"] == 3
    assert document["utilisation"]["nvidia.com/gpu"] == {"allocatable": 2, "before": 1, "after": 2}


def test_yaml_and_json_are_one_document(command: Run) -> None:
    assert yaml.safe_load(command(f"{ALL} -o yaml").out) == command(f"{ALL} -o json").json()


def test_names_are_those_of_placed_pods(command: Run) -> None:
    printed = command(f"{ALL} -o name").out.splitlines()
    assert len(printed) == 6
    assert all(re.fullmatch(r"pod/(web|db|train)-\w+(-\w+)*", line) for line in printed)


def test_wide_adds_columns_and_changes_nothing_else(command: Run) -> None:
    rows, wide = command(ALL).lines, command(f"{ALL} -o wide").lines
    assert [row[:5] for row in wide[:11]] == rows[:11]
    assert wide[0][5:] == ["TIES", "NOMINATED", "VICTIMS"]


def test_no_headers_leaves_the_rows(command: Run) -> None:
    printed = command(f"{ALL} --no-headers").out
    assert "NAMESPACE" not in printed
    assert "ALLOCATABLE" not in printed
    assert len(printed.splitlines()) == len(command(ALL).out.splitlines()) - 2


def test_replicas_override_all_workloads_or_one(command: Run) -> None:
    def counts(flags: str) -> dict[str, int]:
        names = [row[1] for row in command(f"{ALL} --no-headers {flags}").lines if len(row) == 5]
        return {kind: sum(name.startswith(f"{kind}-") for name in names) for kind in ("web", "db", "train")}

    assert counts("") == {"web": 4, "db": 2, "train": 2}
    # db-1 has no node, so its StatefulSet does not create db-2.
    assert counts("--replicas 3") == {"web": 3, "db": 2, "train": 3}
    assert "default/db-2: not created: waits for db-1" in command(f"{ALL} --replicas 3").out.replace(
        "shop/", "default/"
    )
    assert counts("--replicas web=7") == {"web": 7, "db": 2, "train": 2}
    assert counts("--replicas 1 --replicas web=0") == {"web": 0, "db": 1, "train": 1}


def test_selectors_and_namespaces_narrow_what_is_placed(command: Run) -> None:
    assert len(command(f"{ALL} -l app=web -o name").out.splitlines()) == 4
    assert len(command(f"{ALL} -l 'app in (web, db)' -o name").out.splitlines()) == 5
    assert command(f"{ALL} -n elsewhere -o name").err == "error: -n elsewhere: selects no pending pod\n"


def test_manifests_come_from_folders_and_standard_input(command: Run) -> None:
    expected = command(ALL).out
    assert command("schedule -f .").out == expected.replace("\n\n", "\n\n")
    assert command("schedule -f cluster.yaml -f -", stdin=(DATA / "app.yaml").read_text()).out == expected


def test_random_ties_repeat_with_their_seed(command: Run) -> None:
    line = "schedule -f cluster.yaml -f app.yaml --tie-break random"
    assert command(f"{line} --seed 7").out == command(f"{line} --seed 7").out
    assert command(f"{line} --seed 7").status == 0


def test_pods_that_share_a_reason_share_a_line(command: Run) -> None:
    refusals = command(f"{ALL} --replicas train=4").out.split("\n\n")[1]
    assert re.search(r"^shop/train-\w+ and 2 more: 0/6 nodes are available", refusals, re.MULTILINE)


def test_a_configuration_changes_the_scores(command: Run) -> None:
    config = {
        "apiVersion": "kubescheduler.config.k8s.io/v1",
        "kind": "KubeSchedulerConfiguration",
        "profiles": [
            {"plugins": {"score": {"disabled": [{"name": "*"}], "enabled": [{"name": "ImageLocality"}]}}}
        ],
    }
    with open("config.yaml", "w") as file:
        yaml.safe_dump(config, file)
    rows = [row for row in command(f"{ALL} --config config.yaml --no-headers").lines if row[:1] == ["shop"]]
    assert max(int(score) for _, _, _, score, _ in rows if score != "-") <= 100


class TestConfigurationAmongManifests:
    """It may name extenders, to which every pod would be sent: it is followed if the command line names it."""

    CONFIG = (
        "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n"
        "extenders: [{urlPrefix: 'http://127.0.0.1:9', filterVerb: filter}]\n"
    )

    @pytest.mark.parametrize(
        "line",
        [
            "schedule -f cluster.yaml -f app.yaml -f config.yaml",
            "fit -f cluster.yaml -f app.yaml -f config.yaml",
            "explain web-0 -f cluster.yaml -f app.yaml -f config.yaml",
            "simulate -f cluster.yaml -f app.yaml -f config.yaml --duration 1m",
        ],
    )
    def test_it_is_not_followed(self, command: Run, line: str) -> None:
        Path("config.yaml").write_text(self.CONFIG)
        result = command(line)
        assert result.status in (0, 1)
        assert result.err == (
            "note: the KubeSchedulerConfiguration among the manifests is not followed; name its file with --config\n"
        )
        assert "extender" not in result.out

    def test_it_is_followed_when_named(self, command: Run) -> None:
        Path("config.yaml").write_text(self.CONFIG)
        result = command("schedule -f cluster.yaml -f app.yaml -f config.yaml --config config.yaml")
        assert "extender http://127.0.0.1:9: filter: " in result.out
        assert result.err == ""
