"""NodeDeclaredFeatures: what a pod needs must be among what its node declares (v1.36, KEP-5328)."""

from typing import Any

from tests.model.framework import Plugin, Status
from tests.model.labels import Json
from tests.model.snapshot import NodeInfo
from tests.model.versions import Kubernetes


class NodeDeclaredFeatures(Plugin):
    name = "NodeDeclaredFeatures"

    def __init__(self, kubernetes: Kubernetes) -> None:
        self.extension_points = frozenset({"filter"} if kubernetes == "1.36" else ())

    def filter(self, state: Any, pod: Json, info: NodeInfo) -> Status | None:
        declared = set((info.node.get("status") or {}).get("declaredFeatures") or [])
        if _needed(pod["spec"]) <= declared:
            return None
        return self.unresolvable("node(s) didn't match Pod's required features")


def _needed(spec: Json) -> set[str]:
    needed = set()
    for container in [*(spec.get("containers") or []), *(spec.get("initContainers") or [])]:
        for rule in container.get("restartPolicyRules") or []:
            if rule.get("action") == "RestartAllContainers":
                needed.add("RestartAllContainersOnContainerExits")
    if spec.get("hostNetwork") and spec.get("hostUsers") is False:
        needed.add("UserNamespacesHostNetworkSupport")
    return needed
