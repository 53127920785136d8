"""TaintNodesByCondition: taints new nodes as not ready, so that no pod is bound before they report ready."""

from __future__ import annotations

from kschedcore.apiserver.admission.plugins.base import BasePlugin, creates
from kschedcore.apiserver.admission.types import AdmissionRequest, Operation

__all__ = ["TaintNodesByCondition"]

_NOT_READY = "node.kubernetes.io/not-ready"


class TaintNodesByCondition(BasePlugin):
    """Adds ``node.kubernetes.io/not-ready:NoSchedule`` to a new node."""

    kinds = ("Node",)
    operations = changing = (Operation.CREATE,)

    def admit(self, request: AdmissionRequest) -> None:
        """Taint a new node, unless it has the taint."""
        node = creates(request, "Node")
        if node is None:
            return
        taints = node["spec"].get("taints", [])
        if all((t.get("key"), t.get("effect")) != (_NOT_READY, "NoSchedule") for t in taints):
            node["spec"]["taints"] = [*taints, {"key": _NOT_READY, "effect": "NoSchedule"}]
