"""kschedcore: where does this pod go, and why?

>>> import kschedcore as ks
>>> cluster = ks.load("cluster.json", "app.yaml")
>>> engine = ks.Engine(cluster)
>>> decisions = engine.schedule(cluster.pending)

and a whole cluster, in simulated time:

>>> with ks.Cluster.simulated(nodes=3) as living:
...     result = living.create_deployment("web", image="nginx", replicas=3)
...     living.run_until_settled()
True
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from kschedcore import errors
from kschedcore.version import __version__

if TYPE_CHECKING:
    from kschedcore.api.manifests import Manifests, load
    from kschedcore.cluster import Cluster
    from kschedcore.scheduling.capacity import Capacity
    from kschedcore.scheduling.decision import Decision, Decisions
    from kschedcore.scheduling.diagnosis import Diagnosis
    from kschedcore.scheduling.engine import Engine
    from kschedcore.scheduling.explanation import Explanation

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

_HOMES = {
    "Capacity": "kschedcore.scheduling.capacity",
    "Cluster": "kschedcore.cluster",
    "Decision": "kschedcore.scheduling.decision",
    "Decisions": "kschedcore.scheduling.decision",
    "Diagnosis": "kschedcore.scheduling.diagnosis",
    "Engine": "kschedcore.scheduling.engine",
    "Explanation": "kschedcore.scheduling.explanation",
    "Manifests": "kschedcore.api.manifests",
    "load": "kschedcore.api.manifests",
}


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
