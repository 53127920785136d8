"""kschedcore: kube-scheduler's decisions, and the reasons for them.

>>> import kschedcore as ks
>>> manifests = ks.load("cluster.json", "app.yaml")
>>> engine = ks.Engine(manifests)
>>> decisions = engine.schedule(manifests.pending)

and a whole cluster, in simulated time:

>>> with ks.Cluster.simulated(nodes=3) as cluster:
...     result = cluster.create_deployment("web", image="nginx", replicas=3)
...     cluster.run_until_settled()
True
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kschedcore import errors, moved
from kschedcore.version import __version__

if TYPE_CHECKING:
    from kschedcore.cluster import Cluster
    from kschedcore.engine.capacity import Capacity
    from kschedcore.engine.decision import Decision, Decisions
    from kschedcore.engine.diagnosis import Diagnosis
    from kschedcore.engine.engine import Engine
    from kschedcore.engine.explanation import Explanation
    from kschedcore.manifests.manifests import Manifests, load

__all__ = [
    "Capacity",
    "Cluster",
    "Decision",
    "Decisions",
    "Diagnosis",
    "Engine",
    "Explanation",
    "Manifests",
    "__version__",
    "errors",
    "get_include",
    "load",
]

logging.getLogger(__name__).addHandler(logging.NullHandler())

_HOMES = {
    "Capacity": "kschedcore.engine.capacity",
    "Cluster": "kschedcore.cluster",
    "Decision": "kschedcore.engine.decision",
    "Decisions": "kschedcore.engine.decision",
    "Diagnosis": "kschedcore.engine.diagnosis",
    "Engine": "kschedcore.engine.engine",
    "Explanation": "kschedcore.engine.explanation",
    "Manifests": "kschedcore.manifests.manifests",
    "load": "kschedcore.manifests.manifests",
}

moved.install()


def get_include() -> str:
    """The folder of ``kschedcore.h``, the C ABI (pass it to a C compiler as ``-I``)."""
    return str(Path(__file__).parent / "include")


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that ``import kschedcore`` itself stays light (PEP 562)."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(home), name)
    return value


def __dir__() -> list[str]:
    return __all__
