"""NodeDeclaredFeatures: pods go where ``status.declaredFeatures`` has what they need (KEP-5328)."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from tests.builders import container, node, pod

from kschedcore.api.machinery.changes import Change
from kschedcore.api.objects import Pod
from kschedcore.engine.engine import Engine
from kschedcore.engine.events import QueueingHints
from kschedcore.engine.plugins.node_declared_features import NodeDeclaredFeatures
from kschedcore.errors import UsageError

RESTART_ALL = "RestartAllContainersOnContainerExits"
HOST_NETWORK = "UserNamespacesHostNetworkSupport"
MESSAGE = "0/1 nodes are available: 1 node(s) didn't match Pod's required features."


def declaring(name: str, *features: str) -> Any:
    made = node(name)
    made["status"]["declaredFeatures"] = [*features]
    return made


def restarting(kind: str = "containers") -> Any:
    """A pod with a container whose exit restarts all (KEP-5532)."""
    made = pod("p")
    rule = {"action": "RestartAllContainers", "exitCodes": {"operator": "In", "values": [42]}}
    made["spec"].setdefault(kind, [container()])[0].update(restartPolicy="Never", restartPolicyRules=[rule])
    return made


def on_host_network(**spec: Any) -> Any:
    made = pod("p")
    made["spec"] |= {"hostNetwork": True, **spec}
    return made


@pytest.mark.parametrize(
    ("wanting", "feature"),
    [
        (restarting(), RESTART_ALL),
        (restarting("initContainers"), RESTART_ALL),
        (on_host_network(hostUsers=False), HOST_NETWORK),
    ],
)
def test_a_pod_goes_to_a_node_that_declares_what_it_needs(wanting: Any, feature: str) -> None:
    engine = Engine()
    engine.set_node(declaring("a", "Other"))
    decision = engine.decide(wanting)
    assert decision.node is None
    assert decision.message.startswith(MESSAGE)
    engine.set_node(declaring("b", "Other", feature))
    assert engine.decide(wanting).node == "b"


@pytest.mark.parametrize(
    "plain", [pod("p"), on_host_network(), on_host_network(hostUsers=True)], ids=["plain", "host", "users"]
)
def test_other_pods_go_anywhere(plain: Any) -> None:
    engine = Engine()
    engine.set_node(node("a"))
    assert engine.decide(plain).node == "a"


@pytest.mark.parametrize(
    "options",
    [{"kubernetes": "1.34"}, {"feature_gates": {"NodeDeclaredFeatures": False}}],
    ids=["v1.34", "gate"],
)
def test_without_the_gate_nodes_need_declare_nothing(options: Any) -> None:
    engine = Engine(**options)
    engine.set_node(node("a"))
    assert engine.decide(restarting()).node == "a"


def test_a_rejection_cannot_be_resolved_by_preemption() -> None:
    engine = Engine()
    engine.set_node(node("a"))
    rejection = engine.explain(restarting()).verdicts["a"]
    assert rejection is not None
    assert (rejection.plugin, rejection.code) == ("NodeDeclaredFeatures", "UnschedulableAndUnresolvable")


def test_what_a_node_declares_may_change() -> None:
    engine = Engine()
    engine.set_node(declaring("a", RESTART_ALL))
    assert engine.decide(restarting()).node == "a"
    with engine.what_if():
        engine.set_node(node("a"))
        assert engine.decide(restarting()).node is None
    assert engine.decide(restarting()).node == "a"
    engine.remove_node("a")
    engine.set_node(node("a"))
    assert engine.decide(restarting()).node is None


def test_tables_have_what_nodes_declare() -> None:
    engine = Engine()
    for each in (declaring("a", "Other"), declaring("b", RESTART_ALL, "Other"), node("c")):
        engine.set_node(each)
    table = pl.DataFrame(engine.nodes())
    assert table["declaredFeatures"].to_list() == [["Other"], ["Other", RESTART_ALL], []]
    copy = Engine()
    copy.add_nodes(table)
    assert copy.decide(restarting()).node == "b"
    copy.add_nodes(table.with_columns(declaredFeatures=pl.lit(None)))
    assert copy.decide(restarting()).node is None


def test_features_in_a_table_are_lists_of_strings() -> None:
    with pytest.raises(UsageError, match="declaredFeatures"):
        Engine().add_nodes(pl.DataFrame({"name": ["a"], "declaredFeatures": [1]}))


def test_only_changes_of_what_nodes_declare_help() -> None:
    hints = QueueingHints({"s": [NodeDeclaredFeatures(NodeDeclaredFeatures.args_type())]})

    def helps(old: Any, new: Any) -> bool:
        subject = Pod(metadata={})  # type: ignore[arg-type]
        return hints.may_help("s", "NodeDeclaredFeatures", "nodes", Change(old, new), subject)

    assert helps(None, node("a"))
    assert helps(node("a"), declaring("a", RESTART_ALL))
    assert not helps(declaring("a", RESTART_ALL), declaring("a", RESTART_ALL))
    assert not helps(declaring("a", RESTART_ALL), None)
