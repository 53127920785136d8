"""NodeName: `spec.nodeName` names the one node."""

from typing import Any

from tests.model.framework import Plugin, Status
from tests.model.labels import Json
from tests.model.snapshot import NodeInfo


class NodeName(Plugin):
    name = "NodeName"
    extension_points = frozenset({"filter"})

    def filter(self, state: Any, pod: Json, info: NodeInfo) -> Status | None:
        wanted = pod["spec"].get("nodeName")
        if not wanted or wanted == info.name:
            return None
        return self.unresolvable("node(s) didn't match the requested node name")
