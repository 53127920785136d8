"""The tolerations of DefaultTolerationSeconds: five minutes on a node that is not ready or unreachable."""

from __future__ import annotations

from kschedcore.api.machinery.frozen import FrozenDict
from kschedcore.api.machinery.remembered import remembered, shared

__all__ = ["with_default_tolerations"]

_SECONDS = 300
_TAINTS = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")


@remembered
def with_default_tolerations(spec: FrozenDict) -> FrozenDict:
    """Return a pod's spec with tolerations of both taints, unless it has its own for them."""
    tolerations = spec.get("tolerations") or []
    added = []
    for key in _TAINTS:
        stated = any(
            toleration.get("key", "") in (key, "") and toleration.get("effect", "") in ("NoExecute", "")
            for toleration in tolerations
        )
        if not stated:
            added.append(
                {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": _SECONDS}
            )
    return shared({**spec, "tolerations": [*tolerations, *added]}) if added else spec
