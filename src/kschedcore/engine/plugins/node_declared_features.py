"""NodeDeclaredFeatures (KEP-5328): pods go where the node declares the features that they need."""

from __future__ import annotations

from kschedcore._native.plugins.node_declared_features import NodeDeclaredFeatures as Kernel
from kschedcore.api.machinery.changes import Change
from kschedcore.api.objects import Pod
from kschedcore.api.objects.pods import PodSpec
from kschedcore.engine.columns.nodes import marks
from kschedcore.engine.events import Events
from kschedcore.engine.plugin import Plugin, PodContext

RESTART_ALL_CONTAINERS = "RestartAllContainersOnContainerExits"
HOST_NETWORK_USER_NAMESPACES = "UserNamespacesHostNetworkSupport"


class NodeDeclaredFeatures(Plugin):
    """Rejects nodes whose ``status.declaredFeatures`` lack a feature that the pod needs."""

    name = "NodeDeclaredFeatures"
    points = frozenset({"preFilter", "filter"})

    def events(self) -> Events:
        """Register nodes that are new or declare other features."""
        return {"nodes": _declares_otherwise}

    def filter(self, context: PodContext) -> Kernel | None:
        """Compile the rule; nothing for a pod that every node can run."""
        needed = required_features(context.pod.spec)
        return Kernel(context.core.nodes, context.core.reasons, marks(needed)) if needed else None


def required_features(spec: PodSpec) -> list[str]:
    """Return the features that a pod needs of its node, in order of their names.

    These are the features of v1.36 that concern scheduling: restarting all containers when one exits (KEP-5532,
    ``containers[].restartPolicyRules[].action``), and the host's network with user namespaces (KEP-5607,
    ``hostNetwork`` and ``hostUsers: false``). The others concern updates of bound pods only.
    """
    needed = []
    if any(
        rule.action == "RestartAllContainers"
        for container in (*(spec.containers or ()), *(spec.init_containers or ()))
        for rule in container.restart_policy_rules or ()
    ):
        needed.append(RESTART_ALL_CONTAINERS)
    if spec.host_network and spec.host_users is False:
        needed.append(HOST_NETWORK_USER_NAMESPACES)
    return needed


def _declares_otherwise(change: Change, _pod: Pod) -> bool:
    old, new = change.old, change.new
    return old is None or (new is not None and _declared(old) != _declared(new))


def _declared(node: object) -> object:
    assert hasattr(node, "get")
    return node.get("status", {}).get("declaredFeatures")
