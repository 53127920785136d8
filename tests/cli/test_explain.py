"""``kschedcore explain POD``: verdicts and scores of every node."""

from __future__ import annotations

import yaml
from tests.cli.conftest import Run

WEB = "explain web-0 -f cluster.yaml -f app.yaml"
FEASIBLE = {"web-a1", "web-a2", "web-b1"}


def test_every_node_is_either_scored_or_rejected(command: Run) -> None:
    result = command(f"{WEB} --all")
    assert (result.status, result.err) == (0, "")
    headline, scores, rejections = result.out.split("\n\n")
    assert headline == "shop/web-0 goes to web-b1 (score 846); 3 of 6 nodes fit"
    assert {line.split()[0] for line in scores.splitlines()[1:]} == FEASIBLE
    rejected = {line.split()[0]: line.split()[1] for line in rejections.splitlines()[1:]}
    assert rejected == {
        "db-b1": "TaintToleration",
        "gpu-a1": "TaintToleration",
        "web-b2": "NodeUnschedulable",
    }


def test_scores_add_up_to_the_total(command: Run) -> None:
    for row in command(WEB).out.split("\n\n")[1].splitlines()[1:]:
        _, total, *scores = row.split()
        assert int(total) == sum(map(int, scores))


def test_nodes_are_sorted_by_the_flag(command: Run) -> None:
    def order(flags: str) -> list[str]:
        return command(f"{WEB} -o name {flags}").out.split()

    assert order("") == order("--sort-by total") == ["node/web-b1", "node/web-a1", "node/web-a2"]
    assert order("--sort-by name") == ["node/web-a1", "node/web-a2", "node/web-b1"]
    assert order("--sort-by NodeResourcesBalancedAllocation")[0] == "node/web-a2"


def test_wide_shows_how_a_score_came_about(command: Run) -> None:
    header, *rows = command(f"{WEB} -o wide").out.split("\n\n")[1].splitlines()
    column = header.split().index("NodeAffinity")
    assert {row.split()[0]: row.split()[column] for row in rows}["web-b1"] == "10/100/200"


def test_a_pod_that_fits_nowhere_has_reasons(command: Run) -> None:
    result = command("explain report -f cluster.yaml -f app.yaml --all")
    assert result.status == 0
    headline, rejections = result.out.split("\n\n")
    assert headline.startswith("shop/report: 0/6 nodes are available: ")
    assert len(rejections.splitlines()) == 1 + 6


def test_a_pod_rejected_before_any_node_is_filtered(command: Run) -> None:
    line = "explain migrate -f cluster.yaml -f app.yaml"
    assert "waiting for scheduling gates: [shop.example.com/database-ready]" in command(line).out
    assert command(f"{line} -o json").json()["preFilter"]["plugin"] == "SchedulingGates"


def test_the_document_has_every_number(command: Run) -> None:
    document = command(f"{WEB} -o json").json()
    assert (document["apiVersion"], document["kind"]) == ("kschedcore.dev/v1alpha1", "Explanation")
    assert [node["name"] for node in document["nodes"]] == ["web-b1", "web-a1", "web-a2"]
    for node in document["nodes"]:
        assert node["total"] == sum(score["weighted"] for score in node["scores"].values())
    assert document["rejected"]["web-b2"]["reasons"] == ["node(s) were unschedulable"]
    assert yaml.safe_load(command(f"{WEB} -o yaml").out) == document


def test_a_pod_is_named_with_or_without_its_namespace(command: Run) -> None:
    expected = command(WEB).out
    for name in ("shop/web-0", "pod/web-0", "web-0 -n shop"):
        assert command(f"explain {name} -f cluster.yaml -f app.yaml").out == expected


def test_a_name_in_two_namespaces_is_ambiguous(command: Run) -> None:
    twins = "".join(
        f"---\n{{apiVersion: v1, kind: Pod, metadata: {{name: twin, namespace: {namespace}}},"
        " spec: {containers: [{name: c, image: i}]}}\n"
        for namespace in ("a", "b")
    )
    result = command("explain twin -f cluster.yaml -f -", stdin=twins)
    assert result.status == 2
    assert result.err == "error: pod 'twin' is in several namespaces (a, b): say which with -n\n"
    assert command("explain twin -n b -f cluster.yaml -f -", stdin=twins).out.startswith("b/twin goes to ")


def test_a_bound_pod_is_explained_as_if_it_had_no_node(command: Run) -> None:
    document = command("explain prometheus-0 -f cluster.yaml -o json").json()
    scores = {node["name"]: node["total"] for node in document["nodes"]}
    assert set(scores) == FEASIBLE
    empty = command("explain prometheus-0 -n monitoring -f cluster.yaml -o json").json()
    assert empty == document
    assert scores["web-a2"] == max(scores.values())  # nothing else is there once it has left


class TestLargeClusters:
    """Equal rejections share a line, and the best few nodes are shown."""

    def nodes(self, count: int, cpu: str, prefix: str) -> str:
        return "".join(
            f"---\n{{apiVersion: v1, kind: Node, metadata: {{name: {prefix}{number:02}}}, "
            f"status: {{allocatable: {{cpu: {cpu}, memory: 8Gi, pods: 9}}}}}}\n"
            for number in range(count)
        )

    def pod(self, namespace: str = "default") -> str:
        return (
            f"---\n{{apiVersion: v1, kind: Pod, metadata: {{name: p, namespace: {namespace}}}, "
            "spec: {containers: [{name: c, image: i, resources: {requests: {cpu: 2}}}]}}\n"
        )

    def test_equal_rejections_share_a_line(self, command: Run) -> None:
        text = self.pod() + self.nodes(12, "4", "big") + self.nodes(30, "1", "small")
        result = command("explain p -f -", stdin=text)
        _, scores, more, rejections = result.out.split("\n\n")
        assert len(scores.splitlines()) == 1 + 10
        assert more == "2 more feasible nodes; --all shows them"
        assert [line.split() for line in rejections.splitlines()] == [
            ["NODES", "REJECTED", "BY", "REASONS", "SUCH", "AS"],
            ["30", "NodeResourcesFit", "Insufficient", "cpu", "small00,", "small01,", "small02,", "…"],
        ]

    def test_all_shows_every_node(self, command: Run) -> None:
        text = self.pod() + self.nodes(12, "4", "big") + self.nodes(30, "1", "small")
        _, scores, rejections = command("explain p -f - --all", stdin=text).out.split("\n\n")
        assert (len(scores.splitlines()), len(rejections.splitlines())) == (13, 31)

    def test_every_namespace(self, command: Run) -> None:
        text = self.pod("shop") + self.nodes(1, "4", "big")
        assert command("explain p -f - -n other", stdin=text).status == 2
        assert command("explain p -f - -n other -A", stdin=text).status == 0
        assert command("explain shop/p -f -", stdin=text).status == 0
