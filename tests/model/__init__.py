"""A reference model of kube-scheduler v1.34's placement rules, in the plainest Python.

Every decision is computed from the JSON-shaped objects, node by node, without a cache. It shares no code with
the package: engine and model can only agree by obeying the same rules. `RULES.md` says them in words.
"""

from tests.model.scheduler import ReferenceScheduler, Step, schedule

__all__ = ["ReferenceScheduler", "Step", "schedule"]
