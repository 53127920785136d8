"""SchedulingGates (KEP-3521): a gated pod does not enter the queue."""

from __future__ import annotations

from kschedcore.api.objects import Pod
from kschedcore.engine.events import Events
from kschedcore.engine.plugin import Plugin, Status


class SchedulingGates(Plugin):
    """Keeps pods with ``spec.schedulingGates`` out of the queue."""

    name = "SchedulingGates"

    def events(self) -> Events:
        """Register no event: only an update of the pod itself removes its gates."""
        return {}

    def pre_enqueue(self, pod: Pod) -> Status | None:
        """Reject a gated pod, naming its gates."""
        gates = [gate.name for gate in pod.spec.scheduling_gates or ()]
        if not gates:
            return None
        reason = f"waiting for scheduling gates: [{' '.join(gates)}]"
        return Status("UnschedulableAndUnresolvable", self.name, (reason,), pre_enqueue=True)
