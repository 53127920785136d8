"""SchedulingGates (KEP-3521): a pod with gates is not tried at all."""

from tests.model.framework import Plugin, Status
from tests.model.labels import Json


class SchedulingGates(Plugin):
    name = "SchedulingGates"
    extension_points = frozenset({"preEnqueue"})

    def pre_enqueue(self, pod: Json) -> Status | None:
        gates = [gate["name"] for gate in pod["spec"].get("schedulingGates") or []]
        if not gates:
            return None
        return self.unresolvable(f"waiting for scheduling gates: [{' '.join(gates)}]")
