"""A reference model of kube-scheduler's placement rules, v1.34 and v1.36, in the plainest Python.

Every decision is computed from the JSON-shaped objects, node by node, without a cache. It shares no code with
the package: engine and model can only agree by obeying the same rules. `RULES.md` says them in words.
"""

from tests.model.scheduler import ReferenceScheduler, Step, schedule
from tests.model.versions import Kubernetes

__all__ = ["Kubernetes", "ReferenceScheduler", "Step", "schedule"]
